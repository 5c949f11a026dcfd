//! Single sign-on: the provider of a tenant says who somebody is, which groups they are in, and what else it knows.
//!
//! The emulator's own provider stands in for all of them. What it asserts goes by the names that the tenant's mapping
//! expects, so that mappings of attributes and groups count as they do with the real one.

use descope_api::types::{
    CodeExchangeRequest, IdpResponse, JwtResponse, LoginOptions, SsoOidcAttributeMapping, SsoRedirect,
};
use serde_json::{Map, Value, json};
use url::Url;

use super::{SsoRecord, existing, groups::Roles};
use crate::{
    area::{
        oauth::{self, Begin, Identity, Mode, OauthRecord, Via},
        recast, some,
        tenant::{self, TenantRecord},
        user::{
            Profile,
            attribute::{self, Scope},
        },
    },
    error::{INVALID_ARGUMENTS, NOT_EMULATED, Refusal, TENANT_NOT_FOUND, TOKEN_EXPIRED},
    flow::{self, redirect},
    http::{Call, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::SsoAuthorize>(authorize)
        .on::<op::SsoSamlAuthorize>(authorize)
        .on::<op::SsoExchange>(|call, body| exchange(call, &body))
        .on::<op::SsoSamlExchange>(|call, body| exchange(call, &body));
}

/// The tenant that is named by its id, or by an email address of one of its domains.
fn tenant_of<'a>(call: &'a Call<'_>, named: &str) -> Result<&'a TenantRecord, Refusal> {
    let named = named.trim();
    if let Some(tenant) = call.state.tenants.get(named) {
        return Ok(tenant);
    }
    let domain = named.rsplit_once('@').map(|(_, domain)| domain);
    let has = |tenant: &&TenantRecord| {
        domain.is_some_and(|domain| tenant.domains.iter().any(|known| known.eq_ignore_ascii_case(domain)))
    };
    call.state.tenants.iter().find(has).ok_or_else(|| match domain {
        Some(domain) => Refusal::new(&TENANT_NOT_FOUND, format!("No tenant has the domain {domain:?}")),
        None => Refusal::new(&TENANT_NOT_FOUND, format!("There is no tenant {named:?}")),
    })
}

/// The protocol that a configuration is set up for. That of the tenant counts where both are.
pub(super) fn protocol_of(record: &SsoRecord, tenant: &TenantRecord) -> Result<&'static str, Refusal> {
    let set = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    let saml = set(&record.saml.idp_sso_url) || set(&record.saml.idp_metadata_url);
    let oidc = set(&record.oidc.client_id) || set(&record.oidc.auth_url) || set(&record.oidc.issuer);
    // Another configuration of the tenant may be of the other protocol, which is the tenant's then.
    let on = ["saml", "oidc"].contains(&tenant.auth_type.as_str());
    match (tenant.auth_type.as_str(), saml, oidc) {
        ("oidc", true, true) => Ok("oidc"),
        (_, true, _) if on => Ok("saml"),
        (_, _, true) if on => Ok("oidc"),
        _ => Err(Refusal::new(&INVALID_ARGUMENTS, format!("SSO is not configured for tenant {:?}", tenant.id))),
    }
}

