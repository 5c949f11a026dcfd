//! Flows whose screens the application draws itself, and those that run in a browser for it.

use descope_sdk::{
    ErrorKind, FlowStep, LoginId, Pkce,
    api::types::{FlowRedirectAuth, FlowStartOptions},
};
use serde_json::{Value, json};

use crate::world::{ADA, BOB, World, other_than, refresh_of, refused};

const FLOW: &str = "sign-up-or-in";

impl World {
    /// Takes a step on the screen that is shown.
    async fn typed(&self, step: &FlowStep, field: &str, value: &str) -> descope_sdk::Result<FlowStep> {
        let response = step.response();
        let (run, at) = (response.execution_id.clone().unwrap(), response.step_id.clone().unwrap());
        self.descope.flow().next(run, at, "submit").input([(field, value)]).send().await
    }

    /// Imports a flow of these steps whose screen asks for an email address, a code and a password.
    async fn import(&self, id: &str, contents: Value) {
        let screen = json!({"screenId": "ask", "contents": {"title": "Ask"},
            "interactions": [{"id": "submit", "type": "button"}]});
        let flow = json!({"flowId": id, "contents": contents, "screens": [screen]});
        let flow = serde_json::from_value(flow).unwrap();
        self.descope.management().flows().import(flow).send().await.unwrap();
    }
}

/// The screen that is shown and what it says went wrong.
fn screen(step: &FlowStep) -> (&str, Option<&str>) {
    let response = step.response();
    assert_eq!((response.status.as_deref(), response.action.as_deref()), (Some("waiting"), Some("screen")));
    let screen = response.screen.as_ref().unwrap();
    (screen.id.as_deref().unwrap(), screen.state.get("errorText").and_then(Value::as_str))
}

#[tokio::test]
async fn a_flow_asks_for_an_address_and_its_code_and_signs_in() {
    let world = World::start().await;
    let first = world.descope.flow().start(FLOW).send().await.unwrap();
    assert_eq!(screen(&first), ("ask", None));
    let second = world.typed(&first, "email", ADA).await.unwrap();
    assert_eq!(screen(&second), ("code", None));
    let code = world.code(ADA).await;
    let again = world.typed(&second, "code", other_than(&code)).await.unwrap();
    let (shown, why) = screen(&again);
    assert_eq!((shown, why.is_some()), ("code", true));
    assert!(again.response().screen.as_ref().unwrap().state["form"].get("code").is_none(), "codes are not shown again");

    let done = world.typed(&again, "code", &code).await.unwrap();
    assert_eq!(done.response().status.as_deref(), Some("completed"));
    let ada = done.into_authentication().unwrap();
    assert!(ada.first_seen());
    assert_eq!(world.claims(&ada).await.user_id(), ada.user().unwrap().user_id.as_deref().unwrap());
    refused(world.typed(&again, "code", &code).await, ErrorKind::NotFound, 404, "E102116");
}

#[tokio::test]
async fn a_flow_that_ran_in_a_browser_ends_in_the_app_that_began_it() {
    let world = World::start().await;
    let flow = world.descope.flow();
    let pkce = Pkce::new();
    let app = FlowRedirectAuth::new().callback_url("app://signed-in?x=1").code_challenge(pkce.challenge());
    let options = FlowStartOptions::new().redirect_auth(app);
    let first =
        flow.start(FLOW).input([("email", ADA)]).interaction_id("submit").options(options).send().await.unwrap();
    assert_eq!(screen(&first).0, "code");
    let done = world.typed(&first, "code", &world.code(ADA).await).await.unwrap();
    assert!(done.authentication().is_none());
    let back = done.response().redirect.as_ref().and_then(|redirect| redirect.url.clone()).unwrap();
    assert!(back.starts_with("app://signed-in?x=1&code="), "{back}");

    refused(flow.exchange(back.as_str(), &Pkce::new()).await, ErrorKind::Expired, 401, "E062504");
    let ada = flow.exchange(back.as_str(), &pkce).await.unwrap();
    world.claims(&ada).await;
    refused(flow.exchange(back.as_str(), &pkce).await, ErrorKind::Expired, 401, "E062504");
}

