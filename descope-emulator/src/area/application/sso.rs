//! Applications that users sign in to by the project: OpenID Connect, SAML and WS-Federation.

use descope_api::types::{
    ApplicationSecretResponse, SsoApplication, SsoApplicationCreateResponse, SsoApplicationLoadAllResponse,
    SsoApplicationLoadResponse,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    ApplicationRecord, FIRST, Kind, Members, Secrets, add_secret, client_id_of, load_secret, members_of, new_id,
    new_secret, refuse_taken, require, revoke_secret, rotate_secret,
};
use crate::{
    area::{
        recast,
        user::attribute::{self, Scope},
    },
    error::{Refusal, VALIDATION_FAILED},
    http::{Call, Nothing, Table, op},
    world::State,
};

/// The application that every project has.
pub(in crate::area) const BUILT_IN: &str = "descope-default-oidc";

/// One protocol, and what the document calls its settings.
struct Protocol {
    name: &'static str,
    member: &'static str,
    schema: &'static str,
}

const OIDC: Protocol = Protocol { name: "oidc", member: "oidcSettings", schema: "SsoApplicationOidcSettings" };
const SAML: Protocol = Protocol { name: "saml", member: "samlSettings", schema: "SsoApplicationSamlSettings" };
const WS_FED: Protocol = Protocol { name: "wsfed", member: "wsfedSettings", schema: "SsoApplicationWsFedSettings" };

const ALL: Kind = |state| (&mut state.sso_applications, &mut state.log);

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementSsoApplicationCreateOidc>(|call, body| {
            let secret = body.client_secret.as_ref().map(|secret| secret.expose().to_owned());
            let confidential = body.client_type.as_deref() != Some("public");
            create(
                call,
                &OIDC,
                body.id.clone(),
                &body,
                if confidential { Secrets::One(secret) } else { Secrets::Nothing },
            )
        })
        .on::<op::ManagementSsoApplicationCreateSaml>(|call, body| {
            check_saml(body.use_metadata_info, body.metadata_url.as_ref())?;
            create(call, &SAML, body.id.clone(), &body, Secrets::Nothing)
        })
        .on::<op::ManagementSsoApplicationCreateWsFed>(|call, body| {
            create(call, &WS_FED, body.id.clone(), &body, Secrets::Nothing)
        })
        .done::<op::ManagementSsoApplicationUpdateOidc>(|call, body| {
            let secret = body.client_secret.as_ref().map(|secret| secret.expose().to_owned());
            update(call, &OIDC, &body.id, &body, secret)
        })
        .done::<op::ManagementSsoApplicationUpdateSaml>(|call, body| {
            check_saml(body.use_metadata_info, body.metadata_url.as_ref())?;
            update(call, &SAML, &body.id, &body, None)
        })
        .done::<op::ManagementSsoApplicationUpdateWsFed>(|call, body| update(call, &WS_FED, &body.id, &body, None))
        .on::<op::ManagementSsoApplicationCreateCustomAttributes>(|call, body| {
            attribute::create(call, body.attributes, Scope::Application)
        })
        .on::<op::ManagementSsoApplicationDeleteCustomAttributes>(|call, body| {
            attribute::delete(call, body, Scope::Application)
        })
        .on::<op::ManagementSsoApplicationLoadCustomAttributes>(|call, _| {
            Ok(attribute::all(call.state, Scope::Application))
        })
        .done::<op::ManagementSsoApplicationDelete>(|call, body| delete(call, &body.id))
        .on::<op::ManagementSsoApplicationLoad>(load)
        .on::<op::ManagementSsoApplicationLoadAll>(|call, _| {
            let apps = call.state.sso_applications.iter().map(ApplicationRecord::to_api::<SsoApplication>);
            Ok(SsoApplicationLoadAllResponse::new().apps(apps.collect::<Result<Vec<_>, _>>()?))
        })
        .on::<op::ManagementSsoApplicationLoadSecret>(|call, _| {
            Ok(ApplicationSecretResponse::new().cleartext(load_secret(call, ALL)?))
        })
        .on::<op::ManagementSsoApplicationRotateSecret>(|call, body| {
            Ok(ApplicationSecretResponse::new().cleartext(rotate_secret(call, ALL, &body.id)?))
        })
        .on::<op::ManagementSsoApplicationAddSecret>(|call, body| {
            add_secret(call, ALL, &body.app_id, &body.name, body.expire_time)
        })
        .on::<op::ManagementSsoApplicationRevokeSecret>(|call, body| {
            revoke_secret(call, ALL, &body.app_id, &body.name)
        });
}

/// Puts the built-in application into a new project.
pub(in crate::area) fn furnish(state: &mut State) {
    let mut members = Members::new();
    for (name, value) in [
        ("id", json!(BUILT_IN)),
        ("name", json!("OIDC default application")),
        ("appType", json!("oidc")),
        ("enabled", json!(true)),
        ("oidcSettings", json!({"clientId": BUILT_IN})),
    ] {
        members.insert(name.to_owned(), value);
    }
    let application = ApplicationRecord { id: BUILT_IN.to_owned(), members, built_in: true, ..Default::default() };
    let _ = state.sso_applications.insert(&mut state.log, application);
}

