//! Who may do what: roles and permissions, of the project and of a tenant.
//!
//! A session grants names in two places. Those at the top level hold for the project. Those under `tenants` hold for one
//! tenant each. A JWT template may instead write the current tenant's names to the top level and leave `tenants` out;
//! only then, and only for the current tenant (`dct`), the top level stands for a tenant. As soon as there is a
//! `tenants` claim the top level is the project's alone, and a project-wide role must not open a tenant's doors.
//!
//! The rule in short, for names `C` (`roles` or `permissions`), required names R and a tenant t:
//!
//! | asked | answer |
//! | --- | --- |
//! | R without a tenant | every name of R is at the top level; yes for an empty R |
//! | R in t, the user does not belong to t | no, for an empty R too |
//! | R in t, `tenants[t]` has `C` | every name of R is in `tenants[t][C]` |
//! | R in t, no `tenants` claim (or a `null` one), `dct` is t | every name of R is at the top level |
//! | R in t, anything else | yes for an empty R, no for any other |
//!
//! Claims may hold anything, since JWT templates can be edited: what is not a text, or not a list, grants nothing.

use serde_json::Value;

use super::claims::Claims;

/// Which names are asked for.
#[derive(Clone, Copy)]
enum Names {
    Roles,
    Permissions,
}

impl Names {
    fn claim(self) -> &'static str {
        match self {
            Self::Roles => "roles",
            Self::Permissions => "permissions",
        }
    }
}

/// The lists of texts in a claim; anything else is passed over.
fn texts(claim: Option<&Value>) -> impl Iterator<Item = &str> + Clone {
    claim.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter().filter_map(Value::as_str)
}

impl Claims {
    /// The user belongs to this tenant: it is one of [`tenants`](Self::tenants), or the
    /// [current one](Self::current_tenant).
    pub fn has_tenant(&self, tenant: &str) -> bool {
        self.tenant_entry(tenant).is_some() || self.current_tenant() == Some(tenant)
    }

    /// The user has this role in the project.
    pub fn has_role(&self, role: &str) -> bool {
        self.has_roles(&[role])
    }

    /// The user has all of these roles in the project. True when none is asked for.
    ///
    /// ```no_run
    /// # fn demo(session: descope_sdk::session::Session) {
    /// if session.has_roles(&["editor", "reviewer"]) { /* … */ }
    /// if session.has_tenant_permissions("acme", &["invoices:read"]) { /* … */ }
    /// # }
    /// ```
    pub fn has_roles(&self, required: &[impl AsRef<str>]) -> bool {
        self.grants(None, Names::Roles, required)
    }

