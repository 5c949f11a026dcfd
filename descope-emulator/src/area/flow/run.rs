//! Runs of flows, as far as their steps are ones that the emulator knows.
//!
//! The document says nothing of what a flow consists of, so the emulator has a small form of its own for it: `start` names
//! the first of the `steps`; a step has a `screen`, or an `action`, and the name of the `next` step, which is `end` at last.
//! With `stepup` the flow steps a signed-in user up. A flow in another form is kept, and not run.

use descope_api::types::{
    FlowExchangeRequest, FlowNextRequest, FlowPrimeRequest, FlowStartOptions, FlowStartRequest, FlowStepRedirect,
    FlowStepResponse, FlowStepScreen, JwtResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::{FlowRecord, ScreenRecord, find};
use crate::{
    admin::inbox::Channel,
    area::{otp, password, provider, some},
    error::{
        FLOW_STEP_NOT_FOUND, FLOW_TIMED_OUT, FLOW_VERSION_CHANGED, INVALID_ARGUMENTS, NOT_EMULATED, Refusal,
        TOKEN_EXPIRED,
    },
    flow::{self, SessionWish},
    http::{Call, Table, op},
    world::Record,
};

/// How long a run waits for the user, in seconds.
const PATIENCE: i64 = 3600;
/// How long a code at the end of a run, or what prepares one, is good for, in seconds.
const SHORTLY: i64 = 180;
/// How many actions may follow each other without a screen: a flow must not go in circles.
const LONGEST: usize = 32;

/// What a user has proven in a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Proven {
    user_id: String,
    method: String,
}

/// The app that a run goes back to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct App {
    callback_url: String,
    code_challenge: String,
}

/// One run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct FlowRunRecord {
    id: String,
    flow_id: String,
    version: i64,
    /// The step whose screen is shown.
    step: String,
    /// What was typed, without what is secret.
    input: Map<String, Value>,
    /// The user who is signed in already, and how that user has proven it.
    acting: Option<String>,
    acting_amr: Vec<String>,
    tenant: Option<String>,
    stepup: bool,
    app: Option<App>,
    proven: Option<Proven>,
    /// What the app gets the session for.
    code: Option<String>,
    expires_at: i64,
}

impl Record for FlowRunRecord {
    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> Vec<String> {
        self.code.iter().map(|code| format!("code:{code}")).collect()
    }

    fn owners(&self) -> Vec<String> {
        [Some(&self.flow_id), self.acting.as_ref()].into_iter().flatten().cloned().collect()
    }

    fn ends_at(&self) -> Option<i64> {
        Some(self.expires_at)
    }
}

/// A run that is about to begin in a browser for a user who is signed in to the app.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct FlowPrimeRecord {
    /// The challenge.
    id: String,
    flow_id: String,
    user_id: String,
    amr: Vec<String>,
    expires_at: i64,
}

impl Record for FlowPrimeRecord {
    fn id(&self) -> &str {
        &self.id
    }

    fn owners(&self) -> Vec<String> {
        vec![self.flow_id.clone(), self.user_id.clone()]
    }

