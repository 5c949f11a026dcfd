//! Applications of third parties, which ask users for their consent, in the older form and the newer one.

use descope_api::types::{
    ApplicationSecretResponse, ThirdPartyApplication, ThirdPartyApplicationConsent,
    ThirdPartyApplicationCreateResponse, ThirdPartyApplicationDeleteConsentsRequest,
    ThirdPartyApplicationDeleteTenantConsentsRequest, ThirdPartyApplicationLoadAllResponse,
    ThirdPartyApplicationLoadResponse, ThirdPartyApplicationSearchConsentsRequest,
    ThirdPartyApplicationSearchConsentsResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    ApplicationRecord, Kind, Members, Secrets, add_secret, client_id_of, load_secret, members_of, new_id, refuse_taken,
    require, revoke_secret, rotate_secret,
};
use crate::{
    area::{recast, search, some},
    error::Refusal,
    http::{Call, Nothing, Table, op},
    world::Record,
};

const SCHEMA: &str = "ThirdPartyApplication";

const ALL: Kind = |state| (&mut state.third_party_applications, &mut state.log);

/// What a user has allowed an application to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ConsentRecord {
    pub(in crate::area) id: String,
    pub(in crate::area) app_id: String,
    pub(in crate::area) user_id: String,
    pub(in crate::area) tenant_id: String,
    pub(in crate::area) scopes: Vec<String>,
    pub(in crate::area) granted_at: i64,
}

impl Record for ConsentRecord {
    const AUDITED: Option<&'static str> = Some("Consent");

    fn id(&self) -> &str {
        &self.id
    }

    fn owners(&self) -> Vec<String> {
        vec![self.app_id.clone(), self.user_id.clone()]
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementThirdPartyApplicationCreate>(|call, body| {
            let secret = body.client_secret.as_ref().map(|secret| secret.expose().to_owned());
            let public = body.non_confidential_client == Some(true);
            create(
                call,
                body.id.clone(),
                body.client_id.clone(),
                &body,
                if public { Secrets::Nothing } else { Secrets::One(secret) },
            )
        })
        .on::<op::ManagementThirdPartyApplicationCreateV2>(|call, body| {
            let public = body.client_type.as_deref() == Some("public");
            create(call, body.id.clone(), None, &body, if public { Secrets::Nothing } else { Secrets::One(None) })
        })
        .done::<op::ManagementThirdPartyApplicationUpdate>(|call, body| update(call, &body.id, &body))
        .done::<op::ManagementThirdPartyApplicationUpdateV2>(|call, body| update(call, &body.id, &body))
        .done::<op::ManagementThirdPartyApplicationPatch>(|call, body| patch(call, &body.id, &body))
        .done::<op::ManagementThirdPartyApplicationPatchV2>(|call, body| patch(call, &body.id, &body))
        .done::<op::ManagementThirdPartyApplicationDelete>(|call, body| delete(call, &body.id))
        .done::<op::ManagementThirdPartyApplicationDeleteBatch>(|call, body| {
            body.ids.iter().try_for_each(|id| delete(call, id))
        })
        .on::<op::ManagementThirdPartyApplicationLoad>(load)
        .on::<op::ManagementThirdPartyApplicationLoadV2>(load)
        .on::<op::ManagementThirdPartyApplicationLoadAll>(|call, _| {
            let number = |name: &str| call.query(name).and_then(|value| value.parse().ok());
            let (page, limit) = (number("page"), number("limit"));
            load_all(call, page, limit)
        })
        .on::<op::ManagementThirdPartyApplicationLoadAllV2>(|call, body| load_all(call, body.page, body.limit))
        .on::<op::ManagementThirdPartyApplicationLoadSecret>(|call, _| {
            Ok(ApplicationSecretResponse::new().cleartext(load_secret(call, ALL)?))
        })
        .on::<op::ManagementThirdPartyApplicationRotateSecret>(|call, body| {
            Ok(ApplicationSecretResponse::new().cleartext(rotate_secret(call, ALL, &body.id)?))
        })
        .on::<op::ManagementThirdPartyApplicationAddSecret>(|call, body| {
            add_secret(call, ALL, &body.id, &body.name, body.expire_time)
        })
        .on::<op::ManagementThirdPartyApplicationRevokeSecret>(|call, body| {
            revoke_secret(call, ALL, &body.id, &body.name)
        })
        .on::<op::ManagementThirdPartyApplicationSearchConsents>(search_consents)
        .done::<op::ManagementThirdPartyApplicationDeleteConsents>(delete_consents)
        .done::<op::ManagementThirdPartyApplicationDeleteTenantConsents>(delete_tenant_consents);
}

fn create(
    call: &mut Call<'_>,
    id: Option<String>,
    client_id: Option<String>,
    request: &impl Serialize,
    secret: Secrets,
) -> Result<ThirdPartyApplicationCreateResponse, Refusal> {
    let id = new_id(call, id, "TPA", |call, id| call.state.third_party_applications.contains(id))?;
    let client_id = some(client_id).unwrap_or_else(|| client_id_of(&call.project.id, &id));
    let mut members = members_of(SCHEMA, request)?;
    refuse_taken(&call.state.third_party_applications, text(&members, "name"), "")?;
    members.insert("id".to_owned(), json!(id));
    members.insert("clientId".to_owned(), json!(client_id));
    let secret = secret.make(call);
    let cleartext = secret.as_ref().map(|secret| secret.cleartext.clone()).unwrap_or_default();
    let secrets = secret.into_iter().collect();
    let record = ApplicationRecord {
        id: id.clone(),
        client_id: client_id.clone(),
        members,
        secrets,
        ..ApplicationRecord::default()
    };
    record.to_api::<ThirdPartyApplication>()?;
    call.state.third_party_applications.insert(&mut call.state.log, record)?;
    Ok(ThirdPartyApplicationCreateResponse::new().id(id).client_id(client_id).cleartext(cleartext))
}

fn text<'a>(members: &'a Members, name: &str) -> &'a str {
    members.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Members that an update never changes.
