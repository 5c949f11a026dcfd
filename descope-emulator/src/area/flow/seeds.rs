//! The flows that every project has, one for each usual way to sign in. They are written for the vendor's web component.

use serde_json::{Map, Value, json};

use super::{FlowRecord, ScreenRecord, ThemeRecord};
use crate::world::State;

/// Puts flows and a theme into a new project.
pub(in crate::area) fn furnish(state: &mut State) {
    for flow in flows() {
        let _ = state.flows.insert(&mut state.log, flow);
    }
    state.theme = ThemeRecord {
        styles: object(json!({"light": {"primary": "#1d4ed8"}, "dark": {"primary": "#93c5fd"}})),
        components_version: "1".to_owned(),
        version: 1,
    };
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn flow(id: &str, name: &str, description: &str, contents: Value, screens: Vec<ScreenRecord>) -> FlowRecord {
    FlowRecord {
        id: id.to_owned(),
        version: 1,
        contents: object(contents),
        details: object(json!({"name": name, "description": description})),
        screens,
    }
}

/// - `inputs`: name, type, label and what browsers may fill in.
/// - `buttons`: interaction and label.
fn screen(id: &str, title: &str, inputs: &[[&str; 4]], buttons: &[[&str; 2]]) -> ScreenRecord {
    let inputs = inputs.iter().map(|[name, kind, label, filled]| {
        json!({"name": name, "type": kind, "label": label, "autocomplete": filled, "required": true})
    });
    let buttons = buttons.iter().map(|[id, label]| json!({"id": id, "type": "button", "label": label}));
    ScreenRecord {
        id: id.to_owned(),
        contents: object(json!({"title": title})),
        interactions: buttons.collect(),
        inputs: inputs.collect(),
    }
}

const EMAIL: [&str; 4] = ["email", "email", "Email address", "email"];
const CODE: [&str; 4] = ["code", "text", "Code", "one-time-code"];
const PASSWORD: [&str; 4] = ["password", "password", "Password", "current-password"];
const CONTINUE: &[[&str; 2]] = &[["submit", "Continue"]];

fn flows() -> [FlowRecord; 7] {
    // The component asks for a screen by its id alone.
    let ask = |id: &str| screen(id, "What is your email address?", &[EMAIL], CONTINUE);
    let code = |id: &str| screen(id, "Which code did you get?", &[CODE], CONTINUE);
    [
        flow(
            "sign-up-or-in",
            "Sign up or in",
            "By a code that is mailed.",
            json!({"start": "ask", "steps": {
                "ask": {"screen": "ask", "next": "send"},
                "send": {"action": "otp/signup-in/email", "next": "code"},
                "code": {"screen": "code", "next": "verify"},
                "verify": {"action": "otp/verify/email", "next": "end"},
            }}),
            vec![ask("ask"), code("code")],
        ),
        flow(
            "sign-up-or-in-magic-link",
            "Sign up or in by a link",
            "By a link that is mailed, and ends the flow where it is opened.",
            json!({"start": "ask", "steps": {
                "ask": {"screen": "link-ask", "next": "send"},
                "send": {"action": "magic-link/signup-in/email", "screen": "link-sent", "next": "end"},
            }}),
            vec![
                ask("link-ask"),
                screen("link-sent", "Open the link that we have mailed to you", &[], &[["resend", "Send another"]]),
            ],
        ),
        flow(
            "sign-up-or-in-passwords",
            "Sign up or in by a password",
            "With an email address and a password.",
            json!({"start": "ask", "steps": {
                "ask": {"screen": "password-ask", "next": {"sign-in": "known", "sign-up": "new"}},
                "known": {"action": "password/signin", "next": "end"},
                "new": {"action": "password/signup", "next": "end"},
            }}),
            vec![screen(
                "password-ask",
                "Sign up or in",
                &[EMAIL, PASSWORD],
                &[["sign-in", "Sign in"], ["sign-up", "Sign up"]],
            )],
        ),
        flow(
            "sign-up-or-in-passkeys",
            "Sign up or in by a passkey",
            "By a passkey, which somebody new makes.",
            json!({"start": "ask", "steps": {
                "ask": {"screen": "passkey-ask", "next": "passkey"},
                "passkey": {"action": "webauthn/signup-in", "next": "end"},
            }}),
            vec![ask("passkey-ask")],
        ),
        flow(
            "sign-up-or-in-social",
            "Sign up or in by an account elsewhere",
            "By an account of Google or GitHub, in whose place the emulator has a page of its own.",
            json!({"start": "ask", "steps": {
                "ask": {"screen": "social-ask", "next": {"google": "google", "github": "github"}},
                "google": {"action": "oauth/google", "next": "end"},
                "github": {"action": "oauth/github", "next": "end"},
            }}),
            vec![screen(
                "social-ask",
                "Sign up or in",
                &[],
                &[["google", "Continue with Google"], ["github", "Continue with GitHub"]],
            )],
        ),
        flow(
            "sign-in-sso",
            "Sign in at work",
            "By the provider of the tenant that the flow is for, or whose domain the email address has.",
            json!({"start": "ask", "steps": {
                "ask": {"screen": "sso-ask", "next": "sso"},
                "sso": {"action": "sso", "next": "end"},
            }}),
            vec![ask("sso-ask")],
        ),
        flow(
            "step-up",
            "Step up",
            "Has somebody who is signed in prove it once more, by a code that is mailed.",
            json!({"start": "send", "stepup": true, "steps": {
                "send": {"action": "otp/signin/email", "next": "code"},
                "code": {"screen": "step-up-code", "next": "verify"},
                "verify": {"action": "otp/verify/email", "next": "end"},
            }}),
            vec![code("step-up-code")],
        ),
    ]
}
