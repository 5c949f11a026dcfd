//! The project as the provider that others sign in by: OAuth for inbound applications and for the clients of MCP servers,
//! `OpenID` Connect for federated ones. One engine stands behind every path.
//!
//! Where the service shows its hosted page, which runs a flow, the emulator shows a page of its own: a person, or a test
//! by the query, chooses who signs in and whether they agree. `flow`, `style` and `dynamic_val` are about the page of the
//! service, so they change nothing here.

mod authorize;
mod claims;
mod client;
mod fedcm;
mod grant;
pub(crate) mod page;
mod request;
mod token;
mod userinfo;
mod waiting;

use std::collections::HashMap;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use descope_api::Operation;
use http::{header, request::Parts};
use serde::Serialize;
use serde_json::{Map, Value};

pub(in crate::area) use self::authorize::verifies;
pub(crate) use self::{
    grant::GrantRecord,
    request::{BrowserRecord, RequestRecord},
};
use crate::{
    error::Refusal,
    http::{Call, Reply, Table, Typed, dispatch::parse_query, op},
    world::World,
};

/// Which applications it is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Side {
    /// Applications of third parties, and clients of MCP servers.
    #[default]
    Inbound,
    /// Applications that sign users in by `OpenID` Connect.
    Oidc,
}

/// What the path of a call says about the application.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Place {
    side: Side,
    /// The federated application, where the path names it.
    app: Option<String>,
    /// The MCP server, where the path or the request names it.
    mcp_server: Option<String>,
}

impl Place {
    fn of(call: &Call<'_>, side: Side, params: &Params) -> Self {
        let segment = |name: &str| Some(call.segment(name).to_owned()).filter(|segment| !segment.is_empty());
        let mcp_server = segment("mcp_server_id").or_else(|| params.text("mcp_server_id").map(str::to_owned));
        Self { side, app: segment("ssoAppId"), mcp_server }
    }

    /// What tokens from here say that they were issued by.
    fn issuer(&self, origin: &str, project: &str) -> String {
        match (self.side, &self.app, &self.mcp_server) {
            (Side::Oidc, Some(app), _) => format!("{origin}/{project}/{app}"),
            (Side::Oidc, None, _) => format!("{origin}/{project}"),
            (Side::Inbound, _, Some(server)) => format!("{origin}/v1/apps/agentic/{project}/{server}"),
            (Side::Inbound, _, None) => format!("{origin}/v1/apps/{project}"),
        }
    }
}

/// What a request says, whether in its query or in a form.
#[derive(Clone, Debug, Default)]
struct Params(Map<String, Value>);

impl Params {
    fn of_query(call: &Call<'_>) -> Self {
        let mut members = Map::new();
        for (name, value) in &call.query {
            // RFC 6749 knows no parameter twice; RFC 8707 knows one.
            if name == "resource" {
                let list = members.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
                if let Some(list) = list.as_array_mut() {
                    list.push(value.as_str().into());
                }
            } else {
                members.insert(name.clone(), value.as_str().into());
            }
        }
        if let Some(hint) = members.remove("login_hint") {
            members.entry("loginHint").or_insert(hint);
        }
        Self(members)
    }

    fn of_body(body: &impl Serialize) -> Result<Self, Refusal> {
        super::recast(body).map(Self)
    }

    /// A value that is not blank.
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(|| Refusal::oauth("invalid_request", format!("The parameter {name} is required")))
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    /// All values of one that may be repeated.
    fn list(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => self.owned(name).into_iter().collect(),
        }
    }

    /// The words of one that are joined by spaces, each once.
    fn words(&self, name: &str) -> Vec<String> {
        words(self.text(name).unwrap_or_default())
    }
}

fn words(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in text.split_ascii_whitespace() {
        if !found.iter().any(|known| known == word) {
            found.push(word.to_owned());
        }
    }
    found
}

