//! Links to the page on which the administrator of a tenant sets single sign-on up. The page itself is not emulated.

use descope_api::types::{TenantAdminLinkGenerateRequest, TenantAdminLinkResponse};
use serde::{Deserialize, Serialize};

use super::{some, tenant};
use crate::{
    address::is_email,
    admin::inbox::{Channel, Message, MessageLink},
    error::{NOT_EMULATED, Refusal, VALIDATION_FAILED},
    http::{Call, Table, op},
    world::Record,
};

/// How long a link is good for when nobody says, in seconds: a day.
const DEFAULT_SECONDS: i64 = 24 * 3600;

/// One link.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct AdminLinkRecord {
    token: String,
    tenant_id: String,
    sso_id: String,
    expires_at: i64,
}

impl Record for AdminLinkRecord {
    const AUDITED: Option<&'static str> = Some("TenantAdminLink");

    fn id(&self) -> &str {
        &self.token
    }

    fn owners(&self) -> Vec<String> {
        vec![self.tenant_id.clone()]
    }

    fn ends_at(&self) -> Option<i64> {
        Some(self.expires_at)
    }

    fn tenant_ids(&self) -> Vec<String> {
        vec![self.tenant_id.clone()]
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementTenantAdminLinkGenerate>(generate)
        .on::<op::ManagementTenantAdminLinkGenerateV1>(generate)
        .done::<op::ManagementTenantAdminLinkSend>(|call, body| {
            let (link, _) = make(call, &body.tenant_id, body.sso_id, None)?;
            send(call, body.email, link)
        })
        .done::<op::ManagementTenantAdminLinkRevoke>(|call, body| {
            tenant::require(call.state, &body.tenant_id)?;
            let sso = some(body.sso_id).unwrap_or_default();
            let gone = call
                .state
                .admin_links
                .remove_where(&mut call.state.log, |link| link.tenant_id == body.tenant_id && link.sso_id == sso);
            if gone == 0 {
                return Err(Refusal::missing("admin link for the tenant", &body.tenant_id));
            }
            Ok(())
        });
}

/// A new link in the place of the one before.
fn make(
    call: &mut Call<'_>,
    tenant_id: &str,
    sso_id: Option<String>,
    seconds: Option<i64>,
) -> Result<(MessageLink, String), Refusal> {
    tenant::require(call.state, tenant_id)?;
    let seconds = seconds.filter(|seconds| *seconds != 0).unwrap_or(DEFAULT_SECONDS);
    if seconds < 0 {
        return Err(Refusal::invalid("The expireTime field is in seconds from now, and not negative"));
    }
    let token = call.state.ids.alphanumeric(40);
    let sso_id = some(sso_id).unwrap_or_default();
    let url = format!("{}/{}/sso-setup/{tenant_id}?t={token}", call.origin(), call.project.id);
    call.state
        .admin_links
        .remove_where(&mut call.state.log, |link| link.tenant_id == tenant_id && link.sso_id == sso_id);
    let expires_at = call.now.saturating_add(seconds);
    let link = AdminLinkRecord { token: token.clone(), tenant_id: tenant_id.to_owned(), sso_id, expires_at };
    call.state.admin_links.insert(&mut call.state.log, link)?;
    Ok((MessageLink { link_id: None, url: url.clone(), token }, url))
}

fn generate(call: &mut Call<'_>, body: TenantAdminLinkGenerateRequest) -> Result<TenantAdminLinkResponse, Refusal> {
    if some(body.template_id).is_some() {
        return Err(Refusal::new(&NOT_EMULATED, "Templates of messages are not emulated; leave templateId out"));
    }
    let (link, url) = make(call, &body.tenant_id, body.sso_id, body.expire_time)?;
    if let Some(email) = some(body.email) {
        send(call, email, link)?;
    }
    if let Some(actor) = some(body.actor_id) {
        call.state.log.event(crate::world::Event {
            action: "TenantAdminLinkGenerated".to_owned(),
            actor: Some(actor),
            tenants: vec![body.tenant_id],
            ..Default::default()
        });
    }
    Ok(TenantAdminLinkResponse::new().admin_sso_configuration_link(url))
}

fn send(call: &mut Call<'_>, email: String, link: MessageLink) -> Result<(), Refusal> {
    if !is_email(&email) {
        return Err(Refusal::new(&VALIDATION_FAILED, "The email field is not valid"));
    }
    call.outbox.push(Message {
        id: 0,
        login_id: email.clone(),
        to: email,
        channel: Channel::Email,
        operation: call.operation.id.to_owned(),
        code: None,
        transaction_id: None,
        links: vec![link],
        sent_at: call.now,
    });
    Ok(())
}