    /// The user has this permission in the project.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.has_permissions(&[permission])
    }

    /// The user has all of these permissions in the project. True when none is asked for.
    pub fn has_permissions(&self, required: &[impl AsRef<str>]) -> bool {
        self.grants(None, Names::Permissions, required)
    }

    /// The user belongs to the tenant and has all of these roles there. With none asked for this is
    /// [`has_tenant`](Self::has_tenant).
    pub fn has_tenant_roles(&self, tenant: &str, required: &[impl AsRef<str>]) -> bool {
        self.grants(Some(tenant), Names::Roles, required)
    }

    /// The user belongs to the tenant and has all of these permissions there. With none asked for this is
    /// [`has_tenant`](Self::has_tenant).
    pub fn has_tenant_permissions(&self, tenant: &str, required: &[impl AsRef<str>]) -> bool {
        self.grants(Some(tenant), Names::Permissions, required)
    }

    /// Those of `wanted` that the user has as roles in the project, in the order of `wanted`.
    pub fn matched_roles(&self, wanted: &[impl AsRef<str>]) -> Vec<&str> {
        self.matched(None, Names::Roles, wanted)
    }

    /// Those of `wanted` that the user has as permissions in the project, in the order of `wanted`.
    pub fn matched_permissions(&self, wanted: &[impl AsRef<str>]) -> Vec<&str> {
        self.matched(None, Names::Permissions, wanted)
    }

    /// Those of `wanted` that the user has as roles in the tenant; none if the user does not belong to it.
    pub fn matched_tenant_roles(&self, tenant: &str, wanted: &[impl AsRef<str>]) -> Vec<&str> {
        self.matched(Some(tenant), Names::Roles, wanted)
    }

    /// Those of `wanted` that the user has as permissions in the tenant; none if the user does not belong to it.
    pub fn matched_tenant_permissions(&self, tenant: &str, wanted: &[impl AsRef<str>]) -> Vec<&str> {
        self.matched(Some(tenant), Names::Permissions, wanted)
    }

    /// The user's roles in the project.
    pub fn roles(&self) -> Vec<&str> {
        texts(self.granted(None, Names::Roles)).collect()
    }

    /// The user's permissions in the project.
    pub fn permissions(&self) -> Vec<&str> {
        texts(self.granted(None, Names::Permissions)).collect()
    }

    /// The user's roles in a tenant; none if the user does not belong to it.
    pub fn tenant_roles(&self, tenant: &str) -> Vec<&str> {
        texts(self.granted(Some(tenant), Names::Roles)).collect()
    }

    /// The user's permissions in a tenant; none if the user does not belong to it.
    pub fn tenant_permissions(&self, tenant: &str) -> Vec<&str> {
        texts(self.granted(Some(tenant), Names::Permissions)).collect()
    }

    /// The claim that grants names where they are asked for.
    fn granted(&self, tenant: Option<&str>, names: Names) -> Option<&Value> {
        let Some(tenant) = tenant else { return self.claim(names.claim()) };
        // A `null` is as good as no claim, as in Descope's other SDKs.
        if self.claim("tenants").is_some_and(|tenants| !tenants.is_null()) {
            self.tenant_entry(tenant)?.get(names.claim())
        } else if self.current_tenant() == Some(tenant) {
            self.claim(names.claim())
        } else {
            None
        }
    }

    fn grants(&self, tenant: Option<&str>, names: Names, required: &[impl AsRef<str>]) -> bool {
        if tenant.is_some_and(|tenant| !self.has_tenant(tenant)) {
            return false;
        }
        let granted = texts(self.granted(tenant, names));
        required.iter().all(|name| granted.clone().any(|other| other == name.as_ref()))
    }

    fn matched(&self, tenant: Option<&str>, names: Names, wanted: &[impl AsRef<str>]) -> Vec<&str> {
        let granted = texts(self.granted(tenant, names));
        wanted.iter().filter_map(|name| granted.clone().find(|other| *other == name.as_ref())).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::session::testing::claims;

    /// Checks one row for roles and for permissions alike: `claim` stands for either.
    fn each(body: &Value, check: impl Fn(&Claims, Names)) {
        for names in [Names::Roles, Names::Permissions] {
            let text = body.to_string().replace("\"claim\"", &format!("\"{}\"", names.claim()));
            check(&claims(serde_json::from_str(&text).expect("JSON")), names);
        }
    }

    #[test]
    fn without_a_tenant_only_the_top_level_counts() {
        // claims, required, granted?, matched
        let table: &[(Value, &[&str], bool, &[&str])] = &[
            (json!({}), &[], true, &[]),
            (json!({}), &["a"], false, &[]),
            (json!({"claim": []}), &[], true, &[]),
            (json!({"claim": ["a", "b"]}), &["a"], true, &["a"]),
            (json!({"claim": ["a", "b"]}), &["b", "a"], true, &["b", "a"]),
            (json!({"claim": ["a", "b"]}), &["a", "c"], false, &["a"]),
            (json!({"claim": ["a", "b"]}), &["A"], false, &[]),
            (json!({"claim": ["a", "b"]}), &[""], false, &[]),
            (json!({"claim": ["ab"]}), &["a"], false, &[]),
            // The tenants' names are not the project's.
            (json!({"claim": ["a"], "tenants": {"t": {"claim": ["b"]}}}), &["b"], false, &[]),
            (json!({"dct": "t", "tenants": {"t": {"claim": ["b"]}}}), &["b"], false, &[]),
            (json!({"dct": "t", "claim": ["a"]}), &["a"], true, &["a"]),
            // Odd types grant nothing and do no harm.
            (json!({"claim": "a"}), &["a"], false, &[]),
            (json!({"claim": null}), &["a"], false, &[]),
            (json!({"claim": {"a": true}}), &["a"], false, &[]),
            (json!({"claim": 7}), &[], true, &[]),
            (json!({"claim": [1, null, ["a"], {"a": 1}, true, "b"]}), &["a"], false, &[]),
            (json!({"claim": [1, null, ["a"], {"a": 1}, true, "b"]}), &["b"], true, &["b"]),
        ];
        for (body, required, granted, matched) in table {
            each(body, |claims, names| {
                assert_eq!(claims.grants(None, names, required), *granted, "{body} {required:?}");
                assert_eq!(claims.matched(None, names, required), *matched, "{body} {required:?}");
            });
        }
    }

    type Row = (Value, &'static [&'static str], bool, bool, &'static [&'static str]);

    #[test]
    fn in_a_tenant() {
        // claims, required in tenant `t`, belongs?, granted?, matched
        let table: &[Row] = &[
            // Not associated: no, whatever is asked for.
            (json!({}), &[], false, false, &[]),
            (json!({"claim": ["a"]}), &["a"], false, false, &[]),
            (json!({"claim": ["a"]}), &[], false, false, &[]),
            (json!({"tenants": {}}), &[], false, false, &[]),
            (json!({"tenants": {"u": {"claim": ["a"]}}}), &["a"], false, false, &[]),
            (json!({"tenants": {"T": {"claim": ["a"]}}}), &["a"], false, false, &[]),
            (json!({"dct": "u", "claim": ["a"]}), &["a"], false, false, &[]),
            // Listed.
            (json!({"tenants": {"t": {"claim": ["a", "b"]}}}), &["a"], true, true, &["a"]),
            (json!({"tenants": {"t": {"claim": ["a", "b"]}}}), &["b", "a"], true, true, &["b", "a"]),
            (json!({"tenants": {"t": {"claim": ["a"]}}}), &["a", "b"], true, false, &["a"]),
            (json!({"tenants": {"t": {"claim": ["a"]}}}), &[], true, true, &[]),
            (json!({"tenants": {"t": {"claim": ["a"]}, "u": {"claim": ["b"]}}}), &["b"], true, false, &[]),
            // Listed with nothing.
            (json!({"tenants": {"t": {}}}), &[], true, true, &[]),
            (json!({"tenants": {"t": {}}}), &["a"], true, false, &[]),
            (json!({"tenants": {"t": {}}, "claim": ["a"]}), &["a"], true, false, &[]),
            (json!({"tenants": {"t": {}}, "dct": "t", "claim": ["a"]}), &["a"], true, false, &[]),
            (json!({"tenants": {"t": {"other": ["a"]}}}), &["a"], true, false, &[]),
            // The current tenant, and no `tenants` at all: the top level is the tenant's.
            (json!({"dct": "t", "claim": ["a"]}), &["a"], true, true, &["a"]),
            (json!({"dct": "t", "claim": ["a"]}), &["a", "b"], true, false, &["a"]),
            (json!({"dct": "t"}), &[], true, true, &[]),
            (json!({"dct": "t"}), &["a"], true, false, &[]),
            // A null counts as a missing claim.
            (json!({"dct": "t", "claim": ["a"], "tenants": null}), &["a"], true, true, &["a"]),
            (json!({"dct": "t", "claim": ["a"], "tenants": null}), &["a", "b"], true, false, &["a"]),
            (json!({"dct": "t", "claim": null, "tenants": null}), &["a"], true, false, &[]),
            (json!({"dct": "t", "tenants": null}), &[], true, true, &[]),
            (json!({"dct": "u", "claim": ["a"], "tenants": null}), &["a"], false, false, &[]),
            (json!({"claim": ["a"], "tenants": null}), &["a"], false, false, &[]),
            (json!({"claim": ["a"], "tenants": null}), &[], false, false, &[]),
            (json!({"dct": null, "claim": ["a"], "tenants": null}), &["a"], false, false, &[]),
            // The current tenant, but there is a `tenants`, even an empty or a broken one: nothing leaks.
            (json!({"dct": "t", "claim": ["a"], "tenants": {}}), &["a"], true, false, &[]),
            (json!({"dct": "t", "claim": ["a"], "tenants": {}}), &[], true, true, &[]),
            (json!({"dct": "t", "claim": ["a"], "tenants": ["t"]}), &["a"], true, false, &[]),
            (json!({"dct": "t", "claim": ["a"], "tenants": []}), &["a"], true, false, &[]),
            (json!({"dct": "t", "claim": ["a"], "tenants": "t"}), &["a"], true, false, &[]),
            (json!({"dct": "t", "claim": ["a"], "tenants": false}), &["a"], true, false, &[]),
            (json!({"dct": "t", "claim": ["a"], "tenants": 0}), &["a"], true, false, &[]),
            (json!({"dct": "t", "claim": ["a"], "tenants": {"u": {"claim": ["a"]}}}), &["a"], true, false, &[]),
            (json!({"dct": "u", "claim": ["a"], "tenants": {"t": {"claim": ["b"]}}}), &["b"], true, true, &["b"]),
            // Odd types.
            (json!({"tenants": {"t": null}}), &[], true, true, &[]),
            (json!({"tenants": {"t": null}}), &["a"], true, false, &[]),
            (json!({"tenants": {"t": "a"}}), &["a"], true, false, &[]),
            (json!({"tenants": {"t": ["a"]}}), &["a"], true, false, &[]),
            (json!({"tenants": {"t": {"claim": "a"}}}), &["a"], true, false, &[]),
            (json!({"tenants": {"t": {"claim": [1, {"a": 1}, "b"]}}}), &["b"], true, true, &["b"]),
            (json!({"tenants": "t"}), &[], false, false, &[]),
            (json!({"tenants": ["t"]}), &[], false, false, &[]),
            (json!({"dct": ["t"], "claim": ["a"]}), &["a"], false, false, &[]),
            (json!({"dct": null, "claim": ["a"]}), &["a"], false, false, &[]),
        ];
        for (body, required, belongs, granted, matched) in table {
            each(body, |claims, names| {
                assert_eq!(claims.has_tenant("t"), *belongs, "{body}");
                assert_eq!(claims.grants(Some("t"), names, required), *granted, "{body} {required:?}");
                assert_eq!(claims.matched(Some("t"), names, required), *matched, "{body} {required:?}");
            });
        }
    }

    #[test]
    fn no_tenant_is_called_nothing() {
        let claims = claims(json!({"dct": "", "roles": ["a"]}));
        assert!(!claims.has_tenant(""));
        assert!(!claims.has_tenant_roles("", &["a"]));
        assert_eq!(claims.current_tenant(), None);
    }

    #[test]
    fn the_public_functions_ask_for_the_right_names() {
        let claims = claims(json!({
            "roles": ["r"], "permissions": ["p"],
            "tenants": {"t": {"roles": ["tr"], "permissions": ["tp"]}},
        }));
        let owned = vec!["r".to_owned()];
        assert!(claims.has_roles(&owned) && claims.has_role("r") && !claims.has_role("p"));
        assert!(claims.has_permissions(&["p"]) && claims.has_permission("p") && !claims.has_permission("r"));
        assert!(claims.has_tenant_roles("t", &["tr"]) && !claims.has_tenant_roles("t", &["tp"]));
        assert!(claims.has_tenant_permissions("t", &["tp"]) && !claims.has_tenant_permissions("t", &["tr"]));
        assert_eq!(claims.matched_roles(&["x", "r"]), ["r"]);
        assert_eq!(claims.matched_permissions(&["x", "p"]), ["p"]);
        assert_eq!(claims.matched_tenant_roles("t", &["x", "tr"]), ["tr"]);
        assert_eq!(claims.matched_tenant_permissions("t", &["x", "tp"]), ["tp"]);
        assert!(claims.matched_tenant_roles("u", &["tr"]).is_empty());
        assert_eq!((claims.roles(), claims.permissions()), (vec!["r"], vec!["p"]));
        assert_eq!((claims.tenant_roles("t"), claims.tenant_permissions("t")), (vec!["tr"], vec!["tp"]));
        assert!(claims.tenant_roles("u").is_empty() && claims.tenant_permissions("u").is_empty());
    }
}