type Run = fn(&mut Call<'_>, &Place, &Params) -> Result<Reply, Refusal>;

/// Operations that say everything in their query.
struct Queries<'a>(&'a mut Table, Side);

impl Queries<'_> {
    fn on<O: Typed>(self, run: Run) {
        let side = self.1;
        self.0.reply::<O>(move |call, _| {
            let params = Params::of_query(call);
            let place = Place::of(call, side, &params);
            run(call, &place, &params)
        });
    }
}

/// Operations that take a form.
struct Forms<'a>(&'a mut Table, Side);

impl Forms<'_> {
    fn on<O: Typed>(self, run: Run)
    where
        O::Body: Serialize,
    {
        let side = self.1;
        self.0.reply::<O>(move |call, body| {
            let params = Params::of_body(&body)?;
            let place = Place::of(call, side, &params);
            run(call, &place, &params)
        });
    }
}

pub(super) fn register(table: &mut Table) {
    inbound(table, Side::Inbound);
    oidc(table, Side::Oidc);
    fedcm::register(table);
}

fn inbound(table: &mut Table, side: Side) {
    Queries(table, side).on::<op::FederationInboundAppAuthorize>(authorize::begin);
    Forms(table, side).on::<op::FederationInboundAppAuthorizeByForm>(authorize::begin);
    Queries(table, side).on::<op::FederationInboundAppProjectAuthorize>(authorize::begin);
    Forms(table, side).on::<op::FederationInboundAppProjectAuthorizeByForm>(authorize::begin);
    Queries(table, side).on::<op::FederationInboundAppAgenticAuthorize>(authorize::begin);
    Forms(table, side).on::<op::FederationInboundAppAgenticAuthorizeByForm>(authorize::begin);
    Forms(table, side).on::<op::FederationInboundAppFinishAuthorize>(authorize::finish);
    Forms(table, side).on::<op::FederationInboundAppPushAuthorize>(authorize::push);
    Forms(table, side).on::<op::FederationInboundAppToken>(token::answer);
    Forms(table, side).on::<op::FederationInboundAppProjectToken>(token::answer);
    Forms(table, side).on::<op::FederationInboundAppAgenticToken>(token::answer);
    Forms(table, side).on::<op::FederationInboundAppDevice>(waiting::device);
    Forms(table, side).on::<op::FederationInboundAppProjectDevice>(waiting::device);
    Forms(table, side).on::<op::FederationInboundAppBackchannelAuthorize>(waiting::backchannel);
    Forms(table, side).on::<op::FederationInboundAppProjectBackchannelAuthorize>(waiting::backchannel);
    Forms(table, side).on::<op::FederationInboundAppRevoke>(grant::revoke);
    Forms(table, side).on::<op::FederationInboundAppProjectRevoke>(grant::revoke);
    Queries(table, side).on::<op::FederationInboundAppUserInfo>(userinfo::answer);
    Forms(table, side).on::<op::FederationInboundAppUserInfoByPost>(userinfo::answer);
    Queries(table, side).on::<op::FederationInboundAppProjectUserInfo>(userinfo::answer);
    Queries(table, side).on::<op::FederationInboundAppProjectUserInfoByPost>(userinfo::answer);
}