fn check_saml(by_metadata: Option<bool>, url: Option<&String>) -> Result<(), Refusal> {
    if by_metadata == Some(true) && url.is_none_or(|url| url.trim().is_empty()) {
        let message = "The metadataUrl field is required where useMetadataInfo is set";
        return Err(Refusal::new(&VALIDATION_FAILED, message));
    }
    Ok(())
}

/// The members that a request sets, with what the project adds to the settings of the protocol.
fn members(
    call: &Call<'_>,
    protocol: &Protocol,
    id: &str,
    client_id: &str,
    request: &impl Serialize,
) -> Result<Members, Refusal> {
    let mut members = members_of("SsoApplication", request)?;
    if let Some(Value::Object(values)) = members.get("customAttributes") {
        attribute::check(call.state, Scope::Application, values)?;
    }
    let mut settings = members_of(protocol.schema, request)?;
    let base = format!("{}/{}", call.origin(), call.project.id);
    let added = match protocol.name {
        "oidc" => vec![
            ("clientId", client_id.to_owned()),
            ("issuer", base.clone()),
            ("discoveryUrl", format!("{base}/.well-known/openid-configuration")),
        ],
        _ => vec![("idpEntityId", format!("{base}/{id}"))],
    };
    settings.extend(added.into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))));
    members.insert(protocol.member.to_owned(), Value::Object(settings));
    members.insert("id".to_owned(), json!(id));
    members.insert("appType".to_owned(), json!(protocol.name));
    members.entry("enabled").or_insert(json!(true));
    Ok(members)
}

fn create(
    call: &mut Call<'_>,
    protocol: &Protocol,
    wanted: Option<String>,
    request: &impl Serialize,
    secret: Secrets,
) -> Result<SsoApplicationCreateResponse, Refusal> {
    let id = new_id(call, wanted, "SA", |call, id| call.state.sso_applications.contains(id))?;
    let given = members_of(protocol.schema, request)?.get("clientId").and_then(Value::as_str).map(str::to_owned);
    let client_id = given.filter(|given| !given.is_empty());
    let client_id = client_id.unwrap_or_else(|| client_id_of(&call.project.id, &id));
    let members = members(call, protocol, &id, &client_id, request)?;
    let name = members.get("name").and_then(Value::as_str).unwrap_or_default();
    refuse_taken(&call.state.sso_applications, name, "")?;
    let secrets = secret.make(call).into_iter().collect();
    let record = ApplicationRecord { id: id.clone(), client_id, members, secrets, ..ApplicationRecord::default() };
    // The types of the API have to be able to say it.
    record.to_api::<SsoApplication>()?;
    call.state.sso_applications.insert(&mut call.state.log, record)?;
    Ok(SsoApplicationCreateResponse::new().id(id))
}

/// Replaces everything but the client id and the secrets.
fn update(
    call: &mut Call<'_>,
    protocol: &Protocol,
    id: &str,
    request: &impl Serialize,
    secret: Option<String>,
) -> Result<(), Refusal> {
    let known = require(call, ALL, id)?;
    if known.members.get("appType") != Some(&json!(protocol.name)) {
        return Err(Refusal::invalid(format!("The application {id:?} does not use {}", protocol.name)));
    }
    let members = members(call, protocol, &known.id, &known.client_id, request)?;
    let name = members.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    refuse_taken(&call.state.sso_applications, &name, &known.id)?;
    let secret = crate::area::some(secret).map(|given| new_secret(call, FIRST, Some(given), 0));
    call.state.sso_applications.edit(&mut call.state.log, &known.id, |application| {
        application.members = members;
        if let Some(secret) = secret {
            application.secrets = vec![secret];
        }
        Ok::<_, Refusal>(())
    })?;
    Ok(())
}

fn delete(call: &mut Call<'_>, id: &str) -> Result<(), Refusal> {
    let application = require(call, ALL, id)?;
    if application.built_in {
        return Err(Refusal::invalid(format!("The application {id:?} is built in and cannot be deleted")));
    }
    call.state.sso_applications.remove(&mut call.state.log, &application.id);
    call.state.remove_owned(&application.id);
    let users = call.state.users.iter().filter(|user| user.sso_app_ids.contains(&application.id));
    let users: Vec<String> = users.map(|user| user.id.clone()).collect();
    for user in users {
        let gone = &application.id;
        call.state.users.update(&mut call.state.log, &user, |user| user.sso_app_ids.retain(|id| id != gone));
    }
    Ok(())
}

/// At the root and below `app`: clients read the one or the other.
fn load(call: &mut Call<'_>, _: Nothing) -> Result<SsoApplicationLoadResponse, Refusal> {
    let id = call.query("id").unwrap_or_default().to_owned();
    let app: SsoApplication = require(call, ALL, &id)?.to_api()?;
    Ok(recast::<SsoApplicationLoadResponse>(&app)?.app(app))
}
