//! Credentials and addresses: who may call, and where.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    compare::{Comparison, index, keys},
    shape::follow,
};
use crate::document::members;

/// Members that say how a credential is sent.
const HOW_SENT: [&str; 4] = ["type", "scheme", "in", "name"];

/// Members with an address at which a client gets a credential.
const ADDRESSES: [&str; 3] = ["authorizationUrl", "tokenUrl", "refreshUrl"];

/// Schemes that are sent together, each with its scopes.
type Alternative = BTreeMap<String, BTreeSet<String>>;

impl<'a> Comparison<'a> {
    pub(super) fn security(&mut self, subject: &str, old: &'a Value, new: &'a Value) {
        let (before, after) = (
            alternatives(old.get("security").unwrap_or(&self.old["security"])),
            alternatives(new.get("security").unwrap_or(&self.new["security"])),
        );
        let names = |alternative: &Alternative| alternative.keys().cloned().collect::<BTreeSet<String>>();
        for one in &before {
            let wanted = names(one);
            if let Some(same) = after.iter().find(|other| names(other) == wanted) {
                self.scopes(subject, one, same);
            } else if after.iter().any(|other| names(other).is_subset(&wanted)) {
                self.note("security-relaxed", subject, described(one), "");
            } else {
                self.note("security-removed", subject, described(one), "");
            }
        }
        for other in &after {
            if !before.iter().any(|one| names(one) == names(other)) {
                self.note("security-added", subject, described(other), "");
            }
        }
    }

    fn scopes(&mut self, subject: &str, old: &Alternative, new: &Alternative) {
        for (scheme, scopes) in old {
            let Some(others) = new.get(scheme) else { continue };
            for scope in others.difference(scopes) {
                self.note("scope-added", subject, scheme.clone(), scope.clone());
            }
            for scope in scopes.difference(others) {
                self.note("scope-removed", subject, scheme.clone(), scope.clone());
            }
        }
    }

    pub(super) fn security_schemes(&mut self) {
        let before = index(&self.old["components"]["securitySchemes"]);
        let after = index(&self.new["components"]["securitySchemes"]);
        for name in keys(&before, &after) {
            let subject = format!("credential {name}");
            match (before.get(name), after.get(name)) {
                // Operations that ask for it are reported by themselves.
                (Some(_), None) => self.note("security-scheme-removed", &subject, "", ""),
                (None, Some(_)) => self.note("security-scheme-added", &subject, "", ""),
                (Some(old), Some(new)) => {
                    let (old, new) = (follow(self.old, old), follow(self.new, new));
                    self.security_scheme(&subject, old, new);
                }
                (None, None) => {}
            }
        }
    }

    fn security_scheme(&mut self, subject: &str, old: &Value, new: &Value) {
        let shown = |value: &Value| value.as_str().unwrap_or("nothing").to_ascii_lowercase();
        for member in HOW_SENT {
            if shown(&old[member]) != shown(&new[member]) {
                let detail = format!("{member} {} to {}", old[member], new[member]);
                self.note("security-scheme-changed", subject, "", detail);
            }
        }
        if old["description"] != new["description"] || old["bearerFormat"] != new["bearerFormat"] {
            self.note("document-prose-changed", subject, "", "");
        }
        self.extensions(subject, "", old, new);
        if old["openIdConnectUrl"] != new["openIdConnectUrl"] {
            let detail = format!("{} to {}", old["openIdConnectUrl"], new["openIdConnectUrl"]);
            self.note("security-address-changed", subject, "", detail);
        }
        let (before, after) = (index(&old["flows"]), index(&new["flows"]));
        for flow in keys(&before, &after) {
            match (before.get(flow), after.get(flow)) {
                (Some(_), None) => self.note("security-flow-removed", subject, flow.clone(), ""),
                (None, Some(_)) => self.note("security-flow-added", subject, flow.clone(), ""),
                (Some(old), Some(new)) => self.flow(subject, flow, old, new),
                (None, None) => {}
            }
        }
    }

    fn flow(&mut self, subject: &str, flow: &str, old: &Value, new: &Value) {
        for member in ADDRESSES {
            if old[member] != new[member] {
                let detail = format!("{member} {} to {}", old[member], new[member]);
                self.note("security-address-changed", subject, flow, detail);
            }
        }
        let (before, after) = (index(&old["scopes"]), index(&new["scopes"]));
        for scope in keys(&before, &after) {
            match (before.get(scope), after.get(scope)) {
                (Some(_), None) => self.note("scope-withdrawn", subject, flow, scope.clone()),
                (None, Some(_)) => self.note("scope-offered", subject, flow, scope.clone()),
                (Some(old), Some(new)) if old != new => {
                    self.note("document-prose-changed", subject, flow, scope.clone());
                }
                _ => {}
            }
        }
    }

    /// Addresses of a document, a path or an operation; where none is given, those around it count.
    pub(super) fn servers(&mut self, subject: &str, old: &Value, new: &Value) {
        let listed = |holder: &Value| -> BTreeMap<String, Value> {
            let servers = holder["servers"].as_array().map(Vec::as_slice).unwrap_or_default();
            let known: BTreeMap<_, _> =
                servers.iter().map(|server| (address(server), server["variables"].clone())).collect();
            let usual = BTreeMap::from([("/".to_owned(), Value::Null)]);
            if known.is_empty() && subject == "document" { usual } else { known }
        };
        let (before, after) = (listed(old), listed(new));
        if before.is_empty() || after.is_empty() {
            if before.len() != after.len() {
                self.note("server-changed", subject, "", "its own instead of those around it, or the other way round");
            }
            return;
        }
        for url in keys(&before, &after) {
            match (before.get(url), after.get(url)) {
                (Some(_), None) => self.note("server-removed", subject, url.clone(), ""),
                (None, Some(_)) => self.note("server-added", subject, url.clone(), ""),
                (Some(old), Some(new)) if old != new => self.note("server-changed", subject, url.clone(), "variables"),
                _ => {}
            }
        }
    }
}

/// The address of a server, without the slash at the end.
fn address(server: &Value) -> String {
    let url = server["url"].as_str().unwrap_or("/");
    if url == "/" { url.to_owned() } else { url.trim_end_matches('/').to_owned() }
}

/// The accepted credentials; without any, nothing has to be sent.
fn alternatives(security: &Value) -> Vec<Alternative> {
    let listed: Vec<Alternative> = security
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| {
            let scopes = |value: &Value| {
                value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
            };
            members(entry).into_iter().map(|(name, value)| (name.to_owned(), scopes(value))).collect()
        })
        .collect();
    if listed.is_empty() { vec![Alternative::new()] } else { listed }
}

fn described(alternative: &Alternative) -> String {
    if alternative.is_empty() {
        "none".to_owned()
    } else {
        alternative.keys().cloned().collect::<Vec<_>>().join(" and ")
    }
}