fn oidc(table: &mut Table, side: Side) {
    Queries(table, side).on::<op::FederationOidcAuthorize>(authorize::begin);
    Forms(table, side).on::<op::FederationOidcAuthorizeByForm>(authorize::begin);
    Queries(table, side).on::<op::FederationOidcFinishAuthorize>(authorize::finish);
    Forms(table, side).on::<op::FederationOidcFinishAuthorizeByForm>(authorize::finish);
    Forms(table, side).on::<op::FederationOidcToken>(token::answer);
    Forms(table, side).on::<op::FederationOidcDevice>(waiting::device);
    Forms(table, side).on::<op::FederationOidcRevoke>(grant::revoke);
    Queries(table, side).on::<op::FederationOidcUserInfo>(userinfo::answer);
    Forms(table, side).on::<op::FederationOidcUserInfoByPost>(userinfo::answer);
    Queries(table, side).on::<op::FederationOidcLogout>(grant::logout);
    Forms(table, side).on::<op::FederationOidcLogoutByForm>(grant::logout);
    Queries(table, side).on::<op::FederationOidcAppAuthorize>(authorize::begin);
    Forms(table, side).on::<op::FederationOidcAppAuthorizeByForm>(authorize::begin);
    Forms(table, side).on::<op::FederationOidcAppToken>(token::answer);
    Forms(table, side).on::<op::FederationOidcAppDevice>(waiting::device);
    Forms(table, side).on::<op::FederationOidcAppRevoke>(grant::revoke);
    Queries(table, side).on::<op::FederationOidcAppUserInfo>(userinfo::answer);
    Queries(table, side).on::<op::FederationOidcAppUserInfoByPost>(userinfo::answer);
    Queries(table, side).on::<op::FederationOidcAppLogout>(grant::logout);
    Forms(table, side).on::<op::FederationOidcAppLogoutByForm>(grant::logout);
}

/// The project that a call of an application is about: such calls bear no project id before their tokens. It is found
/// by the path, the client id or the token, else it is the default one.
pub(crate) fn project_of(
    world: &World,
    operation: &Operation,
    parts: &Parts,
    path: &HashMap<String, String>,
    query: &[(String, String)],
    body: &Bytes,
) -> Option<String> {
    if !(operation.tag.starts_with("federation-oidc") || operation.tag == "federation-inbound-app") {
        return None;
    }
    let form = parse_query(std::str::from_utf8(body).ok());
    let given = |name: &str| {
        let found = query.iter().chain(&form).find(|(known, value)| known == name && !value.is_empty());
        found.map(|(_, value)| value.clone())
    };
    if let Some(named) = path.get("project_id").cloned().or_else(|| given("project_id")) {
        return Some(named);
    }
    let existing = |id: &str| world.existing(id).is_some().then(|| id.to_owned());
    let client_id = given("client_id").or_else(|| client::basic(&parts.headers).map(|(id, _)| id));
    if let Some(client_id) = &client_id {
        let decoded = STANDARD.decode(client_id).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let in_id = decoded.as_deref().and_then(|text| text.split_once(':')).map(|(project, _)| project);
        if let Some(project) = in_id.and_then(existing).or_else(|| existing(client_id)) {
            return Some(project);
        }
    }
    let bearer = bearer(&parts.headers).map(str::to_owned);
    let tokens = ["token", "id_token_hint", "refresh_token"].into_iter().filter_map(given).chain(bearer);
    for issuer in tokens.filter_map(|token| issuer_of(&token)) {
        if let Some(project) = issuer.split('/').find_map(existing) {
            return Some(project);
        }
    }
    let app = path.get("ssoAppId").cloned().or_else(|| given("ssoAppId"));
    let state = given("state_id");
    let knows = |project: &crate::world::Project| {
        let known = project.state();
        client_id.as_ref().is_some_and(|id| {
            known.sso_applications.find(id).is_some() || known.third_party_applications.find(id).is_some()
        }) || app
            .as_ref()
            .is_some_and(|app| app != super::application::BUILT_IN && known.sso_applications.contains(app))
            || state.as_ref().is_some_and(|state| known.provider_requests.contains(state))
    };
    let other = world.projects().into_iter().find(|project| knows(project));
    Some(other.unwrap_or_else(|| world.default_project()).id.clone())
}

/// The token of a bearer that holds nothing else.
fn bearer(headers: &http::HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    // At these operations `DPoP` would be another scheme; it is not emulated.
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// Who a token says that it was issued by, unchecked.
fn issuer_of(token: &str) -> Option<String> {
    let payload = token.split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    claims["iss"].as_str().map(str::to_owned)
}

pub(super) use self::{client::supported_scopes as scopes, token::grants};
