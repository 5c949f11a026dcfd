//! The token endpoint: what an application can trade for tokens.

use serde_json::Value;

use super::{
    Params, Place, Side, authorize, claims,
    client::{self, Client},
    grant::{self, GrantRecord, Use},
    issuer_of,
    request::{Approval, Decision, RequestRecord},
    waiting,
};
use crate::{
    area::{password, user::UserRecord},
    error::{NOT_EMULATED, PASSWORD_EXPIRED, Refusal},
    flow::{Kind, token},
    http::{Call, Reply},
};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const ASSERTION: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const BACKCHANNEL: &str = "urn:openid:params:grant-type:ciba";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// The kinds of grants that each side knows, for the discovery document.
pub(in crate::area) fn grants(side: Side) -> &'static [&'static str] {
    match side {
        Side::Oidc => &["authorization_code", "refresh_token", "client_credentials", DEVICE, ASSERTION, "password"],
        Side::Inbound => {
            &["authorization_code", "refresh_token", "client_credentials", DEVICE, ASSERTION, BACKCHANNEL, EXCHANGE]
        }
    }
}

fn invalid(why: &str) -> Refusal {
    Refusal::oauth("invalid_grant", why)
}

pub(super) fn answer(call: &mut Call<'_>, place: &Place, params: &Params) -> Result<Reply, Refusal> {
    let kind = params.required("grant_type")?.to_owned();
    if !grants(place.side).contains(&kind.as_str()) {
        return Err(Refusal::oauth("unsupported_grant_type", "There is no such grant here"));
    }
    let client = client::authenticate(call, place, params)?;
    let short = match kind.as_str() {
        DEVICE => "device_code",
        ASSERTION => "jwt_bearer",
        BACKCHANNEL => "ciba",
        EXCHANGE => "token_exchange",
        other => other,
    };
    if !client.allows(short) {
        return Err(Refusal::oauth("unauthorized_client", "The application may not use this grant"));
    }
    match kind.as_str() {
        "authorization_code" => by_code(call, &client, params),
        "refresh_token" => by_refresh(call, &client, params),
        "client_credentials" => for_itself(call, place, &client, params),
        DEVICE => by_poll(call, &client, params, true),
        BACKCHANNEL => by_poll(call, &client, params, false),
        ASSERTION => by_assertion(call, place, &client, params),
        EXCHANGE => by_exchange(call, place, &client, params),
        _ => by_password(call, place, &client, params),
    }
}

/// What a user has agreed to in a request becomes a grant, and the request is used up.
fn granted(
    call: &mut Call<'_>,
    client: &Client,
    params: &Params,
    request: &RequestRecord,
    approval: Approval,
) -> Result<Reply, Refusal> {
    let tenant = tenant(call, client, params)?.or_else(|| request.tenant.clone());
    let user = call.state.users.get(&approval.user_id).ok_or_else(|| invalid("The user does not exist any more"))?;
    claims::refuse_user(client, user, tenant.as_deref()).map_err(|refusal| invalid(&refusal.message))?;
    let narrower = params.text("audience").is_some() || params.text("resource").is_some();
    let audience = if narrower { audience(call, client, params)? } else { request.audience.clone() };
    let grant = GrantRecord {
        place: request.place.clone(),
        app_id: client.id.clone(),
        user_id: approval.user_id,
        consent_id: approval.consent_id,
        session_id: approval.session_id,
        scopes: approval.scopes,
        audience,
        tenant,
        nonce: request.nonce.clone(),
        signed_in_at: approval.at,
        renewable: client.allows("refresh_token"),
        ..GrantRecord::default()
    };
    let (grant_id, answer) = grant::open(call, client, grant)?;
    let bought_by = &request.id;
    call.state.provider_requests.update(&mut call.state.log, bought_by, |request| request.grant_id = Some(grant_id));
    grant::reply(&answer)
}

fn by_code(call: &mut Call<'_>, client: &Client, params: &Params) -> Result<Reply, Refusal> {
    let code = params.required("code")?;
    let known = call.state.provider_requests.named(code).filter(|request| request.code.as_deref() == Some(code));
    let request = known.cloned().ok_or_else(|| invalid("The code is unknown or expired"))?;
    if request.app_id != client.id {
        return Err(invalid("The code was issued to another client"));
    }
    if let Some(grant_id) = &request.grant_id {
        // Somebody else may have used it: what it bought ends (RFC 6749 section 4.1.2).
        grant::end(call.state, grant_id);
        return Err(invalid("The code was used before").counted());
    }
    if request.expires_at <= call.now {
        return Err(invalid("The code is unknown or expired"));
    }
    match (&request.challenge, params.text("code_verifier")) {
        (Some(challenge), Some(verifier)) if authorize::verifies(challenge, verifier) => {}
        (None, None) => {}
        (None, Some(_)) => return Err(invalid("The code was asked for without a code_challenge")),
        _ => return Err(invalid("The code_verifier is not the one that the code_challenge was made of")),
    }
    let same_address = match params.text("redirect_uri") {
        Some(address) => address == request.redirect_uri,
        // The token endpoint of inbound applications has no such parameter.
        None => request.place.side == Side::Inbound || !request.redirect_named,
    };
    if !same_address {
        return Err(invalid("The redirect_uri is not the one that the code was sent to"));
    }
    let Decision::Approved(approval) = request.decision.clone() else { return Err(invalid("The code is unknown")) };
    granted(call, client, params, &request, approval)
}

