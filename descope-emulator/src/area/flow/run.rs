//! Runs of flows, as far as their steps are ones that the emulator knows.
//!
//! The document says nothing of what a flow consists of, so the emulator has a small form of its own for it: `start` names
//! the first of the `steps`; a step has a `screen`, or an `action`, and the name of the `next` step, which is `end` at last.
//! Where the screen offers a choice, `next` names a step for each of its interactions. An action that waits for the user,
//! who looks for a link, may have a `screen` meanwhile. With `stepup` the flow steps a signed-in user up. A flow in another
//! form is kept, and not run.

use descope_api::types::{
    FlowExchangeRequest, FlowNextRequest, FlowPrimeRequest, FlowStartOptions, FlowStartRequest, FlowStepRedirect,
    FlowStepResponse, FlowStepScreen, JwtResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    FlowRecord, ScreenRecord,
    action::{self, Waits},
    find,
};
use crate::{
    area::{provider, some},
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
pub(super) struct Proven {
    pub(super) user_id: String,
    pub(super) method: String,
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
    pub(super) id: String,
    flow_id: String,
    version: i64,
    /// The step that the user is at.
    pub(super) step: String,
    /// The step whose screen is shown: this one, or one before it where an action waits.
    screen: String,
    /// Where the component runs.
    pub(super) page: Option<String>,
    /// What was typed, without what is secret.
    pub(super) input: Map<String, Value>,
    /// The user who is signed in already, and how that user has proven it.
    pub(super) acting: Option<String>,
    acting_amr: Vec<String>,
    pub(super) tenant: Option<String>,
    stepup: bool,
    app: Option<App>,
    pub(super) proven: Option<Proven>,
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
    /// With what is shown while it waits for the user.
    Action(&'a str, Option<&'a ScreenRecord>),
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
        let screen = |id| self.screens.iter().find(|screen| screen.id == id).ok_or_else(unknown);
        match (step["screen"].as_str(), step["action"].as_str()) {
            (Some(id), None) => screen(id).map(Step::Screen),
            (id, Some(action)) => Ok(Step::Action(action, id.map(screen).transpose()?)),
            (None, None) => Err(unknown()),
        }
    }

    /// The step that follows upon what the user did.
    fn after(&self, name: &str, interaction: &str) -> String {
        let next = self.contents.get("steps").map(|steps| &steps[name]["next"]);
        let next = next.and_then(|next| next.as_str().or_else(|| next[interaction].as_str()));
        next.unwrap_or("end").to_owned()
    }

    /// What a browser may show before it has begun a run.
    pub(super) fn first_screen(&self) -> Option<&ScreenRecord> {
        match self.step(self.start()) {
            Ok(Step::Screen(screen)) => Some(screen),
            _ => None,
        }
    }

    fn start(&self) -> &str {
        self.contents.get("start").and_then(Value::as_str).unwrap_or_default()
    }
}

pub(super) fn text<'a>(input: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
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
        page: some(options.redirect_url).or_else(|| some(options.location)),
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
    let answer = go_on(call, &flow, &mut run, flow.start().to_owned())?;
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

/// Takes what the user did on the screen that is shown, or what the browser found out.
fn step_on(
    call: &mut Call<'_>,
    flow: &FlowRecord,
    run: &mut FlowRunRecord,
    interaction: &str,
) -> Result<FlowStepResponse, Refusal> {
    let at = run.step.clone();
    match flow.step(&at)? {
        Step::End => Err(Refusal::new(&FLOW_STEP_NOT_FOUND, "The run waits for nobody")),
        Step::Screen(screen) => {
            interact(screen, run, interaction)?;
            go_on(call, flow, run, flow.after(&at, interaction))
        }
        // The component asks again and again; whoever has opened the link is somewhere else.
        Step::Action(..) if interaction == POLLING => Ok(answer(flow, run, "poll")),
        Step::Action(action, _) if interaction == SUBMIT => {
            match all_or_nothing(call, run, |call, run| action::finish(call, run, action)) {
                Ok(()) => go_on(call, flow, run, flow.after(&at, interaction)),
                Err(refusal) => told(call, flow, run, refusal),
            }
        }
        Step::Action(_, screen) => {
            let none = || Refusal::new(&INVALID_ARGUMENTS, "The user is somewhere else, and does nothing here");
            interact(screen.ok_or_else(none)?, run, interaction)?;
            go_on(call, flow, run, at)
        }
    }
}

