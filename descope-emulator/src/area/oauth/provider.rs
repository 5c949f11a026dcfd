//! The emulator's own identity provider: a page on which a person, or a test by its query, chooses who signs in and
//! whether that succeeds.

use url::Url;

use super::Identity;
use crate::{
    address::is_email,
    error::{INVALID_ARGUMENTS, NOT_FOUND, Refusal, VALIDATION_FAILED},
    world::State,
};

/// What the person on the page, or the test in its place, has decided.
pub(crate) enum Outcome {
    /// Nothing yet: the page is to be shown.
    Undecided,
    Approve {
        email: String,
        name: String,
    },
    Refuse,
    Fail,
}

impl Outcome {
    /// Reads it from the query.
    pub(crate) fn read(outcome: Option<&str>, email: Option<&str>, name: Option<&str>) -> Result<Self, Refusal> {
        let email = email.unwrap_or_default().trim();
        match outcome {
            None => Ok(Self::Undecided),
            Some("approve") if is_email(email) => {
                Ok(Self::Approve { email: email.to_owned(), name: name.unwrap_or_default().to_owned() })
            }
            Some("approve") => Err(Refusal::new(&VALIDATION_FAILED, "The email parameter is not an email address")),
            Some("refuse") => Ok(Self::Refuse),
            Some("fail") => Ok(Self::Fail),
            Some(other) => {
                let message = format!("The outcome cannot be {other:?}; it is approve, refuse or fail");
                Err(Refusal::new(&INVALID_ARGUMENTS, message))
            }
        }
    }
}

/// Where the browser goes next, or the page that it shows.
pub(crate) enum Step {
    Redirect(String),
    Page(String),
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
    let back = |name: &str, value: &str| {
        let url = Url::parse_with_params(
            &format!("{origin}/v1/auth/oauth/callback"),
            [("projectId", project), ("state", id), (name, value)],
        );
        url.map(|url| Step::Redirect(url.into())).map_err(|error| Refusal::new(&INVALID_ARGUMENTS, error.to_string()))
    };
    match outcome {
        // A provider that may not ask has nobody to let in.
        Outcome::Undecided if record.prompt.iter().any(|prompt| prompt == "none") => back("error", "login_required"),
        Outcome::Undecided => Ok(Step::Page(page(state, project, id, &record.provider, &record.login_hint))),
        Outcome::Refuse => back("error", "access_denied"),
        Outcome::Fail => back("error", "server_error"),
        Outcome::Approve { email, name } => {
            let code = state.ids.alphanumeric(40);
            state.oauth.update(&mut state.log, id, |record| {
                record.identity = Some(Identity { email, name });
                record.provider_code = Some(code.clone());
            });
            back("code", &code)
        }
    }
}

fn page(state: &State, project: &str, id: &str, provider: &str, hint: &str) -> String {
    let escape =
        |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let mut known = String::new();
    for email in state.users.iter().filter_map(|user| user.profile.email.as_deref()).take(50) {
        known.push_str("<option value=\"");
        known.push_str(&escape(email));
        known.push_str("\">");
    }
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sign in with {provider}</title>\
         <h1>Sign in with {provider}</h1><p>This page of the emulator stands in for the provider.</p>\
         <form method=\"get\"><input type=\"hidden\" name=\"project\" value=\"{}\">\
         <input type=\"hidden\" name=\"state\" value=\"{}\">\
         <p><label>Email <input name=\"email\" type=\"email\" list=\"known\" value=\"{}\" autofocus></label>\
         <datalist id=\"known\">{known}</datalist></p>\
         <p><label>Name <input name=\"name\"></label></p>\
         <p><button name=\"outcome\" value=\"approve\">Approve</button>\
         <button name=\"outcome\" value=\"refuse\">Refuse</button>\
         <button name=\"outcome\" value=\"fail\">Fail</button></p></form>\n",
        escape(project),
        escape(id),
        escape(hint),
        provider = escape(provider),
    )
}
