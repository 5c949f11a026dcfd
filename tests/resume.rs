//! What waits can be put away and finished by another client, in another process too.

use descope_sdk::{Descope, LoginId, PendingCodeState, PendingLinkState};
use serde_json::{Value, json};

use crate::{
    another_process,
    world::{ADA, PHONE, World},
};

#[tokio::test]
async fn a_pending_link_is_finished_by_another_client() {
    let world = World::start().await;
    let pending = world.descope.enchanted_link().sign_up_or_in(ADA).send().await.unwrap();
    let stored = serde_json::to_string(&pending).unwrap();
    assert_eq!(stored, serde_json::to_string(pending.state()).unwrap());
    let right = world.mail(ADA).await.link(pending.link_id()).unwrap().token.clone();
    let (link_id, masked) = (pending.link_id().to_owned(), pending.masked_address().map(str::to_owned));
    drop(pending);

    let elsewhere = world.emulator.descope_builder().build().unwrap();
    let state: PendingLinkState = serde_json::from_str(&stored).unwrap();
    let pending = elsewhere.enchanted_link().resume(state);
    assert_eq!((pending.link_id(), pending.masked_address().map(str::to_owned)), (&*link_id, masked));
    assert!(pending.check().await.unwrap().is_none());
    world.descope.enchanted_link().verify(right).await.unwrap();
    let ada = pending.wait().await.unwrap();
    assert_eq!(ada.user().unwrap().email.as_deref(), Some(ADA));
}

#[tokio::test]
async fn a_pending_code_is_finished_by_another_client() {
    let world = World::start().await;
    let pending = world.descope.otp().whatsapp("countess").sign_up().address(PHONE).send().await.unwrap();
    let stored = serde_json::to_string(&pending).unwrap();
    assert_eq!(stored, serde_json::to_string(pending.state()).unwrap());
    let before = pending.state().clone();
    drop(pending);

    let elsewhere = world.emulator.descope_builder().build().unwrap();
    let state: PendingCodeState = serde_json::from_str(&stored).unwrap();
    assert_eq!(state, before);
    let pending = elsewhere.otp().resume(state);
    assert_eq!(pending.masked_address(), before.masked_address());
    let ada = pending.verify(world.code(PHONE).await).await.unwrap();
    assert_eq!(ada.user().unwrap().login_ids, ["countess"]);
    assert_eq!(world.calls("otpVerifyWhatsapp"), 1, "the channel is remembered");
}

#[tokio::test]
async fn what_test_users_wait_for_is_put_away_alike() {
    let world = World::start().await;
    let tests = world.descope.management().test_users();
    tests.create(LoginId::new(ADA)).send().await.unwrap();
    let enchanted = tests.generate_enchanted_link(LoginId::new(ADA)).send().await.unwrap();
    let stored = serde_json::to_string(enchanted.pending()).unwrap();
    let elsewhere = world.emulator.descope_builder().build().unwrap();
    elsewhere.enchanted_link().verify(enchanted.link().token()).await.unwrap();
    let pending = elsewhere.enchanted_link().resume(serde_json::from_str(&stored).unwrap());
    assert!(pending.check().await.unwrap().is_some());
}

#[test]
fn what_was_put_away_by_another_release_is_read() {
    let link: PendingLinkState = serde_json::from_str(r#"{"pending_ref":"a","link_id":"42","new":{"x":1}}"#).unwrap();
    assert_eq!((link.pending_ref().expose(), link.link_id(), link.masked_address()), ("a", "42", None));
    let code: PendingCodeState = serde_json::from_str(r#"{"method":"sms","login_id":"a","new":[]}"#).unwrap();
    assert_eq!((code.login_id(), code.masked_address(), code.attempts()), ("a", None, None));
    for broken in [r#"{"link_id":"42"}"#, r#"{"pending_ref":"a"}"#, "{}", "[]", r#"{"pending_ref":1,"link_id":"42"}"#] {
        assert!(serde_json::from_str::<PendingLinkState>(broken).is_err(), "{broken}");
    }
    for broken in [r#"{"method":"pigeon","login_id":"a"}"#, r#"{"method":"sms"}"#, "{}"] {
        assert!(serde_json::from_str::<PendingCodeState>(broken).is_err(), "{broken}");
    }
}

/// The job and a client for it, when this process is the other one.
fn job(name: &str) -> Option<(Descope, Value)> {
    let job = another_process::job(name)?;
    let text = |name: &str| job[name].as_str().expect("text").to_owned();
    Some((Descope::builder(text("project")).base_url(text("base_url")).build().expect("a client"), job))
}

/// Who was signed in, in the other process.
async fn in_another_process(name: &'static str, job: Value) -> String {
    let text = another_process::run(name, job).await;
    let line = text.lines().find_map(|line| line.split_once("signed in: ")).map(|(_, user)| user.to_owned());
    line.unwrap_or_else(|| panic!("it told nothing: {text}"))
}

#[tokio::test]
async fn a_pending_link_is_finished_in_another_process() {
    let name = "resume::a_pending_link_is_finished_in_another_process";
    if let Some((descope, job)) = job(name) {
        let state: PendingLinkState = serde_json::from_value(job["state"].clone()).unwrap();
        let ada = descope.enchanted_link().resume(state).wait().await.unwrap();
        println!("signed in: {}", ada.user().unwrap().user_id.as_deref().unwrap());
        return;
    }
    let world = World::start().await;
    let pending = world.descope.enchanted_link().sign_up_or_in(ADA).send().await.unwrap();
    let right = world.mail(ADA).await.link(pending.link_id()).unwrap().token.clone();
    world.descope.enchanted_link().verify(right).await.unwrap();
    let job = json!({"project": world.emulator.project_id(), "base_url": world.emulator.base_url(), "state": pending});
    let user = in_another_process(name, job).await;
    let loaded = world.descope.management().users().load(LoginId::new(ADA)).send().await.unwrap();
    assert_eq!(loaded.user_id, Some(user));
}

#[tokio::test]
async fn a_pending_code_is_finished_in_another_process() {
    let name = "resume::a_pending_code_is_finished_in_another_process";
    if let Some((descope, job)) = job(name) {
        let state: PendingCodeState = serde_json::from_value(job["state"].clone()).unwrap();
        let ada = descope.otp().resume(state).verify(job["code"].as_str().unwrap()).await.unwrap();
        println!("signed in: {}", ada.user().unwrap().user_id.as_deref().unwrap());
        return;
    }
    let world = World::start().await;
    let pending = world.descope.otp().email(ADA).sign_up().send().await.unwrap();
    let (project, base_url) = (world.emulator.project_id(), world.emulator.base_url());
    let code = world.code(ADA).await;
    let job = json!({"project": project, "base_url": base_url, "state": pending, "code": code});
    let user = in_another_process(name, job).await;
    let loaded = world.descope.management().users().load(LoginId::new(ADA)).send().await.unwrap();
    assert_eq!(loaded.user_id, Some(user));
}
