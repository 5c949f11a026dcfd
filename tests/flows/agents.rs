//! Programs that get tokens by OAuth: for themselves, and for users who approve elsewhere.

use std::time::Duration;

use descope_sdk::{
    Agent, ErrorCode, ErrorKind, PendingApprovalState, PollOptions, Result, api::types::ApplicationScope,
    management::third_party_application::Create,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    polling::{Log, pumped},
    world::{ADA, World, refused_here},
};

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

fn of<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// An application that asks for `read`, and whatever else is set of it.
async fn agent(world: &World, name: &str, set: impl FnOnce(Create) -> Create) -> Agent {
    let scope: ApplicationScope = of(json!({"name": "read", "description": "Read reports", "values": ["Reports"]}));
    let management = world.descope.management();
    let _ = management.permissions().create("Reports").send().await;
    let create = management.third_party_applications().create(name).permissions_scopes([scope]);
    let app = set(create).send().await.unwrap();
    world.descope.agent(app.client_id).client_secret(app.cleartext)
}

/// Checks that the service has refused in the words of OAuth.
#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T>, kind: ErrorKind, word: &str) {
    let error = outcome.expect_err("accepted");
    assert_eq!((error.kind(), error.code().map(ErrorCode::as_str)), (kind, Some(word)), "{error:?}");
    assert!(error.status().is_some() && error.operation().is_some(), "{error:?}");
}

#[tokio::test]
async fn an_application_gets_a_token_for_itself_once_for_all_who_ask() {
    let world = World::start().await;
    let agent = agent(&world, "Reporter", |app| app).await;
    let token = agent.client_credentials().scope("read").send().await.unwrap();
    assert_eq!((token.scope(), token.refresh_token(), token.id_token()), (Some("read"), None, None));
    assert!(token.expires_in().is_some_and(|life| life > Duration::from_secs(60)));
    refused(agent.client_credentials().scope("write").send().await, ErrorKind::InvalidArgument, "invalid_scope");
    let wrong = agent.clone().client_secret("wrong");
    refused(wrong.client_credentials().send().await, ErrorKind::Unauthorized, "invalid_client");
    refused(wrong.client_credentials().keep().unwrap().token().await, ErrorKind::Unauthorized, "invalid_client");

    let before = world.calls("federationInboundAppToken");
    let tokens = agent.client_credentials().scope("read").keep().unwrap();
    assert_eq!(world.calls("federationInboundAppToken"), before, "nothing is sent before it is needed");
    let all: Vec<_> = (0..20)
        .map(|_| {
            let tokens = tokens.clone();
            tokio::spawn(async move { tokens.access_token().await.unwrap() })
        })
        .collect();
    let first = tokens.access_token().await.unwrap();
    for one in all {
        assert_eq!(one.await.unwrap(), first);
    }
    assert_eq!(world.calls("federationInboundAppToken"), before + 1);
    tokens.forget();
    assert_ne!(tokens.access_token().await.unwrap(), first);
    assert_eq!(world.calls("federationInboundAppToken"), before + 2);
}