#[tokio::test]
async fn a_flow_steps_the_user_up_who_has_prepared_it_in_the_app() {
    let world = World::start().await;
    let steps = json!({"send": {"action": "otp/signin/email", "next": "ask"},
        "ask": {"screen": "ask", "next": "verify"}, "verify": {"action": "otp/verify/email", "next": "end"}});
    world.import("step-up", json!({"start": "send", "stepup": true, "steps": steps})).await;
    let refresh = world.refresh_jwt(ADA).await;
    let (flow, pkce) = (world.descope.flow(), Pkce::new());
    flow.prime("step-up", &pkce, refresh.clone()).await.unwrap();
    let app = FlowRedirectAuth::new().callback_url("app://stepped-up").code_challenge(pkce.challenge());
    let options = || FlowStartOptions::new().redirect_auth(app.clone());
    let first = flow.start("step-up").options(options()).send().await.unwrap();
    let done = world.typed(&first, "code", &world.code(ADA).await).await.unwrap();
    let back = done.response().redirect.as_ref().and_then(|redirect| redirect.url.clone()).unwrap();
    let ada = flow.exchange(back, &pkce).await.unwrap();
    assert!(world.claims(&ada).await.is_step_up());

    // What was prepared is used up; without it nobody is known who could step up.
    refused(flow.start("step-up").options(options()).send().await, ErrorKind::InvalidArgument, 400, "E011003");
    // The refresh token itself does as well, for its own user alone.
    let first = flow.start("step-up").refresh_jwt(refresh.clone()).send().await.unwrap();
    let done = world.typed(&first, "code", &world.code(ADA).await).await.unwrap();
    assert!(world.claims(&done.into_authentication().unwrap()).await.is_step_up());
    world.user(BOB, "enabled").await;
    let first = flow.start("step-up").refresh_jwt(refresh).input([("email", BOB)]).send().await.unwrap();
    let refusal = world.typed(&first, "code", &world.code(BOB).await).await;
    refused(refusal, ErrorKind::InvalidArgument, 400, "E011004");
}

#[tokio::test]
async fn a_flow_that_cannot_go_on_says_why() {
    let world = World::start().await;
    let flow = world.descope.flow();
    refused(flow.start("unknown").send().await, ErrorKind::NotFound, 404, "E990404");
    let outdated = flow.start(FLOW).flow_versions([(FLOW, 7)]).send().await;
    refused(outdated, ErrorKind::Api, 400, "E102004");

    let first = flow.start(FLOW).send().await.unwrap();
    refused(world.typed(&first, "email", " ").await, ErrorKind::InvalidArgument, 400, "E011003");
    let response = first.response();
    let (run, at) = (response.execution_id.clone().unwrap(), response.step_id.clone().unwrap());
    let other = flow.next(&run, &at, "cancel").input([("email", ADA)]).send().await;
    refused(other, ErrorKind::InvalidArgument, 400, "E011004");
    refused(flow.next(&run, "code", "submit").send().await, ErrorKind::NotFound, 404, "E102116");
    refused(flow.next("none", &at, "submit").send().await, ErrorKind::NotFound, 404, "E102116");
    let newer = flow.next(&run, &at, "submit").version(2).input([("email", ADA)]).send().await;
    refused(newer, ErrorKind::Api, 400, "E102004");
    // Somebody has changed the flow meanwhile.
    world.import(FLOW, json!({"start": "ask", "steps": {"ask": {"screen": "ask"}}})).await;
    refused(world.typed(&first, "email", ADA).await, ErrorKind::Api, 400, "E102004");

    let circle = json!({"send": {"action": "otp/signup-in/email", "next": "send"}});
    world.import("in-circles", json!({"start": "send", "steps": circle})).await;
    let endless = flow.start("in-circles").input([("email", ADA)]).send().await;
    refused(endless, ErrorKind::InvalidArgument, 400, "E011004");
    assert_eq!(world.messages(), 0, "what is refused has sent nothing");
    world.import("of-one-step", json!({"start": "ask", "steps": {"ask": {"screen": "ask"}}})).await;
    world.import("of-the-console", json!({"tasks": []})).await;
    refused(flow.start("of-the-console").send().await, ErrorKind::Unsupported, 501, "E990501");
    let first = flow.start("of-one-step").send().await.unwrap();
    world.wait(3600);
    refused(world.typed(&first, "email", ADA).await, ErrorKind::Expired, 400, "E103205");
}