const KEPT: [&str; 4] = ["id", "clientId", "nonConfidentialClient", "dynamic"];

/// Replaces everything that can be set.
fn update(call: &mut Call<'_>, id: &str, request: &impl Serialize) -> Result<(), Refusal> {
    let known = require(call, ALL, id)?;
    let mut members = members_of(SCHEMA, request)?;
    refuse_taken(&call.state.third_party_applications, text(&members, "name"), &known.id)?;
    for name in KEPT {
        if let Some(value) = known.members.get(name) {
            members.insert(name.to_owned(), value.clone());
        }
    }
    write(call, &known.id, members)
}

/// Changes what is named and keeps the rest.
fn patch(call: &mut Call<'_>, id: &str, request: &impl Serialize) -> Result<(), Refusal> {
    let known = require(call, ALL, id)?;
    let mut members = known.members.clone();
    members.extend(members_of(SCHEMA, request)?.into_iter().filter(|(name, _)| name != "id"));
    refuse_taken(&call.state.third_party_applications, text(&members, "name"), &known.id)?;
    write(call, &known.id, members)
}

fn write(call: &mut Call<'_>, id: &str, members: Members) -> Result<(), Refusal> {
    let edited = call.state.third_party_applications.edit(&mut call.state.log, id, |application| {
        application.members = members;
        Ok::<_, Refusal>(())
    })?;
    edited.to_api::<ThirdPartyApplication>().map(|_| ())
}

fn delete(call: &mut Call<'_>, id: &str) -> Result<(), Refusal> {
    let application = require(call, ALL, id)?;
    call.state.third_party_applications.remove(&mut call.state.log, &application.id);
    call.state.remove_owned(&application.id);
    Ok(())
}

/// By id or by client id; at the root and below `app`, because clients read the one or the other.
fn load(call: &mut Call<'_>, _: Nothing) -> Result<ThirdPartyApplicationLoadResponse, Refusal> {
    let wanted = call.query("id").or_else(|| call.query("clientId")).map(str::to_owned);
    let wanted = wanted.ok_or_else(|| Refusal::required("id"))?;
    let app: ThirdPartyApplication = require(call, ALL, &wanted)?.to_api()?;
    Ok(recast::<ThirdPartyApplicationLoadResponse>(&app)?.app(app))
}

