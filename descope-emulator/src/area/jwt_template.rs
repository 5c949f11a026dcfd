//! Templates that shape the tokens of a project. Which of them are in use is a setting: `userTemplateId` and
//! `keyTemplateId`, as in the console of the service.
//!
//! The library of ready-made templates is the service's own and is not here. `add_jti` changes nothing, because every
//! token of the emulator has an id, and `tags` and `source` are kept for people.

use descope_api::types::{
    JwtTemplate, JwtTemplateIssue, JwtTemplateResponse, JwtTemplateValidateRequest, JwtTemplateValidateResponse,
    JwtTemplatesResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{access_key::AccessKeyRecord, some, template::fill, user::UserRecord};
use crate::{
    error::{INVALID_ARGUMENTS, Refusal},
    flow::{Kind, token},
    http::{Call, Table, op},
    world::{Record, Settings, State},
};

/// One template.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JwtTemplateRecord {
    id: String,
    template: JwtTemplate,
}

impl Record for JwtTemplateRecord {
    const AUDITED: Option<&'static str> = Some("JWTTemplate");

    fn id(&self) -> &str {
        &self.id
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementJwtTemplateCreate>(|call, body| {
            let id = call.state.ids.id("JT");
            let template = checked(body.template, &id)?;
            let record = JwtTemplateRecord { id, template: template.clone() };
            call.state.jwt_templates.insert(&mut call.state.log, record)?;
            Ok(JwtTemplateResponse::new().template(template))
        })
        .on::<op::ManagementJwtTemplateUpdate>(|call, body| {
            let id = some(body.template.id.clone()).ok_or_else(|| Refusal::required("template.id"))?;
            let old = find(call.state, &id)?;
            if kind_of(&old.template) != kind_of(&body.template) && is_in_use(call.state, &id) {
                return Err(Refusal::invalid("The type of a template that is in use cannot be changed"));
            }
            let template = checked(body.template, &id)?;
            call.state.jwt_templates.update(&mut call.state.log, &id, |known| known.template = template.clone());
            Ok(JwtTemplateResponse::new().template(template))
        })
        .done::<op::ManagementJwtTemplateDelete>(|call, body| {
            find(call.state, &body.id)?;
            if is_in_use(call.state, &body.id) {
                return Err(Refusal::invalid("The template is in use; choose another one in the settings first"));
            }
            call.state.jwt_templates.remove(&mut call.state.log, &body.id);
            Ok(())
        })
        .on::<op::ManagementJwtTemplateLoad>(|call, body| {
            Ok(JwtTemplateResponse::new().template(find(call.state, &body.id)?.template.clone()))
        })
        .on::<op::ManagementJwtTemplateLoadAll>(|call, _| {
            let all = call.state.jwt_templates.iter().map(|known| known.template.clone());
            Ok(JwtTemplatesResponse::new().templates(all))
        })
        .on::<op::ManagementJwtTemplateValidate>(validate);
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a JwtTemplateRecord, Refusal> {
    state.jwt_templates.get(id).ok_or_else(|| Refusal::missing("JWT template", id))
}

fn kind_of(template: &JwtTemplate) -> &str {
    template.type_.as_deref().filter(|kind| !kind.is_empty()).unwrap_or("user")
}

fn is_in_use(state: &State, id: &str) -> bool {
    state.settings.user_template_id == id || state.settings.key_template_id == id
}

/// The template under its id, when nothing is wrong with it.
fn checked(mut template: JwtTemplate, id: &str) -> Result<JwtTemplate, Refusal> {
    if let Some(issue) = issues(&template).into_iter().next() {
        return Err(Refusal::invalid(issue.message.unwrap_or_default()));
    }
    template.type_ = Some(kind_of(&template).into());
    template.id = Some(id.to_owned());
    Ok(template)
}

/// What is wrong with a template.
fn issues(template: &JwtTemplate) -> Vec<JwtTemplateIssue> {
    let mut found = Vec::new();
    let mut add = |code: &str, field: String, message: String, hint: &str| {
        found.push(JwtTemplateIssue::new().code(code).field(field).message(message).hint(hint));
    };
    if template.name.as_deref().is_none_or(|name| name.trim().is_empty()) {
        add("NAME_MISSING", "name".to_owned(), "The name is missing".to_owned(), "Give the template a name");
    }
    for name in template.template.keys().filter(|name| token::is_reserved(name)) {
        let subject = name == "sub";
        if subject && template.override_subject == Some(true) {
            continue;
        }
        let hint = if subject { "Use overrideSubject" } else { "Choose another name" };
        add("RESERVED_CLAIM_KEY", format!("template.{name}"), format!("{name} is a reserved claim"), hint);
    }
    let vocabularies: [(&str, Option<&str>, &[&str]); 4] = [
        ("type", template.type_.as_deref(), &["user", "key"]),
        ("authSchema", template.auth_schema.as_deref(), &["default", "tenantOnly", "none"]),
        ("issuerType", template.issuer_type.as_deref(), &["legacy", "inbound", "federated"]),
        ("emptyClaimPolicy", template.empty_claim_policy.as_deref(), &["none", "nil", "delete"]),
    ];
    for (field, value, known) in vocabularies {
        if let Some(value) = value.filter(|value| !value.is_empty() && !known.contains(value)) {
            let message = format!("The {field} cannot be {value:?}");
            add("INVALID_VALUE", field.to_owned(), message, &format!("It is one of {}", known.join(", ")));
        }
    }
    found
}

/// A template that is given is checked, else the stored one.
fn validate(call: &mut Call<'_>, body: JwtTemplateValidateRequest) -> Result<JwtTemplateValidateResponse, Refusal> {
    let stored = some(body.id).map(|id| find(call.state, &id).map(|known| known.template.clone())).transpose()?;
    let template = body.template.or(stored).ok_or_else(|| Refusal::required("template"))?;
    let found = issues(&template);
    Ok(JwtTemplateValidateResponse::new().valid(found.is_empty()).issues(found))
}

/// Refuses settings that choose a template which is not there, or one for other tokens.
pub(crate) fn check_settings(state: &State, wanted: &Settings) -> Result<(), Refusal> {
    for (field, id, kind) in
        [("userTemplateId", &wanted.user_template_id, "user"), ("keyTemplateId", &wanted.key_template_id, "key")]
    {
        let fits = |known: &JwtTemplateRecord| kind_of(&known.template) == kind;
        if !id.is_empty() && !state.jwt_templates.get(id).is_some_and(fits) {
            let message = format!("{field} is not the id of a template for this kind of token");
            return Err(Refusal::new(&INVALID_ARGUMENTS, message));
        }
    }
    Ok(())
}

/// The template that is in use for the tokens of users, or of access keys.
fn in_use(state: &State, by_key: bool) -> Option<&JwtTemplate> {
    let id = if by_key { &state.settings.key_template_id } else { &state.settings.user_template_id };
    state.jwt_templates.get(id).map(|known| &known.template)
}

/// Whom a token is for.
pub(crate) enum Subject<'a> {
    /// Nobody is a visitor who has not signed in.
    User(Option<&'a UserRecord>),
    Key(&'a AccessKeyRecord),
}

/// Gives a token the shape that the template in use says. `chosen` is the tenant that was chosen, not one that is
/// current because there is no other.
pub(crate) fn shape(
    call: &Call<'_>,
    claims: &mut Map<String, Value>,
    subject: &Subject<'_>,
    kind: Kind,
    chosen: Option<&str>,
) {
    let by_key = matches!(subject, Subject::Key(_));
    let Some(template) = in_use(call.state, by_key) else { return };
    let omit = kind == Kind::Refresh && template.omit_custom_claims_from_dsr == Some(true);
    if template.auto_dct != Some(true) && chosen.is_none() {
        claims.remove("dct");
    }
    arrange(claims, template);
    if let Some(form) = form_of(template) {
        claims.insert("iss".to_owned(), json!(form.issuer(&call.origin(), &call.project.id)));
    }
    if omit {
        claims.retain(|name, _| token::is_reserved(name));
    }
    fill_in(call, template, claims, subject, omit);
}

/// Gives the token of an application for a user the claims of a template of the application's own. Who has issued it and
/// whom it is about is for the application to know, so that stays.
pub(crate) fn shape_of_application(call: &Call<'_>, id: &str, claims: &mut Map<String, Value>, user: &UserRecord) {
    let Some(known) = call.state.jwt_templates.get(id) else { return };
    arrange(claims, &known.template);
    let mut template = known.template.clone();
    template.override_subject = None;
    fill_in(call, &template, claims, &Subject::User(Some(user)), false);
}

/// Adds the claims of a template, or only the subject.
fn fill_in(
    call: &Call<'_>,
    template: &JwtTemplate,
    claims: &mut Map<String, Value>,
    subject: &Subject<'_>,
    only_subject: bool,
) {
    let project = call.project.id.as_str();
    let tenant = claims.get("dct").and_then(Value::as_str).and_then(|id| call.state.tenants.get(id));
    let tenant = tenant
        .map(|tenant| json!({"id": tenant.id, "name": tenant.name, "customAttributes": tenant.custom_attributes}));
    let (name, shown) = match subject {
        Subject::User(user) => ("user", user.and_then(|user| serde_json::to_value(user.to_api(call.state)).ok())),
        Subject::Key(key) => ("key", serde_json::to_value(key.to_api(call.state, call.now)).ok()),
    };
    let context = json!({name: shown, "tenant": tenant, "project": {"id": project, "name": call.state.about.name}});
    for (name, value) in &template.template {
        let subject = name == "sub" && template.override_subject == Some(true);
        if !subject && (only_subject || token::is_reserved(name)) {
            continue;
        }
        let value = match (fill(value, &context), template.empty_claim_policy.as_deref()) {
            (Value::Null, Some("nil")) => Value::Null,
            (Value::Null, Some("delete")) => continue,
            (Value::Null, _) => json!(""),
            (value, _) => value,
        };
        if subject {
            // A token has to be about somebody.
            if value.as_str().is_some_and(|text| !text.is_empty()) {
                let own = claims.insert("sub".to_owned(), value).unwrap_or_default();
                claims.entry("dsub").or_insert(own);
            }
        } else {
            claims.insert(name.clone(), value);
        }
    }
}

/// Puts roles and permissions where the template wants them.
fn arrange(claims: &mut Map<String, Value>, template: &JwtTemplate) {
    match template.auth_schema.as_deref() {
        Some("tenantOnly") => {
            let current = claims.get("dct").and_then(Value::as_str).map(str::to_owned);
            let of_current = current.and_then(|id| claims.get("tenants")?.get(&id).cloned());
            for name in ["roles", "permissions", "tenants"] {
                claims.remove(name);
            }
            claims.extend(of_current.and_then(|grants| grants.as_object().cloned()).unwrap_or_default());
        }
        Some("none") => {
            for name in ["roles", "permissions", "tenants"] {
                claims.remove(name);
            }
        }
        _ => {}
    }
    if template.exclude_permissions == Some(true) {
        claims.remove("permissions");
        if let Some(Value::Object(tenants)) = claims.get_mut("tenants") {
            for grants in tenants.values_mut().filter_map(Value::as_object_mut) {
                grants.remove("permissions");
            }
        }
    }
}

/// A form of the claim `iss`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Bare,
    /// That of inbound applications.
    Inbound,
    /// That of federated applications.
    Federated,
}

impl Form {
    fn issuer(self, origin: &str, project: &str) -> String {
        match self {
            Self::Bare => project.to_owned(),
            Self::Inbound => format!("{origin}/v1/apps/{project}"),
            Self::Federated => format!("{origin}/{project}"),
        }
    }

    /// The form of an issuer, when it is one of the project.
    fn of(issuer: &str, project: &str) -> Option<Self> {
        if issuer == project {
            return Some(Self::Bare);
        }
        let before = issuer.strip_suffix(project)?.strip_suffix('/')?;
        before.contains("://").then(|| if before.ends_with("/v1/apps") { Self::Inbound } else { Self::Federated })
    }
}

/// The form that a template says, where it says one.
fn form_of(template: &JwtTemplate) -> Option<Form> {
    match template.issuer_type.as_deref() {
        Some("inbound") => Some(Form::Inbound),
        Some("federated") => Some(Form::Federated),
        None | Some("legacy" | "") if template.conformance_issuer == Some(true) => Some(Form::Federated),
        Some("legacy") => Some(Form::Bare),
        _ => None,
    }
}

/// Whether a token was issued by the project, and in the form that the template in use enforces.
pub(crate) fn takes_issuer(state: &State, project: &str, issuer: &str, by_key: bool) -> bool {
    let Some(form) = Form::of(issuer, project) else { return false };
    match in_use(state, by_key) {
        Some(template) if template.enforce_issuer == Some(true) => form == form_of(template).unwrap_or(Form::Bare),
        _ => true,
    }
}