#[tokio::test]
async fn a_password_that_is_wrong_is_asked_for_again() {
    let world = World::start().await;
    world.descope.password().sign_up(ADA, "Difference-Engine-2").send().await.unwrap();
    world
        .import(
            "passwords",
            json!({"start": "ask", "steps": {
        "ask": {"screen": "ask", "next": "check"}, "check": {"action": "password/signin", "next": "end"}}}),
        )
        .await;
    let start = || world.descope.flow().start("passwords").input([("email", ADA)]);
    let first = start().send().await.unwrap();
    let again = world.typed(&first, "password", "wrong").await.unwrap();
    assert_eq!(screen(&again).0, "ask");
    let done = world.typed(&again, "password", "Difference-Engine-2").await.unwrap();
    let ada = done.into_authentication().unwrap();
    refresh_of(&ada);
    world.descope.management().users().load(LoginId::new(ADA)).send().await.unwrap();
}

/// Where a browser is that runs a flow.
fn on_the_page() -> FlowStartOptions {
    FlowStartOptions::new().location("https://app.example.com/in?from=mail&code=old#top")
}

#[tokio::test]
async fn a_link_takes_the_run_up_on_the_page_that_it_opens() {
    let world = World::start().await;
    let flow = world.descope.flow();
    let start = || flow.start("sign-up-or-in-magic-link").input([("email", ADA)]).interaction_id("submit");
    // Without a page there is nowhere that a link could lead.
    let nowhere = start().send().await.unwrap();
    assert_eq!(screen(&nowhere), ("link-ask", Some("The options.redirectUrl field is required")));
    let sent = start().options(on_the_page()).send().await.unwrap();
    assert_eq!(screen(&sent), ("link-sent", None));
    let run = sent.response().execution_id.clone().unwrap();
    let mail = world.emulator.inbox().next(ADA).await;
    let link = url::Url::parse(&mail.links[0].url).unwrap();
    let given: Vec<_> = link.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let token = mail.links[0].token.clone();
    let expected = [("from", "mail"), ("descope-login-flow", &*format!("{run}_send")), ("t", &*token)];
    assert_eq!(given, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(link.fragment(), Some("top"));

    // The page that waits asks again and again, and learns nothing.
    let polled = flow.next(&run, "send", "polling").send().await.unwrap();
    assert_eq!(polled.response().action.as_deref(), Some("poll"));
    let wrong = flow.next(&run, "send", "submit").input([("token", "wrong")]).send().await.unwrap();
    assert!(screen(&wrong).1.is_some());
    refused(flow.next(&run, "send", "other").send().await, ErrorKind::InvalidArgument, 400, "E011004");
    let again = flow.next(&run, "send", "resend").send().await.unwrap();
    assert_eq!(screen(&again), ("link-sent", None));
    assert_eq!(world.messages(), 2);

    let done = flow.next(&run, "send", "submit").input([("token", &*token)]).send().await.unwrap();
    assert!(done.into_authentication().unwrap().first_seen());
    let used = start().options(on_the_page()).send().await.unwrap();
    let run = used.response().execution_id.clone().unwrap();
    let used = flow.next(&run, "send", "submit").input([("token", &*token)]).send().await.unwrap();
    assert!(screen(&used).1.is_some(), "a link is good once");
}

#[tokio::test]
async fn what_an_action_is_refused_leaves_nothing_behind() {
    let world = World::start().await;
    let flow = world.descope.flow();
    let first = flow
        .start("sign-up-or-in-passwords")
        .input([("email", ADA), ("password", "short")])
        .interaction_id("sign-up")
        .send()
        .await
        .unwrap();
    assert_eq!(screen(&first).0, "password-ask");
    assert!(screen(&first).1.is_some());
    let ada = world.descope.management().users().load(LoginId::new(ADA)).send().await;
    assert_eq!(ada.unwrap_err().kind(), ErrorKind::NotFound);
    let response = first.response();
    let (run, at) = (response.execution_id.clone().unwrap(), response.step_id.clone().unwrap());
    let typed = |button: &'static str| flow.next(&run, &at, button).input([("password", "Difference-Engine-2")]);
    // Each button of the screen leads to a step of its own.
    assert!(screen(&typed("sign-in").send().await.unwrap()).1.is_some());
    assert!(typed("sign-up").send().await.unwrap().into_authentication().unwrap().first_seen());
}

#[tokio::test]
async fn a_provider_sends_the_browser_back_into_the_run() {
    let world = World::start().await;
    let flow = world.descope.flow();
    let start = || flow.start("sign-up-or-in-social").interaction_id("google").options(on_the_page()).send();
    let begun = start().await.unwrap();
    let response = begun.response();
    assert_eq!((response.action.as_deref(), response.step_id.as_deref()), (Some("redirect"), Some("google")));
    let run = response.execution_id.clone().unwrap();
    let there = response.redirect.as_ref().and_then(|redirect| redirect.url.clone()).unwrap();
    let back = url::Url::parse(&world.emulator.approve(&there, ADA).await.unwrap()).unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let next = |name: &'static str, value: &str| flow.next(&run, "google", "submit").input([(name, value.to_owned())]);
    let done = next("exchangeCode", &code).send().await.unwrap();
    assert_eq!(world.claims(&done.into_authentication().unwrap()).await.factors(), ["oauth"]);

    let begun = start().await.unwrap();
    let run = begun.response().execution_id.clone().unwrap();
    let refusal = flow.next(&run, "google", "submit").input([("exchangeError", "access_denied")]).send().await.unwrap();
    assert_eq!(screen(&refusal), ("social-ask", Some("access_denied")));
    let spent =
        flow.start("sign-up-or-in-social").interaction_id("google").options(on_the_page()).send().await.unwrap();
    let run = spent.response().execution_id.clone().unwrap();
    let spent = flow.next(&run, "google", "submit").input([("exchangeCode", &*code)]).send().await.unwrap();
    assert!(screen(&spent).1.is_some(), "a code is good once");
}

#[tokio::test]
async fn what_a_page_needs_for_its_flows_can_be_read_from_anywhere() {
    let world = World::start().await;
    let get = |path: &str| {
        let url = format!("{}{path}", world.emulator.base_url());
        async move { reqwest::get(url).await.unwrap() }
    };
    let pages = format!("/pages/{}/v2-beta", world.emulator.project_id());
    let config = get(&format!("{pages}/config.json")).await;
    assert_eq!(config.headers()["access-control-allow-origin"], "*");
    let config: Value = config.json().await.unwrap();
    assert_eq!(
        config["flows"][FLOW],
        json!({"version": 1, "startScreenId": "ask", "startScreenName": "What is your email address?"})
    );
    assert_eq!(config["flows"]["step-up"], json!({"version": 1}), "it begins with no screen");
    for flow in config["flows"].as_object().unwrap().values() {
        let Some(screen) = flow["startScreenId"].as_str() else { continue };
        let page = get(&format!("{pages}/{screen}.html")).await.text().await.unwrap();
        assert!(page.contains("<button id="), "{page}");
    }
    let theme = || async { get(&format!("{pages}/theme.json")).await.json::<Value>().await.unwrap() };
    assert_eq!(theme().await, Value::Null, "there is no style sheet for the component to wait with");
    let styles = json!({"light": {"globals": "* {}", "components": {"button": "x"}}});
    let bundle = serde_json::from_value(json!({"styles": styles, "componentsVersion": "2"})).unwrap();
    world.descope.management().themes().import(bundle).send().await.unwrap();
    assert_eq!(theme().await["light"], styles["light"]);
    let library =
        format!("/npm/@descope/web-components-ui@{}/dist/umd/index.js", config["componentsVersion"].as_str().unwrap());
    assert!(get(&library).await.text().await.unwrap().contains("DescopeUI"));
    for nothing in [format!("{pages}/none.html"), format!("{pages}/none"), "/npm/left-pad@1/index.js".to_owned()] {
        assert_eq!(get(&nothing).await.status(), 404, "{nothing}");
    }
}
