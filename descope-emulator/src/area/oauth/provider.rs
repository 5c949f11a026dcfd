//! The emulator's own identity provider: a page on which a person, or a test by its query, chooses who signs in and
//! whether that succeeds.

use serde_json::{Map, Value, json};
use url::Url;

use super::{Identity, OauthRecord, Via, id_token};
use crate::{
    address::is_email,
    error::{INVALID_ARGUMENTS, NOT_FOUND, Refusal, VALIDATION_FAILED},
    http::escape,
    world::State,
};

/// What the person on the page, or the test in its place, has decided.
pub(crate) enum Outcome {
    /// Nothing yet: the page is to be shown.
    Undecided,
    Approve(Identity),
    Refuse,
    Fail,
}

impl Outcome {
    /// Reads it from the query.
    pub(crate) fn read<'a>(given: impl Fn(&str) -> Option<&'a str>) -> Result<Self, Refusal> {
        match given("outcome") {
            None => Ok(Self::Undecided),
            Some("approve") => identity(given).map(Self::Approve),
            Some("refuse") => Ok(Self::Refuse),
            Some("fail") => Ok(Self::Fail),
            Some(other) => {
                let message = format!("The outcome cannot be {other:?}; it is approve, refuse or fail");
                Err(Refusal::new(&INVALID_ARGUMENTS, message))
            }
        }
    }
}

/// Who signs in: an email address, a name, groups with commas between them, and a JSON object of further claims.
pub(crate) fn identity<'a>(given: impl Fn(&str) -> Option<&'a str>) -> Result<Identity, Refusal> {
    let email = given("email").unwrap_or_default().trim();
    if !is_email(email) {
        return Err(Refusal::new(&VALIDATION_FAILED, "The email parameter is not an email address"));
    }
    let claims: Map<String, Value> = serde_json::from_str(given("claims").unwrap_or("{}"))
        .map_err(|_| Refusal::new(&VALIDATION_FAILED, "The claims parameter is not a JSON object"))?;
    let groups = given("groups").unwrap_or_default().split(',').map(str::trim).filter(|group| !group.is_empty());
    Ok(Identity {
        email: email.to_owned(),
        name: given("name").unwrap_or_default().trim().to_owned(),
        groups: groups.map(str::to_owned).collect(),
        claims,
    })
}

/// Where the browser goes next, or the page that it shows.
pub(crate) enum Step {
    Redirect(String),
    Page(String),
    /// What a phone gives to the app.
    Given(Value),
}

/// Carries a decision out. Sign-ins that nobody has begun are refused.
pub(crate) fn decide(
    state: &mut State,
    project: &str,
    origin: &str,
    id: &str,
    outcome: Outcome,
    now: i64,
) -> Result<Step, Refusal> {
    let known = state.oauth.get(id).filter(|record| record.expires_at > now && record.code.is_none()).cloned();
    let record = known.ok_or_else(|| Refusal::new(&NOT_FOUND, "No such sign-in is under way"))?;
    let native = matches!(record.via, Via::Native { .. });
    let back = |name: &str, value: &str| {
        if native {
            return Ok(Step::Given(json!({name: value})));
        }
        let url = Url::parse_with_params(
            &format!("{origin}/v1/auth/oauth/callback"),
            [("projectId", project), ("state", id), (name, value)],
        );
        url.map(|url| Step::Redirect(url.into())).map_err(|error| Refusal::new(&INVALID_ARGUMENTS, error.to_string()))
    };
    match outcome {
        // A provider that may not ask has nobody to let in.
        Outcome::Undecided if record.prompt.iter().any(|prompt| prompt == "none") => back("error", "login_required"),
        Outcome::Undecided => Ok(Step::Page(page(state, project, &record))),
        Outcome::Refuse => back("error", "access_denied"),
        Outcome::Fail => back("error", "server_error"),
        Outcome::Approve(identity) => {
            let code = state.ids.alphanumeric(40);
            let token = match &record.via {
                Via::Native { nonce, .. } => Some(id_token::issue(origin, project, &identity, Some(nonce), now)?),
                _ => None,
            };
            state.oauth.update(&mut state.log, id, |record| {
                record.identity = Some(identity);
                record.by_code = !matches!(record.via, Via::Native { implicit: true, .. });
                record.provider_code = Some(code.clone());
            });
            match token {
                Some(token) => Ok(Step::Given(json!({"code": code, "idToken": token}))),
                None => back("code", &code),
            }
        }
    }
}

fn page(state: &State, project: &str, record: &OauthRecord) -> String {
    let mut known = String::new();
    for email in state.users.iter().filter_map(|user| user.profile.email.as_deref()).take(50) {
        known.push_str("<option value=\"");
        known.push_str(&escape(email));
        known.push_str("\">");
    }
    let mut more = String::new();
    if let Via::Sso { tenant_id, protocol, force_authn, .. } = &record.via {
        let anew = if *force_authn { " The application wants the person to sign in anew." } else { "" };
        more = format!(
            "<p>Tenant <code>{}</code>, by {}.{anew}</p><p><label>Groups, with commas <input name=\"groups\"></label></p>\
             <p><label>Further claims, as JSON <input name=\"claims\" placeholder=\"{{}}\"></label></p>",
            escape(tenant_id),
            if protocol == "saml" { "SAML" } else { "OpenID Connect" },
        );
    }
    if let Via::Outbound(connection) = &record.via {
        more = format!("<p>The application asks for: {}</p>", escape(&connection.scopes.join(", ")));
    }
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sign in with {provider}</title>\
         <h1>Sign in with {provider}</h1><p>This page of the emulator stands in for the provider.</p>\
         <form method=\"get\"><input type=\"hidden\" name=\"project\" value=\"{}\">\
         <input type=\"hidden\" name=\"state\" value=\"{}\">\
         <p><label>Email <input name=\"email\" type=\"email\" list=\"known\" value=\"{}\" autofocus></label>\
         <datalist id=\"known\">{known}</datalist></p>\
         <p><label>Name <input name=\"name\"></label></p>{more}\
         <p><button name=\"outcome\" value=\"approve\">Approve</button>\
         <button name=\"outcome\" value=\"refuse\">Refuse</button>\
         <button name=\"outcome\" value=\"fail\">Fail</button></p></form>\n",
        escape(project),
        escape(&record.state),
        escape(&record.login_hint),
        provider = escape(&record.provider),
    )
}
