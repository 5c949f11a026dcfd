//! What an application has been granted, the tokens for it, and how that ends.

use descope_api::types::OauthTokenResponse;
use http::header;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    Params, Place, Side, authorize, claims,
    client::{self, Client},
};
use crate::{
    area::{jwt_template, user::UserRecord},
    error::Refusal,
    http::{Call, Reply},
    world::{Record, State},
};

/// Something that an application may do until it ends.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct GrantRecord {
    /// What the `jti` of its tokens begins with.
    pub(super) id: String,
    pub(super) place: Place,
    pub(super) app_id: String,
    /// Empty where the application acts for itself.
    pub(super) user_id: String,
    /// Empty where no consent was needed.
    pub(super) consent_id: String,
    /// The browser or session that it came from.
    pub(super) session_id: String,
    pub(super) scopes: Vec<String>,
    pub(super) audience: Vec<String>,
    pub(super) tenant: Option<String>,
    pub(super) nonce: Option<String>,
    /// When the user has proven who they are; 0 where nobody knows.
    pub(super) signed_in_at: i64,
    /// Who acts for the user, after a token exchange.
    pub(super) actor: Option<String>,
    /// Whether it can be renewed.
    pub(super) renewable: bool,
    /// The number of the refresh token that is good.
    pub(super) refresh_number: u64,
    pub(super) expires_at: i64,
    pub(super) revoked: bool,
}

impl Record for GrantRecord {
    fn id(&self) -> &str {
        &self.id
    }

    fn owners(&self) -> Vec<String> {
        [&self.app_id, &self.user_id, &self.consent_id].into_iter().filter(|id| !id.is_empty()).cloned().collect()
    }

    fn ends_at(&self) -> Option<i64> {
        Some(self.expires_at)
    }
}

/// A token of a grant that is good.
pub(super) struct Shown {
    pub(super) grant: GrantRecord,
    pub(super) claims: Map<String, Value>,
}

impl Shown {
    pub(super) fn scopes(&self) -> Vec<String> {
        super::words(self.claims.get("scope").and_then(Value::as_str).unwrap_or_default())
    }
}

/// What a token of a grant is for, as the claim `drn` says it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Use {
    Access,
    Refresh,
}

impl Use {
    fn drn(self) -> &'static str {
        match self {
            Self::Access => "DS",
            Self::Refresh => "DSR",
        }
    }
}

/// The grant of a token that this project has signed and that has not ended.
pub(super) fn read(call: &Call<'_>, token: &str, kind: Use) -> Option<Shown> {
    let claims = call.verify(token)?;
    if claims.get("drn").and_then(Value::as_str) != Some(kind.drn()) || claims.get("exp")?.as_i64()? <= call.now {
        return None;
    }
    let id = claims.get("jti")?.as_str()?.split('.').next()?;
    let grant = call.state.provider_grants.get(id)?;
    (!grant.revoked && grant.expires_at > call.now).then(|| Shown { grant: grant.clone(), claims })
}

/// The number of a refresh token within its grant.
pub(super) fn number_of(claims: &Map<String, Value>) -> Option<u64> {
    claims.get("jti")?.as_str()?.split('.').nth(1)?.parse().ok()
}

pub(super) fn end(state: &mut State, id: &str) {
    state.provider_grants.update(&mut state.log, id, |grant| grant.revoked = true);
}

/// Stores a grant and answers its first tokens.
pub(super) fn open(
    call: &mut Call<'_>,
    client: &Client,
    mut grant: GrantRecord,
) -> Result<(String, OauthTokenResponse), Refusal> {
    grant.id = call.state.ids.alphanumeric(20);
    let seconds = if grant.renewable {
        client.lifetime("refreshTokenExpiration").unwrap_or(call.state.settings.refresh_seconds)
    } else {
        access_seconds(call, client, &grant)
    };
    grant.expires_at = call.now.saturating_add(seconds);
    call.state.provider_grants.insert(&mut call.state.log, grant.clone())?;
    let scopes = grant.scopes.clone();
    let answer = issue(call, client, &grant, &scopes)?;
    Ok((grant.id, answer))
}