fn load_all(
    call: &Call<'_>,
    page: Option<i64>,
    limit: Option<i64>,
) -> Result<ThirdPartyApplicationLoadAllResponse, Refusal> {
    let all = call.state.third_party_applications.iter().map(ApplicationRecord::to_api::<ThirdPartyApplication>);
    let all = all.collect::<Result<Vec<_>, _>>()?;
    let total = search::count(&all);
    Ok(ThirdPartyApplicationLoadAllResponse::new().apps(search::page(all, page, limit)?).total(total))
}

fn search_consents(
    call: &mut Call<'_>,
    body: ThirdPartyApplicationSearchConsentsRequest,
) -> Result<ThirdPartyApplicationSearchConsentsResponse, Refusal> {
    let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|id| id.is_empty() || id == value);
    let fits = |consent: &&ConsentRecord| {
        is(&body.app_id, &consent.app_id)
            && is(&body.consent_id, &consent.id)
            && is(&body.user_id, &consent.user_id)
            && is(&body.tenant_id, &consent.tenant_id)
    };
    let found: Vec<_> = call.state.consents.iter().filter(fits).map(ConsentRecord::to_api).collect();
    let total = search::count(&found);
    let found = search::page(found, body.page, body.limit)?;
    Ok(ThirdPartyApplicationSearchConsentsResponse::new().consents(found).total(total))
}

impl ConsentRecord {
    fn to_api(&self) -> ThirdPartyApplicationConsent {
        ThirdPartyApplicationConsent::new()
            .id(self.id.as_str())
            .app_id(self.app_id.as_str())
            .user_id(self.user_id.as_str())
            .tenant_id(self.tenant_id.as_str())
            .scopes(&self.scopes)
            .created_time(self.granted_at)
    }
}

/// Whether a deletion says of what: one that names nothing would take every consent back.
fn delete_where(
    call: &mut Call<'_>,
    says_something: bool,
    chosen: impl Fn(&ConsentRecord) -> bool,
) -> Result<(), Refusal> {
    if !says_something {
        return Err(Refusal::required("consentIds"));
    }
    let ids: Vec<String> =
        call.state.consents.iter().filter(|consent| chosen(consent)).map(|consent| consent.id.clone()).collect();
    for id in ids {
        call.state.consents.remove(&mut call.state.log, &id);
        // What was granted by it ends with it.
        call.state.remove_owned(&id);
    }
    Ok(())
}

fn delete_consents(call: &mut Call<'_>, body: ThirdPartyApplicationDeleteConsentsRequest) -> Result<(), Refusal> {
    let (app, tenant) = (some(body.app_id), some(body.tenant_id));
    let says = app.is_some() || tenant.is_some() || !body.consent_ids.is_empty() || !body.user_ids.is_empty();
    delete_where(call, says, |consent| {
        app.as_ref().is_none_or(|app| *app == consent.app_id)
            && tenant.as_ref().is_none_or(|tenant| *tenant == consent.tenant_id)
            && search::chosen(&body.consent_ids, &consent.id)
            && search::chosen(&body.user_ids, &consent.user_id)
    })
}

fn delete_tenant_consents(
    call: &mut Call<'_>,
    body: ThirdPartyApplicationDeleteTenantConsentsRequest,
) -> Result<(), Refusal> {
    let (app, tenant) = (some(body.app_id), some(body.tenant_id));
    let says = app.is_some() || tenant.is_some() || !body.consent_ids.is_empty();
    delete_where(call, says, |consent| {
        !consent.tenant_id.is_empty()
            && app.as_ref().is_none_or(|app| *app == consent.app_id)
            && tenant.as_ref().is_none_or(|tenant| *tenant == consent.tenant_id)
            && search::chosen(&body.consent_ids, &consent.id)
    })
}