fn by_poll(call: &mut Call<'_>, client: &Client, params: &Params, by_device: bool) -> Result<Reply, Refusal> {
    let id = params.required(if by_device { "device_code" } else { "auth_req_id" })?;
    let (request, approval) = waiting::poll(call, client, id, by_device)?;
    granted(call, client, params, &request, approval)
}

/// Every refresh answers a new refresh token and ends the one before; one that comes again ends them all.
fn by_refresh(call: &mut Call<'_>, client: &Client, params: &Params) -> Result<Reply, Refusal> {
    let refuse = || invalid("The refresh token is unknown, expired or revoked");
    let shown = grant::read(call, params.required("refresh_token")?, Use::Refresh).ok_or_else(refuse)?;
    let mut grant = shown.grant;
    if grant.app_id != client.id {
        return Err(invalid("The refresh token was issued to another client"));
    }
    if grant::number_of(&shown.claims) != Some(grant.refresh_number) {
        grant::end(call.state, &grant.id);
        return Err(invalid("The refresh token was used before").counted());
    }
    let user = call.state.users.get(&grant.user_id).ok_or_else(refuse)?;
    claims::refuse_user(client, user, grant.tenant.as_deref()).map_err(|refusal| invalid(&refusal.message))?;
    let scopes = match params.text("scope") {
        Some(_) => narrowed(&params.words("scope"), &grant.scopes)?,
        None => grant.scopes.clone(),
    };
    grant.refresh_number += 1;
    let number = grant.refresh_number;
    call.state.provider_grants.update(&mut call.state.log, &grant.id, |grant| grant.refresh_number = number);
    grant::reply(&grant::issue(call, client, &grant, &scopes)?)
}

/// The scopes that are asked for, all of which have to be granted already.
fn narrowed(asked: &[String], granted: &[String]) -> Result<Vec<String>, Refusal> {
    match asked.iter().find(|scope| !granted.contains(scope)) {
        Some(scope) => Err(Refusal::oauth("invalid_scope", format!("The scope {scope:?} was not granted"))),
        None => Ok(asked.to_vec()),
    }
}

fn audience(call: &Call<'_>, client: &Client, params: &Params) -> Result<Vec<String>, Refusal> {
    client.audience(&call.project.id, params.text("audience"), &params.list("resource"))
}

fn tenant(call: &Call<'_>, client: &Client, params: &Params) -> Result<Option<String>, Refusal> {
    let tenant = params.owned("tenantId");
    let known = |tenant: &String| call.state.tenants.contains(tenant) && client.takes_tenant(tenant);
    if tenant.as_ref().is_some_and(|tenant| !known(tenant)) {
        return Err(Refusal::oauth("invalid_request", "There is no such tenant for the application"));
    }
    Ok(tenant)
}

fn for_itself(call: &mut Call<'_>, place: &Place, client: &Client, params: &Params) -> Result<Reply, Refusal> {
    let scopes = client.asked_scopes(params.text("scope"), false)?;
    if let Some(scope) = scopes.iter().find(|scope| ["openid", "offline_access"].contains(&scope.as_str())) {
        return Err(Refusal::oauth("invalid_scope", format!("The scope {scope:?} is about a user, and there is none")));
    }
    let grant = GrantRecord {
        place: place.clone(),
        app_id: client.id.clone(),
        scopes,
        audience: audience(call, client, params)?,
        tenant: tenant(call, client, params)?,
        ..GrantRecord::default()
    };
    grant::reply(&grant::open(call, client, grant)?.1)
}

