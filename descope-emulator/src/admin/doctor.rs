//! Says what is wrong with the settings of a client, and which environment variable to set.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use descope_api::Secret;
use http::{HeaderMap, header};
use serde::Serialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::members::Members;
use crate::{
    area::management_key,
    error::Refusal,
    http::App,
    world::{clock::system_now, is_project_id},
};

/// How far clocks may be apart, in seconds: what SDKs take for granted at the least.
const TOLERANCE: i64 = 5;

/// What a client is set to, as far as it has said.
#[derive(Default)]
pub(super) struct Client {
    base_url: Option<String>,
    project_id: Option<String>,
    management_key: Option<Secret>,
    token: Option<Secret>,
    /// The time of its computer, in epoch seconds.
    now: Option<i64>,
}

/// One thing that is wrong, or odd.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    /// `baseUrl`, `projectId`, `managementKey`, `token` or `clock`.
    about: &'static str,
    /// `error` where calls fail, else `warning`.
    level: &'static str,
    message: String,
    /// The environment variable that an SDK reads it from.
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<&'static str>,
    /// What to set it to, where that is no secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

impl Finding {
    fn error(about: &'static str, message: impl Into<String>) -> Self {
        Self { about, level: "error", message: message.into(), variable: None, value: None }
    }

    fn warning(about: &'static str, message: impl Into<String>) -> Self {
        Self { level: "warning", ..Self::error(about, message) }
    }

    fn set(mut self, variable: &'static str, value: Option<&str>) -> Self {
        (self.variable, self.value) = (Some(variable), value.map(str::to_owned));
        self
    }
}

impl Client {
    /// What the headers of its request tell: the bearer and the date.
    pub(super) fn of_headers(headers: &HeaderMap) -> Self {
        let mut client = Self::default();
        let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let bearer = text(header::AUTHORIZATION).and_then(|value| value.split_once(' '));
        if let Some((_, bearer)) = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) {
            let mut parts = bearer.trim().split(':');
            client.project_id = parts.next().map(str::to_owned);
            for part in parts.filter(|part| !part.is_empty()) {
                if part.split('.').count() == 3 {
                    client.token = Some(part.into());
                } else {
                    client.management_key = Some(part.into());
                }
            }
        }
        client
    }

    /// What it says in JSON besides.
    pub(super) fn and(mut self, members: Map<String, Value>) -> Result<Self, Refusal> {
        let mut members = Members::new(members);
        let secret = |text: Option<String>| text.map(Secret::from);
        self.base_url = members.text("baseUrl")?.or(self.base_url);
        self.project_id = members.text("projectId")?.or(self.project_id);
        self.management_key = secret(members.text("managementKey")?).or(self.management_key);
        self.token = secret(members.text("token")?).or(self.token);
        let now = members.whole("now", 0..=u64::from(u32::MAX) * 2)?;
        self.now = now.and_then(|now| i64::try_from(now).ok()).or(self.now);
        members.finish()?;
        Ok(self)
    }
}

/// The region that a project id names.
pub(crate) fn region_of(project_id: &str) -> Option<&str> {
    if project_id.len() >= 32 { project_id.get(1..5) } else { None }
}

/// Looks at everything that the client has said.
pub(super) fn examine(app: &App, client: &Client, own_origin: &str) -> Value {
    let mut findings = Vec::new();
    base_url(client, own_origin, &mut findings);
    project(app, client, &mut findings);
    key(app, client, &mut findings);
    token(app, client, &mut findings);
    clock(app, client, &mut findings);
    json!({
        "ok": findings.iter().all(|finding| finding.level != "error"),
        "findings": findings,
        "emulator": {
            "baseUrl": own_origin,
            "projectId": app.project_id,
            "now": app.world.clock.now(),
            "clockAheadSeconds": app.world.clock.ahead(),
        },
    })
}

fn base_url(client: &Client, own_origin: &str, findings: &mut Vec<Finding>) {
    let set = |finding: Finding| finding.set("DESCOPE_BASE_URL", Some(own_origin));
    let region = client.project_id.as_deref().and_then(region_of);
    let Some(text) = &client.base_url else { return };
    let Some(url) = Url::parse(text).ok().filter(|url| url.host_str().is_some()) else {
        findings.push(set(Finding::error("baseUrl", format!("The base URL {text:?} is no URL"))));
        return;
    };
    let host = url.host_str().unwrap_or_default();
    if host == "descope.com" || host.ends_with(".descope.com") {
        let mut message = format!("The base URL leads to the service at {host} and not to the emulator");
        let of_host = host.strip_prefix("api.").and_then(|rest| rest.strip_suffix(".descope.com"));
        if region != of_host {
            let names = region.map_or_else(|| "no region".to_owned(), |region| format!("the region {region}"));
            message.extend(["; it is not of the right region either, as the project id names ", &names]);
        }
        findings.push(set(Finding::error("baseUrl", message)));
        return;
    }
    if url.scheme() != "http" {
        let message = format!("The emulator speaks http, and the base URL begins with {}", url.scheme());
        findings.push(set(Finding::error("baseUrl", message)));
    }
    if !matches!(url.path(), "" | "/") {
        let message = format!("The base URL has the path {}, below which there is nothing", url.path());
        findings.push(set(Finding::error("baseUrl", message)));
    }
    let own = Url::parse(own_origin).ok();
    if own.as_ref().is_some_and(|own| (own.host_str(), own.port()) != (url.host_str(), url.port())) {
        let message = format!("The base URL {text} is not where this emulator was asked, which is {own_origin}");
        findings.push(set(Finding::warning("baseUrl", message)));
    }
}