/// What the component calls the end of something that it has waited for, and its waiting.
const SUBMIT: &str = "submit";
const POLLING: &str = "polling";

/// Checks what was done on a screen.
fn interact(screen: &ScreenRecord, run: &FlowRunRecord, interaction: &str) -> Result<(), Refusal> {
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
    Ok(())
}

/// Goes on to the next screen, to something that is waited for, or to the end.
fn go_on(
    call: &mut Call<'_>,
    flow: &FlowRecord,
    run: &mut FlowRunRecord,
    mut name: String,
) -> Result<FlowStepResponse, Refusal> {
    for _ in 0..LONGEST {
        match flow.step(&name)? {
            Step::Screen(_) => {
                run.step.clone_from(&name);
                run.screen = name;
                return Ok(shown(call, flow, run, None));
            }
            Step::Action(action, screen) => {
                match all_or_nothing(call, run, |call, run| action::begin(call, run, &name, action)) {
                    Ok(None) => name = flow.after(&name, ""),
                    Ok(Some(waits)) => {
                        if screen.is_some() {
                            run.screen.clone_from(&name);
                        }
                        run.step = name;
                        return Ok(waiting(call, flow, run, waits));
                    }
                    Err(refusal) => return told(call, flow, run, refusal),
                }
            }
            Step::End => return end(call, run),
        }
    }
    Err(Refusal::new(&INVALID_ARGUMENTS, "The flow goes in circles"))
}

/// What an action that is refused has changed is undone: the run goes on, so that the call is not refused.
fn all_or_nothing<T>(
    call: &mut Call<'_>,
    run: &mut FlowRunRecord,
    act: impl FnOnce(&mut Call<'_>, &mut FlowRunRecord) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let (before, sent) = (call.state.clone(), call.outbox.len());
    let result = act(call, run);
    if result.as_ref().is_err_and(|refusal| !refusal.keeps_changes) {
        *call.state = before;
        call.outbox.truncate(sent);
    }
    result
}

/// Shows the screen that the user came from, and on it what was refused.
fn told(
    call: &Call<'_>,
    flow: &FlowRecord,
    run: &mut FlowRunRecord,
    refusal: Refusal,
) -> Result<FlowStepResponse, Refusal> {
    if refusal.code == &NOT_EMULATED || run.screen.is_empty() {
        return Err(refusal);
    }
    run.step.clone_from(&run.screen);
    Ok(shown(call, flow, run, Some(&refusal)))
}

/// What the component does meanwhile.
fn waiting(call: &Call<'_>, flow: &FlowRecord, run: &FlowRunRecord, waits: Waits) -> FlowStepResponse {
    match waits {
        Waits::ForTheLink => shown(call, flow, run, None),
        Waits::Elsewhere(url) => answer(flow, run, "redirect").redirect(FlowStepRedirect::new().url(url)),
        Waits::ForAPasskey(begun) => {
            let action = if begun.create == Some(true) { "webauthnCreate" } else { "webauthnGet" };
            answer(flow, run, action).webauthn(begun)
        }
    }
}

fn shown(call: &Call<'_>, flow: &FlowRecord, run: &FlowRunRecord, refusal: Option<&Refusal>) -> FlowStepResponse {
    let mut state = Map::new();
    state.insert("project".to_owned(), json!({"name": call.state.about.name}));
    state.insert("form".to_owned(), Value::Object(run.input.clone()));
    if let Some(refusal) = refusal {
        state.insert("errorText".to_owned(), json!(refusal.message));
        state.insert("errorType".to_owned(), json!(refusal.code.id));
    }
    let mut response = answer(flow, run, "screen");
    response.screen = response.screen.map(|screen| screen.state(state));
    response
}

/// An answer of a run that goes on. Whatever the component does, there is a screen behind it.
fn answer(flow: &FlowRecord, run: &FlowRunRecord, action: &str) -> FlowStepResponse {
    let screen = match flow.step(&run.screen) {
        Ok(Step::Screen(screen) | Step::Action(_, Some(screen))) => Some(screen),
        _ => None,
    };
    let title = screen.and_then(|screen| screen.contents.get("title").and_then(Value::as_str));
    let title = title.or_else(|| screen.map(|screen| screen.id.as_str())).unwrap_or(&run.step);
    let shown = FlowStepScreen::new();
    FlowStepResponse::new()
        .execution_id(&run.id)
        .step_id(&run.step)
        .step_name(title)
        .status("waiting")
        .action(action)
        .screen(match screen {
            Some(screen) => shown.id(&screen.id),
            None => shown,
        })
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