#[tokio::test]
async fn a_device_gets_its_token_when_the_user_has_approved() {
    let world = World::start().await;
    let agent = agent(&world, "Reporter", |app| app).await;
    let pending = agent.device().scope("openid read").send().await.unwrap();
    let code = pending.user_code().unwrap().to_owned();
    assert!(pending.verification_uri_complete().unwrap().starts_with(pending.verification_uri().unwrap()));
    assert_eq!(pending.expires_in(), Duration::from_secs(1800));
    assert!(pending.check().await.unwrap().is_none());
    refused(pending.check().await, ErrorKind::RateLimited, "slow_down");
    // Another process goes on.
    let state: PendingApprovalState = of(serde_json::to_value(&pending).unwrap());
    assert_eq!(&state, pending.state());
    world.wait(60);
    assert!(world.emulator.approve_device(&code, ADA));
    let token = agent.resume(state).wait().await.unwrap();
    assert!(token.id_token().is_some());
    refused(pending.check().await, ErrorKind::Unauthorized, "invalid_grant");

    // The token is renewed by what came with it, which changes each time.
    let tokens = agent.keep(token.clone()).unwrap();
    assert_eq!(&tokens.access_token().await.unwrap(), token.access_token());
    for _ in 0..3 {
        let former = tokens.token().await.unwrap();
        tokens.forget();
        let next = tokens.token().await.unwrap();
        assert_ne!(former.access_token(), next.access_token());
        assert_ne!(former.refresh_token(), next.refresh_token());
    }

    let pending = agent.device().send().await.unwrap();
    assert!(world.emulator.refuse_device(pending.user_code().unwrap()));
    let denied = pending.wait().await.unwrap_err();
    assert_eq!(denied.retry_after(), None, "nothing is to be tried again");
    refused(Err::<(), _>(denied), ErrorKind::Forbidden, "access_denied");
    let pending = agent.device().send().await.unwrap();
    world.wait(1801);
    refused(pending.wait().await, ErrorKind::Expired, "expired_token");
    let error = world.descope.agent("nobody").device().send().await;
    refused(error, ErrorKind::Unauthorized, "invalid_client");
}

#[tokio::test]
async fn the_service_is_asked_as_often_as_it_wants_and_less_when_it_says_so() {
    let world = World::start().await;
    let agent = agent(&world, "Reporter", |app| app).await;
    let pending = agent.device().scope("read").send().await.unwrap();
    let log = Log::default();
    let options = log.options(PollOptions::new());
    let token = pumped(&log, pending.wait_with(&options), async |attempts| match attempts {
        // The clock of the service does not move at first, so that it takes the client for impatient.
        1 | 2 => {}
        3 => world.wait(60),
        4 => {
            world.wait(60);
            assert!(world.emulator.approve_device(pending.user_code().unwrap(), ADA));
        }
        _ => panic!("asked {attempts} times"),
    });
    token.await.unwrap();
    let told = log.told();
    let least: Vec<u64> = told.iter().map(|told| told.next_in.as_secs()).collect();
    assert_eq!(least, [5, 10, 15, 15]);
    assert_eq!(told[1].problem, Some(ErrorKind::RateLimited));
    assert_eq!(told[3].problem, None);
}

#[tokio::test]
async fn a_user_is_asked_on_another_device() {
    let world = World::start().await;
    world.refresh_jwt(ADA).await;
    let plain = agent(&world, "Plain", |app| app).await;
    refused(plain.backchannel(ADA, "openid").send().await, ErrorKind::Forbidden, "unauthorized_client");
    let agent = agent(&world, "Reporter", |app| app.ciba_settings(of(json!({"enabled": true})))).await;
    let pending = agent.backchannel(ADA, "openid read").binding_message("Report 4711").send().await.unwrap();
    assert_eq!((pending.user_code(), pending.verification_uri()), (None, None));
    assert!(pending.check().await.unwrap().is_none());
    assert!(world.emulator.approve_backchannel(ADA));
    world.wait(60);
    assert_eq!(pending.wait().await.unwrap().scope(), Some("openid read"));

    let pending = agent.backchannel(ADA, "openid").send().await.unwrap();
    assert!(world.emulator.refuse_backchannel(ADA));
    refused(pending.wait().await, ErrorKind::Forbidden, "access_denied");
    let pending = agent.backchannel(ADA, "openid").requested_expiry(Duration::from_secs(30)).send().await.unwrap();
    assert_eq!(pending.expires_in(), Duration::from_secs(30));
    world.wait(31);
    refused(pending.check().await, ErrorKind::Expired, "expired_token");
    refused(agent.backchannel("nobody", "openid").send().await, ErrorKind::NotFound, "unknown_user_id");
}