fn project(app: &App, client: &Client, findings: &mut Vec<Finding>) {
    let set = |finding: Finding| finding.set("DESCOPE_PROJECT_ID", Some(&app.project_id));
    let Some(id) = client.project_id.as_deref().filter(|id| !id.is_empty()) else {
        findings.push(set(Finding::error("projectId", "There is no project id")));
        return;
    };
    if id == app.project_id {
        return;
    }
    if !is_project_id(id) {
        let message = format!("{id:?} cannot be the id of a project: it has white space, a colon or a slash in it");
        findings.push(set(Finding::error("projectId", message)));
    } else if !app.world.takes(id) {
        findings.push(set(Finding::error("projectId", format!("Project {id} is not emulated here"))));
    } else if app.world.projects().iter().all(|project| project.id != id) {
        let message = format!("Nothing has happened in project {id} yet; the emulator was started for another one");
        findings.push(set(Finding::warning("projectId", message)));
    }
}

fn key(app: &App, client: &Client, findings: &mut Vec<Finding>) {
    let set = |finding: Finding| finding.set("DESCOPE_MANAGEMENT_KEY", None);
    let Some(key) = client.management_key.as_ref().filter(|key| !key.expose().is_empty()) else { return };
    if *key == Secret::from(app.management_key.as_str()) {
        return;
    }
    let id = client.project_id.as_deref().unwrap_or(&app.project_id);
    let admitted = match app.world.existing(id) {
        Some(project) => management_key::admit(&project.state(), key.expose(), id, "127.0.0.1", app.world.clock.now()),
        None => Ok(false),
    };
    match admitted {
        Ok(true) => {}
        Ok(false) => {
            let message = "The management key is none of this emulator, which prints its own one at its start and takes \
                           another one by --management-key";
            findings.push(set(Finding::error("managementKey", message)));
        }
        Err(refusal) => findings.push(set(Finding::error("managementKey", refusal.message))),
    }
}

fn token(app: &App, client: &Client, findings: &mut Vec<Finding>) {
    let Some(token) = client.token.as_ref().map(Secret::expose) else { return };
    let payload = token.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let Some(claims) = payload.and_then(|payload| serde_json::from_slice::<Value>(&payload).ok()) else {
        findings.push(Finding::error("token", "The token is no JWT"));
        return;
    };
    let issuer = claims["iss"].as_str().unwrap_or_default();
    let issuer = issuer.rsplit('/').next().unwrap_or_default();
    let id = client.project_id.as_deref().unwrap_or(&app.project_id);
    if issuer != id {
        let message = format!("The token was issued for project {issuer:?} and is sent for {id:?}");
        findings.push(Finding::error("token", message).set("DESCOPE_PROJECT_ID", Some(issuer)));
    }
    let known = app.world.existing(issuer).is_some_and(|project| project.keys().verify(token).is_some());
    if !known {
        let message = "The token was not signed by this emulator, or before its start: sign in once more, or keep its keys by \
                       --data";
        findings.push(Finding::error("token", message));
    }
    let now = app.world.clock.now();
    if let Some(end) = claims["exp"].as_i64().filter(|end| *end <= now) {
        findings.push(Finding::error("token", format!("The token has expired {} seconds ago", now - end)));
    }
}

fn clock(app: &App, client: &Client, findings: &mut Vec<Finding>) {
    let ahead = app.world.clock.ahead();
    let told = |seconds: i64| format!("{} seconds {}", seconds.abs(), if seconds > 0 { "ahead of" } else { "behind" });
    if ahead.abs() > TOLERANCE {
        let message = format!(
            "The emulator's clock was set: it is {} the computer's. SDKs check tokens by the computer's clock; POST \
             /_emulator/reset sets it right",
            told(ahead)
        );
        findings.push(Finding::warning("clock", message));
    }
    if let Some(off) = client.now.map(|now| now - system_now()).filter(|off| off.abs() > TOLERANCE) {
        let look = if off > 0 { "had expired early" } else { "came from the future" };
        let message = format!(
            "The client's clock is {} that of the emulator's computer, so that new tokens look to it as if they {look}; set \
             it right",
            told(off)
        );
        findings.push(Finding::error("clock", message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_those_of_long_ids() {
        assert_eq!(region_of("Puse12aAc4T2V93bddihGEx2Ryhc8e5Z"), Some("use1"));
        assert_eq!(region_of("P2EmulatorProject0000000000A"), None);
    }
}