/// A grant for a user whom something else than the page has named. There has to be a consent for what is asked.
fn for_user(
    call: &mut Call<'_>,
    place: &Place,
    client: &Client,
    params: &Params,
    user: &UserRecord,
    (limit, actor): (Option<&[String]>, Option<String>),
) -> Result<descope_api::types::OauthTokenResponse, Refusal> {
    let tenant = tenant(call, client, params)?;
    claims::refuse_user(client, user, tenant.as_deref()).map_err(|refusal| invalid(&refusal.message))?;
    let mut scopes = client.asked_scopes(params.text("scope"), true)?;
    if let Some(limit) = limit {
        scopes = if scopes.is_empty() { limit.to_vec() } else { narrowed(&scopes, limit)? };
    }
    let own = call.state.consents.owned(&user.id).find(|consent| consent.app_id == client.id).cloned();
    let mut consent_id = String::new();
    if client.asks_consent && limit.is_none() {
        let granted = own.as_ref().map(|consent| consent.scopes.clone()).unwrap_or_default();
        scopes = narrowed(&scopes, &granted)?;
        consent_id = own.map(|consent| consent.id).unwrap_or_default();
    }
    let grant = GrantRecord {
        place: place.clone(),
        app_id: client.id.clone(),
        user_id: user.id.clone(),
        consent_id,
        scopes,
        audience: audience(call, client, params)?,
        tenant,
        signed_in_at: 0,
        actor,
        // Whoever has an assertion or a token can come again with it.
        renewable: params.text("grant_type") == Some("password") && client.allows("refresh_token"),
        ..GrantRecord::default()
    };
    Ok(grant::open(call, client, grant)?.1)
}

/// A token of a trusted issuer stands for the user. Only issuers whose keys are here can be checked.
fn by_assertion(call: &mut Call<'_>, place: &Place, client: &Client, params: &Params) -> Result<Reply, Refusal> {
    let assertion = params.required("assertion")?;
    let issuer = issuer_of(assertion).ok_or_else(|| invalid("The assertion is not a JWT with an issuer"))?;
    let trusted = client.trusted_issuer(&issuer);
    let trusted = trusted.ok_or_else(|| invalid("The application does not trust the issuer of the assertion"))?.clone();
    let keys = trusted["jwksUri"].as_str().unwrap_or_default();
    let project = &call.project.id;
    let own = [format!("/v2/keys/{project}"), format!("/{project}/.well-known/jwks.json")];
    if !own.iter().any(|path| keys.ends_with(path.as_str())) {
        let message = "The emulator fetches no keys: a trusted issuer has to have those of the project as its jwksUri";
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    let claims = call.verify(assertion).ok_or_else(|| invalid("The assertion cannot be verified"))?;
    if claims.get("exp").and_then(Value::as_i64).is_none_or(|end| end <= call.now) {
        return Err(invalid("The assertion has expired"));
    }
    let field = trusted["externalIdFieldName"].as_str().filter(|name| !name.is_empty()).unwrap_or("sub");
    let named = claims.get(field).and_then(Value::as_str).unwrap_or_default();
    let user = call.state.users.find(named).cloned().ok_or_else(|| invalid("The assertion names no user"))?;
    grant::reply(&for_user(call, place, client, params, &user, (None, None))?)
}

/// A token of the project for one that the application can use (RFC 8693).
fn by_exchange(call: &mut Call<'_>, place: &Place, client: &Client, params: &Params) -> Result<Reply, Refusal> {
    let subject = params.required("subject_token")?.to_owned();
    match params.required("subject_token_type")? {
        ACCESS_TOKEN | JWT => {}
        _ => {
            return Err(Refusal::oauth(
                "invalid_request",
                "The subject_token_type is that of an access token or a JWT",
            ));
        }
    }
    let refuse = || Refusal::oauth("invalid_request", "The subject_token is not good");
    let (user_id, limit) = if let Some(shown) = grant::read(call, &subject, Use::Access) {
        (shown.grant.user_id.clone(), Some(shown.scopes()))
    } else {
        let claims = call.verify(&subject);
        let checked = token::check(call.state, &call.project.id, &subject, claims, Kind::Session, call.now);
        (checked.map_err(|_| refuse())?.user_id, None)
    };
    let user = call.state.users.get(&user_id).cloned().ok_or_else(refuse)?;
    let actor = Some(client.client_id.clone());
    let mut answer = for_user(call, place, client, params, &user, (limit.as_deref(), actor))?;
    answer.issued_token_type = Some(ACCESS_TOKEN.to_owned());
    grant::reply(&answer)
}

fn by_password(call: &mut Call<'_>, place: &Place, client: &Client, params: &Params) -> Result<Reply, Refusal> {
    let (login_id, given) = (params.required("username")?, params.required("password")?);
    let user = password::sign_in_by(call, login_id, given).map_err(|refusal| {
        let keeps = refusal.keeps_changes;
        let why = if refusal.code == &PASSWORD_EXPIRED { "The password has expired" } else { "The password is wrong" };
        if keeps { invalid(why).counted() } else { invalid(why) }
    })?;
    grant::reply(&for_user(call, place, client, params, &user, (None, None))?)
}