fn authorize(call: &mut Call<'_>, options: LoginOptions) -> Result<SsoRedirect, Refusal> {
    if call.query("test") == Some("true") {
        let message = "The emulator does not try configurations out; leave the parameter test out";
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    let tenant = call.query("tenant").unwrap_or_default().to_owned();
    let (page, sso_id) = (call.query("redirectURL").map(str::to_owned), call.query("ssoId").map(str::to_owned));
    begin(call, &tenant, sso_id, page, options).map(|url| SsoRedirect::new().url(url))
}

/// Begins a sign-in by the provider of a tenant, which is named by its id or by an address, and tells where the browser
/// goes.
pub(in crate::area) fn begin(
    call: &mut Call<'_>,
    tenant: &str,
    sso_id: Option<String>,
    page: Option<String>,
    options: LoginOptions,
) -> Result<String, Refusal> {
    let tenant = tenant_of(call, tenant)?.clone();
    if tenant.disabled {
        return Err(Refusal::invalid(format!("Tenant {:?} is disabled", tenant.id)));
    }
    let record = existing(call, &tenant.id, sso_id)?;
    let protocol = protocol_of(&record, &tenant)?;
    if record.authentication_only {
        let message = "Sign-ins that only prove who somebody is are not emulated; leave authenticationOnly out";
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    let own = if protocol == "saml" { &record.saml.redirect_url } else { &record.oidc.redirect_url };
    let page = redirect(page, own.clone())?;
    let mut wish = flow::wish_of(options)?;
    if wish.tenant.as_ref().is_some_and(|other| *other != tenant.id) {
        return Err(Refusal::invalid("The loginOptions.tenantId field is another tenant than the one that signs in"));
    }
    wish.tenant = Some(tenant.id.clone());
    let via = Via::Sso {
        tenant_id: tenant.id.clone(),
        sso_id: record.sso_id.clone(),
        protocol: protocol.to_owned(),
        force_authn: call.query("forceAuthn") == Some("true"),
    };
    let provider = some(record.oidc.name.clone().filter(|_| protocol == "oidc"))
        .or_else(|| some(Some(record.display_name.clone())))
        .unwrap_or_else(|| tenant.name.clone());
    let own_page = oauth::begin(call, Begin { provider, via, page, mode: Mode::SignUpOrIn, merge: false }, wish)?;
    let by_tenant = call.state.settings.oidc_by_tenant_url && protocol == "oidc";
    if by_tenant { tenants_own_page(call, &record, &own_page) } else { Ok(own_page) }
}

/// Where the service would send the browser: the page of the tenant's provider, with an authorization request.
fn tenants_own_page(call: &Call<'_>, record: &SsoRecord, own_page: &str) -> Result<String, Refusal> {
    let oidc = &record.oidc;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut url = Url::parse(text(&oidc.auth_url).trim())
        .map_err(|error| Refusal::invalid(format!("The tenant's authUrl is not a URL: {error}")))?;
    let own = Url::parse(own_page).ok();
    let state =
        own.and_then(|url| url.query_pairs().find(|(name, _)| name == "state").map(|(_, value)| value.into_owned()));
    let scope = if oidc.scope.is_empty() { "openid email profile".to_owned() } else { oidc.scope.join(" ") };
    let back = format!("{}/v1/auth/oauth/callback", call.origin());
    let mut query = url.query_pairs_mut();
    query.append_pair("client_id", &text(&oidc.client_id)).append_pair("redirect_uri", &back);
    query.append_pair("response_type", "code").append_pair("scope", &scope);
    query.append_pair("state", &state.unwrap_or_default());
    if let Some(hint) = call.query("loginHint") {
        query.append_pair("login_hint", hint);
    }
    let prompt: Vec<&str> = call.query_all("prompt").collect();
    if !prompt.is_empty() {
        query.append_pair("prompt", &prompt.join(" "));
    }
    drop(query);
    Ok(url.into())
}

/// The names by which the tenant's provider calls what users take over. Both protocols have the same.
struct Mapping {
    names: SsoOidcAttributeMapping,
    /// Whether the tenant names nothing, so that the usual names count.
    usual: bool,
}

impl Mapping {
    fn of(record: &SsoRecord, protocol: &str) -> Result<Self, Refusal> {
        let names = if protocol == "saml" {
            recast(&record.saml.attribute_mapping.clone().unwrap_or_default())?
        } else {
            record.oidc.user_attr_mapping.clone().unwrap_or_default()
        };
        let empty = serde_json::to_value(&names).is_ok_and(|names| {
            names.as_object().into_iter().flatten().all(|(_, name)| [json!(""), json!({}), Value::Null].contains(name))
        });
        Ok(Self { names, usual: empty })
    }

    /// The name of something that the tenant may have named.
    fn name<'a>(&self, named: Option<&'a String>, usual: &'a str) -> Option<&'a str> {
        let named = named.map(|name| name.trim()).filter(|name| !name.is_empty());
        named.or_else(|| self.usual.then_some(usual))
    }

    fn email(&self) -> &str {
        self.name(self.names.email.as_ref(), "email").unwrap_or("email")
    }

    fn groups(&self) -> &str {
        self.name(self.names.group.as_ref(), "groups").unwrap_or("groups")
    }
}

/// What the provider asserts: who it is, under the names that are expected, and whatever else was put on its page.
fn asserted(identity: &Identity, mapping: &Mapping, protocol: &str) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert(mapping.email().to_owned(), json!(identity.email));
    if protocol == "oidc" {
        claims.insert("sub".to_owned(), json!(identity.email));
        claims.insert("email".to_owned(), json!(identity.email));
    }
    if !identity.name.is_empty() {
        let name = mapping.name(mapping.names.name.as_ref(), "name").unwrap_or("name");
        claims.insert(name.to_owned(), json!(identity.name));
    }
    if !identity.groups.is_empty() {
        claims.insert(mapping.groups().to_owned(), json!(identity.groups));
    }
    claims.extend(identity.claims.clone());
    claims
}

/// A claim as a text: SAML has lists of one where OpenID Connect has the value.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => some(Some(text.clone())),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Array(values) => values.first().and_then(text),
        Value::Null | Value::Object(_) => None,
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// What a user takes over.
struct Taken {
    login_id: String,
    profile: Profile,
    custom_attributes: Map<String, Value>,
    groups: Vec<String>,
}

fn taken(mapping: &Mapping, claims: &Map<String, Value>, identity: &Identity) -> Taken {
    let names = &mapping.names;
    let claim = |name: Option<&str>| name.and_then(|name| claims.get(name)).and_then(text);
    let of = |name: &Option<String>, usual: &str| claim(mapping.name(name.as_ref(), usual));
    let proven = |name: &Option<String>| of(name, "").is_none_or(|value| value == "true");
    let email = claim(Some(mapping.email())).unwrap_or_else(|| identity.email.clone());
    let phone = of(&names.phone_number, "phone");
    let profile = Profile {
        name: of(&names.name, "name"),
        given_name: of(&names.given_name, "given_name"),
        middle_name: of(&names.middle_name, "middle_name"),
        family_name: of(&names.family_name, "family_name"),
        picture: of(&names.picture, "picture"),
        verified_email: proven(&names.verified_email),
        verified_phone: phone.is_some() && proven(&names.verified_phone),
        phone,
        email: Some(email.clone()),
        ..Profile::default()
    };
    let custom = names.custom_attributes.iter();
    let custom = custom.filter_map(|(name, claim)| claims.get(claim).map(|value| (name.clone(), value.clone())));
    Taken {
        login_id: of(&names.login_id, "").unwrap_or(email),
        profile,
        custom_attributes: custom.collect(),
        groups: texts(claims.get(mapping.groups())),
    }
}

fn exchange(call: &mut Call<'_>, body: &CodeExchangeRequest) -> Result<JwtResponse, Refusal> {
    let (signing_in, identity) = oauth::redeem(call, body.code.expose(), |via| matches!(via, Via::Sso { .. }))?;
    finish(call, &signing_in, &identity)
}

/// Ends a sign-in by the provider of a tenant: the user becomes a member, and gets the roles of the groups.
pub(in crate::area) fn finish(
    call: &mut Call<'_>,
    signing_in: &OauthRecord,
    identity: &Identity,
) -> Result<JwtResponse, Refusal> {
    let Proof { user_id, method, sso_id, said, .. } = prove(call, signing_in, identity)?;
    let mut session = flow::sign_in(call, &user_id, signing_in.wish(), &method)?;
    session.idp_response = Some(said);
    session.tenant_sso_id = Some(sso_id);
    Ok(session)
}

/// What a sign-in by the provider of a tenant has shown.
pub(in crate::area) struct Proof {
    pub(in crate::area) user_id: String,
    pub(in crate::area) tenant_id: String,
    /// What `amr` says: the protocol.
    pub(in crate::area) method: String,
    sso_id: String,
    said: IdpResponse,
}

/// Finds out who it is: a member of the tenant with the roles of the groups, from now on.
pub(in crate::area) fn prove(
    call: &mut Call<'_>,
    signing_in: &OauthRecord,
    identity: &Identity,
) -> Result<Proof, Refusal> {
    let Via::Sso { tenant_id, sso_id, protocol, .. } = signing_in.via().clone() else {
        return Err(Refusal::new(&TOKEN_EXPIRED, "The code is that of another kind of sign-in"));
    };
    let record = existing(call, &tenant_id, Some(sso_id))?;
    tenant::require(call.state, &tenant_id)?;
    let mapping = Mapping::of(&record, &protocol)?;
    let claims = asserted(identity, &mapping, &protocol);
    let taken = taken(&mapping, &claims, identity);
    attribute::check(call.state, Scope::User, &taken.custom_attributes)?;
    let user_id = oauth::user_of(call, signing_in, &taken.login_id, taken.profile.clone())?;
    call.state.users.edit(&mut call.state.log, &user_id, |user| {
        let Profile { verified_email, verified_phone, .. } = taken.profile;
        user.profile.merge(taken.profile);
        // What the provider says of the address now counts, not what was so before.
        user.profile.verified_email = verified_email;
        user.profile.verified_phone &= user.profile.phone.is_some();
        user.profile.verified_phone |= verified_phone;
        attribute::merge(&mut user.custom_attributes, taken.custom_attributes);
        let tenancy = user.tenants.entry(tenant_id.clone()).or_default();
        Roles::of(&record, &protocol).give(tenancy, &taken.groups);
        user.sso_groups.insert(record.key.clone(), taken.groups.clone());
        Ok::<_, Refusal>(())
    })?;
    let said = IdpResponse::new().idp_groups(taken.groups);
    let said = match protocol.as_str() {
        "saml" => said.idp_saml_attributes(claims),
        _ => said.idp_oidc_claims(claims),
    };
    Ok(Proof { user_id, tenant_id, method: protocol, sso_id: record.sso_id, said })
}