fn access_seconds(call: &Call<'_>, client: &Client, grant: &GrantRecord) -> i64 {
    let name = if grant.user_id.is_empty() { "keySessionTokenExpiration" } else { "sessionTokenExpiration" };
    client.lifetime(name).unwrap_or(call.state.settings.session_seconds)
}

/// The tokens of a grant, for all of its scopes or some.
pub(super) fn issue(
    call: &mut Call<'_>,
    client: &Client,
    grant: &GrantRecord,
    scopes: &[String],
) -> Result<OauthTokenResponse, Refusal> {
    let user = call.state.users.get(&grant.user_id).cloned();
    if user.is_none() && !grant.user_id.is_empty() {
        return Err(Refusal::oauth("invalid_grant", "The user does not exist any more"));
    }
    let issuer = grant.place.issuer(&call.origin(), &call.project.id);
    let subject = if grant.user_id.is_empty() { client.client_id.clone() } else { grant.user_id.clone() };
    let seconds = access_seconds(call, client, grant);
    let joined = scopes.join(" ");
    let mut access = match &user {
        Some(user) if grant.place.side == Side::Inbound => {
            claims::authorization(call.state, client, user, scopes, grant.tenant.as_deref())
        }
        _ => Map::new(),
    };
    if user.is_none() {
        let permissions = claims::permissions(client, scopes);
        if !permissions.is_empty() {
            access.insert("permissions".to_owned(), json!(permissions));
        }
    }
    if let Some(tenant) = &grant.tenant {
        access.insert("dct".to_owned(), json!(tenant));
    }
    if let Some(user) = &user {
        jwt_template::shape_of_application(call, client.user_template(), &mut access, user);
    }
    if let Some(actor) = &grant.actor {
        access.insert("act".to_owned(), json!({"sub": actor}));
    }
    let jti = format!("{}.{}", grant.id, call.state.ids.alphanumeric(10));
    let common = [("iss", json!(issuer)), ("sub", json!(subject)), ("iat", json!(call.issued_at()))];
    let add = |claims: &mut Map<String, Value>, more: &[(&str, Value)]| {
        claims.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    };
    add(&mut access, &common);
    add(
        &mut access,
        &[
            ("aud", json!(grant.audience)),
            ("exp", json!(call.now.saturating_add(seconds))),
            ("jti", json!(jti)),
            ("drn", json!(Use::Access.drn())),
            ("client_id", json!(client.client_id)),
            ("scope", json!(joined)),
        ],
    );
    let mut answer = OauthTokenResponse::new().token_type("Bearer").expires_in(seconds).scope(joined);
    answer.access_token = Some(call.sign(access));
    if grant.renewable {
        let mut refresh = Map::new();
        add(&mut refresh, &common);
        add(
            &mut refresh,
            &[
                ("exp", json!(grant.expires_at)),
                ("jti", json!(format!("{}.{}", grant.id, grant.refresh_number))),
                ("drn", json!(Use::Refresh.drn())),
                ("client_id", json!(client.client_id)),
            ],
        );
        answer.refresh_token = Some(call.sign(refresh));
    }
    if let Some(user) = user.filter(|_| scopes.iter().any(|scope| scope == "openid")) {
        let mut id = id_claims(call, client, &user, scopes, (&issuer, seconds));
        if grant.signed_in_at > 0 {
            add(&mut id, &[("auth_time", json!(grant.signed_in_at))]);
        }
        if !grant.session_id.is_empty() {
            add(&mut id, &[("sid", json!(grant.session_id))]);
        }
        if let Some(nonce) = &grant.nonce {
            add(&mut id, &[("nonce", json!(nonce))]);
        }
        answer.id_token = Some(call.sign(id));
    }
    Ok(answer)
}

/// What an ID token tells an application about a user, and for how many seconds.
pub(super) fn id_claims(
    call: &Call<'_>,
    client: &Client,
    user: &UserRecord,
    scopes: &[String],
    (issuer, seconds): (&str, i64),
) -> Map<String, Value> {
    let mut claims = claims::of_user(call.state, client, user, scopes);
    claims::further(call.state, client, user, &mut claims);
    for (name, value) in [
        ("iss", json!(issuer)),
        ("sub", json!(user.id)),
        ("iat", json!(call.issued_at())),
        ("aud", json!(client.client_id)),
        ("exp", json!(call.now.saturating_add(seconds))),
        ("azp", json!(client.client_id)),
    ] {
        claims.insert(name.to_owned(), value);
    }
    claims
}