    fn ends_at(&self) -> Option<i64> {
        Some(self.expires_at)
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::FlowStart>(start)
        .on::<op::FlowNext>(next)
        .done::<op::FlowPrime>(prime)
        .on::<op::FlowExchange>(exchange);
}

/// A step of a flow.
enum Step<'a> {
    Screen(&'a ScreenRecord),
    Action(&'a str),
    End,
}

impl FlowRecord {
    fn step(&self, name: &str) -> Result<Step<'_>, Refusal> {
        if name == "end" {
            return Ok(Step::End);
        }
        let unknown = || {
            let message = format!("The emulator cannot run the step {name:?} of this flow: it knows no such form");
            Refusal::new(&NOT_EMULATED, message)
        };
        let step = &self.contents.get("steps").ok_or_else(unknown)?[name];
        match (step["screen"].as_str(), step["action"].as_str()) {
            (Some(id), None) => {
                let screen = self.screens.iter().find(|screen| screen.id == id);
                screen.map(Step::Screen).ok_or_else(unknown)
            }
            (None, Some(action)) => Ok(Step::Action(action)),
            _ => Err(unknown()),
        }
    }

    fn after(&self, name: &str) -> String {
        let next = self.contents.get("steps").and_then(|steps| steps[name]["next"].as_str());
        next.unwrap_or("end").to_owned()
    }
}

fn text<'a>(input: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

fn changed() -> Refusal {
    Refusal::new(&FLOW_VERSION_CHANGED, "There is a newer version of the flow; show its first screen")
}

fn start(call: &mut Call<'_>, body: FlowStartRequest) -> Result<FlowStepResponse, Refusal> {
    let flow = find(call, &body.flow_id)?.clone();
    if body.flow_versions.get(&flow.id).is_some_and(|version| *version != flow.version) {
        return Err(changed());
    }
    if body.condition_interaction_id.is_some_and(|id| !id.is_empty()) {
        return Err(Refusal::new(&NOT_EMULATED, "No flow that the emulator runs begins with a condition"));
    }
    let options = body.options.unwrap_or_default();
    refuse_others(&options)?;
    let app = options.redirect_auth.and_then(|app| Some((some(app.callback_url)?, some(app.code_challenge)?)));
    let app = app.map(|(callback_url, code_challenge)| App { callback_url, code_challenge });
    if let Some(app) = &app
        && Url::parse(&app.callback_url).is_err()
    {
        return Err(Refusal::new(&INVALID_ARGUMENTS, "The redirectAuth.callbackUrl is not an address"));
    }
    let mut run = FlowRunRecord {
        id: format!("{}|#|{}", flow.id, call.state.ids.alphanumeric(27)),
        flow_id: flow.id.clone(),
        version: flow.version,
        input: body.input,
        tenant: some(options.tenant),
        stepup: flow.contents.get("stepup") == Some(&Value::Bool(true)),
        app,
        expires_at: call.now + PATIENCE,
        ..FlowRunRecord::default()
    };
    if let Some(token) = &call.caller.token {
        run.acting = Some(token.user_id.clone());
        run.acting_amr = flow::earlier_amr(call);
    } else if let Some(app) = &run.app
        && let Some(primed) = call.state.flow_primes.get(&app.code_challenge).cloned()
        && primed.flow_id == flow.id
        && primed.expires_at > call.now
    {
        call.state.flow_primes.remove(&mut call.state.log, &primed.id);
        (run.acting, run.acting_amr) = (Some(primed.user_id), primed.amr);
    }
    let first = flow.contents.get("start").and_then(Value::as_str).unwrap_or_default().to_owned();
    let answer = go_on(call, &flow, &mut run, first)?;
    // The component had shown the screen already, and tells what the user did there.
    let answer = match some(body.interaction_id) {
        Some(interaction) if !run.step.is_empty() => step_on(call, &flow, &mut run, &interaction)?,
        _ => answer,
    };
    if !is_over(&run) {
        call.state.flow_runs.insert(&mut call.state.log, run)?;
    }
    Ok(answer)
}

/// What a run would have to do besides.
fn refuse_others(options: &FlowStartOptions) -> Result<(), Refusal> {
    let others = [
        ("oidcIdpStateId", &options.oidc_idp_state_id),
        ("samlIdpStateId", &options.saml_idp_state_id),
        ("wsfedIdpStateId", &options.wsfed_idp_state_id),
        ("thirdPartyAppStateId", &options.third_party_app_state_id),
        ("outboundAppId", &options.outbound_app_id),
    ];
    match others.iter().find(|(_, value)| value.as_deref().is_some_and(|value| !value.is_empty())) {
        Some((name, _)) => {
            Err(Refusal::new(&NOT_EMULATED, format!("The flows of the emulator end nothing else; leave {name} out")))
        }
        None => Ok(()),
    }
}

fn next(call: &mut Call<'_>, body: FlowNextRequest) -> Result<FlowStepResponse, Refusal> {
    let missing = || Refusal::new(&FLOW_STEP_NOT_FOUND, "There is no such run, or it has ended");
    let mut run = call.state.flow_runs.get(&body.execution_id).cloned().ok_or_else(missing)?;
    if run.code.is_some() {
        return Err(missing());
    }
    if run.expires_at <= call.now {
        return Err(Refusal::new(&FLOW_TIMED_OUT, "The run has waited for the user for too long"));
    }
    let flow = find(call, &run.flow_id)?.clone();
    if flow.version != run.version || body.version.is_some_and(|version| version != 0 && version != flow.version) {
        return Err(changed());
    }
    if body.step_id != run.step {
        return Err(Refusal::new(&FLOW_STEP_NOT_FOUND, "The step is not the one that the run waits at"));
    }
    run.input.extend(body.input);
    let answer = step_on(call, &flow, &mut run, &body.interaction_id)?;
    let id = run.id.clone();
    if is_over(&run) {
        call.state.flow_runs.remove(&mut call.state.log, &id);
    } else {
        call.state.flow_runs.edit(&mut call.state.log, &id, |known| {
            *known = run;
            Ok::<_, Refusal>(())
        })?;
    }
    Ok(answer)
}

/// Whether nobody will ask for the run again.
fn is_over(run: &FlowRunRecord) -> bool {
    run.step.is_empty() && run.code.is_none()
}

/// Takes what the user did on the screen that is shown.
fn step_on(
    call: &mut Call<'_>,
    flow: &FlowRecord,
    run: &mut FlowRunRecord,
    interaction: &str,
) -> Result<FlowStepResponse, Refusal> {
    let Step::Screen(screen) = flow.step(&run.step)? else {
        return Err(Refusal::new(&FLOW_STEP_NOT_FOUND, "The run waits for nobody"));
    };
    let known = |list: &Value, name: &str, wanted: &str| {
        list.as_array().into_iter().flatten().any(|item| item[name].as_str() == Some(wanted))
    };
    if !known(&screen.interactions, "id", interaction) {
        let message = format!("The screen has no interaction {interaction:?}");
        return Err(Refusal::new(&INVALID_ARGUMENTS, message));
    }
    for input in screen.inputs.as_array().into_iter().flatten().filter(|input| input["required"] == true) {
        let name = input["name"].as_str().unwrap_or_default();
        if text(&run.input, name).is_none() {
            return Err(Refusal::required(&format!("input.{name}")));
        }
    }
    let next = flow.after(&run.step);
    go_on(call, flow, run, next)
}

/// Goes on to the next screen or to the end. What an action refuses is shown on the screen before it.
fn go_on(
    call: &mut Call<'_>,
    flow: &FlowRecord,
    run: &mut FlowRunRecord,
    mut name: String,
) -> Result<FlowStepResponse, Refusal> {
    for _ in 0..LONGEST {
        match flow.step(&name)? {
            Step::Screen(screen) => {
                run.step.clone_from(&name);
                return Ok(shown(call, run, screen, None));
            }
            Step::Action(action) => match act(call, run, action) {
                Ok(()) => name = flow.after(&name),
                Err(refusal) if refusal.code == &NOT_EMULATED || run.step.is_empty() => return Err(refusal),
                Err(refusal) => {
                    let Step::Screen(screen) = flow.step(&run.step)? else { return Err(refusal) };
                    return Ok(shown(call, run, screen, Some(&refusal)));
                }
            },
            Step::End => return end(call, run),
        }
    }
    Err(Refusal::new(&INVALID_ARGUMENTS, "The flow goes in circles"))
}

fn shown(call: &Call<'_>, run: &FlowRunRecord, screen: &ScreenRecord, refusal: Option<&Refusal>) -> FlowStepResponse {
    let mut state = Map::new();
    state.insert("project".to_owned(), json!({"name": call.state.about.name}));
    state.insert("form".to_owned(), Value::Object(run.input.clone()));
    if let Some(refusal) = refusal {
        state.insert("errorText".to_owned(), json!(refusal.message));
        state.insert("errorType".to_owned(), json!(refusal.code.id));
    }
    let title = screen.contents.get("title").and_then(Value::as_str).unwrap_or(&screen.id);
    FlowStepResponse::new()
        .execution_id(&run.id)
        .step_id(&run.step)
        .step_name(title)
        .status("waiting")
        .action("screen")
        .screen(FlowStepScreen::new().id(&screen.id).state(state))
}

/// The login id that was typed, or that of the user who is signed in.
fn login_id(call: &Call<'_>, run: &FlowRunRecord, channel: Option<Channel>) -> Result<String, Refusal> {
    let by_channel = channel.map(|channel| if channel.is_phone() { "phone" } else { "email" });
    let typed = ["loginId"].into_iter().chain(by_channel).chain(["email"]).find_map(|name| text(&run.input, name));
    let acting = || run.acting.as_ref().and_then(|id| call.state.users.get(id)?.login_ids.first().cloned());
    typed.map(str::to_owned).or_else(acting).ok_or_else(|| Refusal::required("input.loginId"))
}

/// Takes something secret out of what was typed.
fn taken(run: &mut FlowRunRecord, name: &str) -> Result<String, Refusal> {
    let value = run.input.remove(name);
    let value = value.as_ref().and_then(Value::as_str).filter(|value| !value.is_empty());
    value.map(str::to_owned).ok_or_else(|| Refusal::required(&format!("input.{name}")))
}

fn act(call: &mut Call<'_>, run: &mut FlowRunRecord, action: &str) -> Result<(), Refusal> {
    let (kind, channel) = action.rsplit_once('/').unwrap_or((action, ""));
    let channel = match channel {
        "email" => Some(Channel::Email),
        "sms" => Some(Channel::Sms),
        "voice" => Some(Channel::Voice),
        "whatsapp" => Some(Channel::Whatsapp),
        _ => None,
    };
    match (kind, channel) {
        ("otp/signup-in" | "otp/signin", Some(channel)) => {
            let login_id = login_id(call, run, Some(channel))?;
            otp::send_to(call, login_id, channel, kind == "otp/signup-in")
        }
        ("otp/verify", Some(channel)) => {
            let login_id = login_id(call, run, Some(channel))?;
            let code = taken(run, "code")?;
            let challenge = otp::redeem(call, &login_id, &code, channel)?;
            let user_id = flow::prove(call, &challenge)?;
            run.proven = Some(Proven { user_id, method: channel.as_str().to_owned() });
            Ok(())
        }
        _ if action == "password/signin" => {
            let login_id = login_id(call, run, None)?;
            let given = taken(run, "password")?;
            let user = password::sign_in_by(call, &login_id, &given)?;
            run.proven = Some(Proven { user_id: user.id, method: "pwd".to_owned() });
            Ok(())
        }
        _ => Err(Refusal::new(&NOT_EMULATED, format!("The emulator knows no step that does {action:?}"))),
    }
}

/// The session, or the way back to the app, which gets it for a code.
fn end(call: &mut Call<'_>, run: &mut FlowRunRecord) -> Result<FlowStepResponse, Refusal> {
    let Some(proven) = run.proven.clone() else {
        return Err(Refusal::new(&NOT_EMULATED, "The flow ends before anybody has proven who they are"));
    };
    run.step.clear();
    let done = FlowStepResponse::new().execution_id(&run.id).step_id("end").step_name("End").status("completed");
    let Some(app) = run.app.clone() else {
        return Ok(done.action("none").auth_info(sign_in(call, run, &proven)?));
    };
    let code = call.state.ids.alphanumeric(40);
    let mut url = Url::parse(&app.callback_url).map_err(|error| Refusal::invalid(error.to_string()))?;
    url.query_pairs_mut().append_pair("code", &code);
    run.code = Some(code);
    run.expires_at = call.now + SHORTLY;
    Ok(done.action("redirect").redirect(FlowStepRedirect::new().url(url.as_str())))
}

fn sign_in(call: &mut Call<'_>, run: &FlowRunRecord, proven: &Proven) -> Result<JwtResponse, Refusal> {
    let same = run.acting.as_ref() == Some(&proven.user_id);
    if run.stepup && !same {
        return Err(Refusal::new(&INVALID_ARGUMENTS, "Only the user who is signed in can step up"));
    }
    let belongs =
        |tenant: &String| call.state.users.get(&proven.user_id).is_some_and(|user| user.tenants.contains_key(tenant));
    if let Some(tenant) = run.tenant.as_ref().filter(|tenant| !belongs(tenant)) {
        return Err(Refusal::new(&INVALID_ARGUMENTS, format!("The user does not belong to tenant {tenant}")));
    }
    let wish = SessionWish {
        tenant: run.tenant.clone(),
        stepup: run.stepup,
        earlier_amr: if same { run.acting_amr.clone() } else { Vec::new() },
        ..SessionWish::default()
    };
    flow::sign_in(call, &proven.user_id, &wish, &proven.method)
}

fn prime(call: &mut Call<'_>, body: FlowPrimeRequest) -> Result<(), Refusal> {
    find(call, &body.flow_id)?;
    let user_id = call.user()?.id.clone();
    let amr = flow::earlier_amr(call);
    let id = some(Some(body.code_challenge)).ok_or_else(|| Refusal::required("codeChallenge"))?;
    call.state.flow_primes.remove(&mut call.state.log, &id);
    let expires_at = call.now + SHORTLY;
    let record = FlowPrimeRecord { id, flow_id: body.flow_id, user_id, amr, expires_at };
    call.state.flow_primes.insert(&mut call.state.log, record)?;
    Ok(())
}

fn exchange(call: &mut Call<'_>, body: FlowExchangeRequest) -> Result<JwtResponse, Refusal> {
    let refuse = |why: &str| Refusal::new(&TOKEN_EXPIRED, why);
    let name = format!("code:{}", body.authorization_code.expose());
    let known = call.state.flow_runs.named(&name).filter(|run| run.expires_at > call.now).cloned();
    let run = known.ok_or_else(|| refuse("The code is unknown, expired or was used before"))?;
    let (Some(app), Some(proven)) = (&run.app, &run.proven) else {
        return Err(refuse("The code is unknown, expired or was used before"));
    };
    if !provider::verifies(&(app.code_challenge.clone(), "S256".to_owned()), body.code_verifier.expose()) {
        return Err(refuse("The codeVerifier is not the one that the codeChallenge was made of"));
    }
    call.state.flow_runs.remove(&mut call.state.log, &run.id);
    sign_in(call, &run, proven)
}
