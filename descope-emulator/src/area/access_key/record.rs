//! Access keys of machines.

use std::{collections::BTreeMap, net::IpAddr};

use descope_api::types;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    area::{tenant, user::Tenancy},
    world::{Record, State},
};

/// One access key.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct AccessKeyRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) cleartext: String,
    pub(crate) created_at: i64,
    /// Epoch seconds from which it is refused; 0 for never.
    pub(crate) expires_at: i64,
    pub(crate) inactive: bool,
    pub(crate) roles: Vec<String>,
    pub(crate) tenants: BTreeMap<String, Tenancy>,
    pub(crate) bound_user_id: Option<String>,
    pub(crate) custom_claims: Map<String, Value>,
    pub(crate) custom_attributes: Map<String, Value>,
    pub(crate) permitted_ips: Vec<String>,
    /// The SSO configuration that it provisions into, where it is a SCIM key; empty for the default one.
    pub(crate) scim_sso_id: Option<String>,
}

impl std::fmt::Debug for AccessKeyRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKeyRecord").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl AccessKeyRecord {
    pub(crate) fn is_expired(&self, now: i64) -> bool {
        self.expires_at != 0 && now >= self.expires_at
    }

    /// The key as the API shows it, without its clear text.
    pub(crate) fn to_api(&self, state: &State, now: i64) -> types::AccessKey {
        let tenants = self.tenants.iter().map(|(id, tenancy)| {
            types::AccessKeyTenant::new()
                .tenant_id(id)
                .tenant_name(tenant::name_of(state, id))
                .role_names(&tenancy.roles)
        });
        let status = match (self.is_expired(now), self.inactive) {
            (true, _) => "expired",
            (false, true) => "inactive",
            (false, false) => "active",
        };
        types::AccessKey::new()
            .id(self.id.clone())
            .name(self.name.clone())
            .description(self.description.clone())
            .status(status)
            .created_time(self.created_at)
            .created_by(String::new())
            .client_id(self.id.clone())
            .expire_time(self.expires_at)
            .bound_user_id(self.bound_user_id.clone().unwrap_or_default())
            .role_names(self.roles.clone())
            .key_tenants(tenants)
            .custom_claims(self.custom_claims.clone())
            .custom_attributes(self.custom_attributes.clone())
            .permitted_ips(self.permitted_ips.clone())
            .editable(true)
    }
}

impl Record for AccessKeyRecord {
    const AUDITED: Option<&'static str> = Some("AccessKey");

    fn id(&self) -> &str {
        &self.id
    }

    /// By its clear text, which has to be found with each exchange.
    fn names(&self) -> Vec<String> {
        vec![self.cleartext.clone()]
    }

    fn owners(&self) -> Vec<String> {
        self.bound_user_id.clone().into_iter().collect()
    }

    fn tenant_ids(&self) -> Vec<String> {
        self.tenants.keys().cloned().collect()
    }
}

impl AccessKeyRecord {
    /// Whether the key may be used from this address; without a list it may from everywhere.
    pub(crate) fn permits(&self, ip: &str) -> bool {
        let Ok(ip) = ip.parse::<IpAddr>() else { return self.permitted_ips.is_empty() };
        self.permitted_ips.is_empty() || self.permitted_ips.iter().any(|range| in_range(ip, range))
    }
}

/// Whether a range is an address or a network such as `10.0.0.0/8`.
pub(crate) fn is_range(range: &str) -> bool {
    parse_range(range).is_some()
}

fn parse_range(range: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = match range.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (range, None),
    };
    let address: IpAddr = address.trim().parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(most), |length| length.trim().parse().ok())?;
    (length <= most).then_some((address, length))
}

/// Whether an address is in a network, such as `10.0.0.0/8`.
pub(crate) fn in_range(ip: IpAddr, range: &str) -> bool {
    let Some((network, length)) = parse_range(range) else { return false };
    let (ip, network, width) = match (ip.to_canonical(), network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => (u128::from(u32::from(ip)), u128::from(u32::from(network)), 32),
        (IpAddr::V6(ip), IpAddr::V6(network)) => (u128::from(ip), u128::from(network), 128),
        _ => return false,
    };
    length == 0 || ip >> (width - length) == network >> (width - length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_held_against_networks() {
        let within = |ip: &str, range: &str| in_range(ip.parse().expect("address"), range);
        assert!(within("10.0.0.1", "10.0.0.1"));
        assert!(within("192.168.1.77", "192.168.1.0/24"));
        assert!(within("::ffff:192.168.1.77", "192.168.1.0/24"));
        assert!(within("10.0.0.1", "0.0.0.0/0"));
        assert!(within("fd00::5", "fd00::/8"));
        assert!(!within("192.168.2.77", "192.168.1.0/24"));
        assert!(!within("10.0.0.1", "fd00::/8"));
        assert!(is_range("10.0.0.1") && is_range("10.0.0.0/8") && is_range("::1/128"));
        assert!(!is_range("10.0.0.0/33") && !is_range("ten") && !is_range("10.0.0.0/x"));
    }
}