#[tokio::test]
async fn tokens_and_assertions_are_exchanged() {
    let world = World::start().await;
    let project = world.emulator.project_id().to_owned();
    let keys = format!("{}/v2/keys/{project}", world.emulator.base_url());
    let issuers = json!({"issuers": {project.as_str(): {"jwksUri": keys, "signAlgorithm": "RS256"}}});
    let agent = agent(&world, "Reporter", |app| app.jwt_bearer_settings(of(issuers))).await;
    let ada = world.signed_in(ADA).await;
    // The user has agreed to the application before.
    let pending = agent.device().scope("openid read").send().await.unwrap();
    assert!(world.emulator.approve_device(pending.user_code().unwrap(), ADA));
    pending.wait().await.unwrap();

    let token = agent.jwt_bearer(ada.session_jwt()).scope("read").send().await.unwrap();
    assert_eq!((token.scope(), token.refresh_token()), (Some("read"), None));
    let bad = agent.jwt_bearer("e30.eyJpc3MiOiJodHRwczovL2V2aWwuZXhhbXBsZS5jb20ifQ.x");
    refused(bad.send().await, ErrorKind::Unauthorized, "invalid_grant");

    let exchange = agent.exchange(ada.session_jwt(), ACCESS_TOKEN).scope("read");
    let token = exchange.clone().send().await.unwrap();
    assert_eq!(token.issued_token_type(), Some(ACCESS_TOKEN));
    let tokens = exchange.keep().unwrap();
    assert_eq!(tokens.access_token().await.unwrap(), tokens.access_token().await.unwrap());
    let narrow = agent.exchange(token.access_token(), ACCESS_TOKEN).send().await.unwrap();
    assert_eq!(narrow.scope(), Some("read"));
    let wide = agent.exchange(token.access_token(), ACCESS_TOKEN).scope("openid").send().await;
    refused(wide, ErrorKind::InvalidArgument, "invalid_scope");
    let odd = agent.exchange(token.access_token(), "urn:x").send().await;
    refused(odd, ErrorKind::InvalidArgument, "invalid_request");
}

#[tokio::test]
async fn what_can_never_be_right_is_not_sent() {
    let world = World::start().await;
    let agent = world.descope.agent("client").client_secret("secret");
    let kind = ErrorKind::InvalidArgument;
    for blank in ["", " ", "a\nb"] {
        refused_here(world.descope.agent(blank).client_credentials().send().await, kind, "client_id");
        refused_here(world.descope.agent(blank).device().send().await, kind, "client_id");
        refused_here(world.descope.agent(blank).client_credentials().keep(), kind, "client_id");
        refused_here(agent.clone().client_secret(blank).client_credentials().send().await, kind, "client_secret");
        refused_here(agent.clone().client_assertion(blank).device().send().await, kind, "client_assertion");
        refused_here(agent.jwt_bearer(blank).send().await, kind, "assertion");
        refused_here(agent.exchange(blank, ACCESS_TOKEN).send().await, kind, "subject_token");
        refused_here(agent.exchange("token", blank).send().await, kind, "subject_token_type");
        refused_here(agent.code(blank, "verifier").send().await, kind, "code");
        refused_here(agent.code("code", blank).send().await, kind, "code_verifier");
        refused_here(agent.refresh(blank).send().await, kind, "refresh_token");
        refused_here(agent.backchannel(blank, "openid").send().await, kind, "login_hint");
        refused_here(agent.backchannel(ADA, blank).send().await, kind, "scope");
    }
    for odd in [Duration::ZERO, Duration::from_millis(999), Duration::MAX] {
        let asked = agent.backchannel(ADA, "openid").requested_expiry(odd).send().await;
        refused_here(asked, kind, "requested_expiry");
    }
    refused_here(agent.code("code", "verifier").keep(), kind, "code");
    refused_here(agent.refresh("token").keep(), kind, "refresh_token");
    assert_eq!(world.calls("federationInboundAppToken") + world.calls("federationInboundAppDevice"), 0);
}