/// Tokens must not be kept on the way (RFC 6749 section 5.1).
pub(super) fn reply(answer: &impl Serialize) -> Result<Reply, Refusal> {
    Ok(Reply::json(200, answer)?.bare().header(header::CACHE_CONTROL, "no-store"))
}

/// Ends the grant of a token (RFC 7009). A token that is not good any more is no error.
pub(super) fn revoke(call: &mut Call<'_>, place: &Place, params: &Params) -> Result<Reply, Refusal> {
    // The applications that sign users in may come with nothing but the token.
    let names_client = params.text("client_id").is_some() || client::basic(call.headers).is_some();
    let client = if place.side == Side::Inbound || names_client {
        Some(client::authenticate(call, place, params)?)
    } else {
        None
    };
    let token = params.required("token")?;
    let hinted = params.text("token_type_hint") == Some("access_token");
    let kinds = if hinted { [Use::Access, Use::Refresh] } else { [Use::Refresh, Use::Access] };
    let Some(shown) = kinds.into_iter().find_map(|kind| read(call, token, kind)) else {
        return reply(&serde_json::Map::new());
    };
    let app = place.app.as_deref().or_else(|| params.text("ssoAppId"));
    let own = client.is_none_or(|client| client.id == shown.grant.app_id)
        && app.is_none_or(|app| app == shown.grant.app_id)
        && shown.grant.place.side == place.side;
    if !own {
        return Err(Refusal::oauth("unauthorized_client", "The token was issued to another client"));
    }
    end(call.state, &shown.grant.id);
    reply(&serde_json::Map::new())
}

/// Signs a user out of the provider, and ends what applications were granted in that session.
pub(super) fn logout(call: &mut Call<'_>, place: &Place, params: &Params) -> Result<Reply, Refusal> {
    let hint = match params.text("id_token_hint") {
        // An ID token that has run out still tells whose session it is.
        Some(token) => Some(call.verify(token).filter(|claims| claims.contains_key("azp")).ok_or_else(|| {
            Refusal::oauth("invalid_request", "The id_token_hint is not an ID token of this project")
        })?),
        None => None,
    };
    let claim = |name: &str| hint.as_ref().and_then(|claims| claims.get(name)).and_then(Value::as_str);
    if params.text("client_id").is_some_and(|id| claim("azp").is_some_and(|known| known != id)) {
        return Err(Refusal::oauth("invalid_request", "The id_token_hint was issued to another client"));
    }
    let named = params.text("client_id").or(claim("azp")).or(place.app.as_deref()).or_else(|| params.text("ssoAppId"));
    let client = named.map(|id| {
        Client::find(call.state, &call.project.id, place, id)
            .ok_or_else(|| Refusal::oauth("invalid_client", "There is no such client"))
    });
    let client = client.transpose()?;
    let next = match params.text("post_logout_redirect_uri") {
        None => format!("{}/", call.origin()),
        Some(page) => {
            let known = client.as_ref().is_some_and(|client| client.takes_address(page));
            let url = Url::parse(page).ok().filter(|_| known).ok_or_else(|| {
                let message =
                    "The post_logout_redirect_uri is not one of those that are registered for the application";
                Refusal::oauth("invalid_request", message)
            })?;
            authorize::with_query(url, &[("state", params.text("state"))])
        }
    };
    let cookie = authorize::browser(call).map(|browser| browser.id.clone());
    for session in claim("sid").map(str::to_owned).into_iter().chain(cookie) {
        call.state.provider_browsers.remove(&mut call.state.log, &session);
        call.state.sessions.update(&mut call.state.log, &session, |session| session.revoked = true);
        let grants = call.state.provider_grants.iter().filter(|grant| grant.session_id == session);
        for id in grants.map(|grant| grant.id.clone()).collect::<Vec<_>>() {
            end(call.state, &id);
        }
    }
    Ok(Reply::redirect(next).header(header::SET_COOKIE, authorize::cookie("", 0)))
}
