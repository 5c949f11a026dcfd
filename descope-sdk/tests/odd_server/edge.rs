//! Input that can never be right is refused before anything is sent.

use std::future::Future;

use descope_sdk::{
    DeliveryMethod, Descope, ErrorKind, LoginId, PendingCodeState, PendingLinkState, Result, UserId,
    management::TestUserLink,
};

use crate::{PROJECT, Server, Then};

async fn refuses<T>(argument: &str, call: impl Future<Output = Result<T>>) {
    let Err(error) = call.await else {
        panic!("{argument} was accepted");
    };
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert_eq!(error.argument(), Some(argument));
}

#[tokio::test]
async fn flow_that_ends_gives_the_session_wherever_the_tokens_are() {
    let body = r#"{"executionId":"ex","status":"completed","authInfo":{"user":{"name":"Ada"}}}"#;
    let cookies = "set-cookie: DS=session; Path=/\r\nset-cookie: DSR=refresh; Path=/\r\n";
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n{cookies}");
    let server = Server::start(format!("{head}content-length: {}\r\n\r\n{body}", body.len()), Then::Close).await;
    let step = server.client().build().unwrap().flow().next("ex", "1", "submit").send().await.unwrap();
    let ada = step.authentication().expect("a session");
    assert_eq!((ada.session_jwt().expose(), ada.refresh_jwt().unwrap().expose()), ("session", "refresh"));

    for unfinished in [r#"{"executionId":"ex","status":"waiting"}"#, r#"{"status":"completed","authInfo":{}}"#] {
        let server = Server::answering("200 OK", unfinished).await;
        let step = server.client().build().unwrap().flow().start("sign-in").send().await.unwrap();
        assert!(step.authentication().is_none() && step.response().auth_info.is_none());
        assert!(step.into_authentication().is_none());
    }
}

#[tokio::test]
async fn nothing_is_sent_with_bad_input() {
    let server = Server::answering("200 OK", "{}").await;
    let descope = server.client().management_key("K2RmxQ7w8E9r0T1y2U3i4O5p6As").build().unwrap();
    let (id, jwt) = ("ada@example.com", "eyJh.eyJk.c2ln");

    for blank in ["", " \t", "ada\n"] {
        let otp = || descope.otp().channel(DeliveryMethod::Sms, blank);
        refuses("login_id", otp().sign_up().send()).await;
        refuses("login_id", otp().sign_in().send()).await;
        refuses("login_id", otp().sign_up_or_in().send()).await;
        refuses("login_id", otp().verify("123456")).await;
        refuses("address", otp().update(id, jwt).send()).await;
        refuses("login_id", descope.otp().email(id).update(blank, jwt).send()).await;
        refuses("address", descope.otp().email(id).sign_up().address(blank).send()).await;
        refuses("code", descope.otp().email(id).verify(blank)).await;

        let otp_by_email = descope.otp().email(id);
        let magic = descope.magic_link();
        refuses("login_id", magic.email(blank).sign_up().send()).await;
        refuses("login_id", magic.sms(blank).sign_in().send()).await;
        refuses("address", magic.sms(blank).update(id, jwt).send()).await;
        refuses("redirect_url", magic.email(id).sign_in().redirect_url(blank).send()).await;
        refuses("token", magic.verify(blank)).await;

        let enchanted = descope.enchanted_link();
        refuses("login_id", enchanted.sign_up(blank).send()).await;
        refuses("login_id", enchanted.sign_in(LoginId::new(blank)).send()).await;
        refuses("email", enchanted.sign_up(id).email(blank).send()).await;
        refuses("address", enchanted.email(blank).update(id, jwt).send()).await;
        refuses("token", enchanted.verify(blank)).await;

        // What is set besides counts as well: a blank tenant would be no tenant.
        refuses("tenant_id", otp_by_email.clone().sign_up().tenant_id(blank).send()).await;
        refuses("template_id", otp_by_email.clone().sign_in().template_id(blank).send()).await;
        refuses("tenant_id", magic.email(id).sign_up().tenant_id(blank).send()).await;
        refuses("sso_app_id", magic.email(id).sign_in().sso_app_id(blank).send()).await;
        refuses("template_id", enchanted.sign_up(id).template_id(blank).send()).await;
        refuses("tenant_id", enchanted.sign_in(id).tenant_id(blank).send()).await;
        let passwords = descope.password();
        refuses("tenant_id", passwords.sign_up(id, "Difference-Engine-2").tenant_id(blank).send()).await;
        refuses("tenant_id", passwords.sign_in(id, "Difference-Engine-2").tenant_id(blank).send()).await;
        refuses("tenant_id", descope.notp().sign_up().tenant_id(blank).send()).await;
        let webauthn = descope.webauthn();
        refuses("tenant_id", webauthn.sign_up(id, "https://app.example.com").tenant_id(blank).send()).await;
        refuses("tenant_id", webauthn.sign_in(id, "https://app.example.com").tenant_id(blank).send()).await;

        let (oauth, sso) = (descope.oauth(), descope.sso());
        refuses("login_hint", oauth.start("google").login_hint(blank).send()).await;
        refuses("initiated_email", oauth.sign_in("google").initiated_email(blank).send()).await;
        refuses("login_hint", oauth.update("google", jwt).login_hint(blank).send()).await;
        refuses("initiated_email", oauth.update("google", jwt).initiated_email(blank).send()).await;
        refuses("sso_id", sso.start("acme").sso_id(blank).send()).await;
        refuses("login_hint", sso.start("acme").login_hint(blank).send()).await;
        refuses("initiated_email", sso.start("acme").initiated_email(blank).send()).await;
        refuses("app_id", descope.outbound().connect(blank, jwt).send()).await;
        refuses("tenant_id", descope.outbound().connect("calendar", jwt).tenant_id(blank).send()).await;
        let flow = descope.flow();
        refuses("flow_id", flow.start(blank).send()).await;
        refuses("execution_id", flow.next(blank, "1", "submit").send()).await;
        refuses("step_id", flow.next("ex", blank, "submit").send()).await;
        refuses("interaction_id", flow.next("ex", "1", blank).send()).await;

        let questions = descope.security_questions();
        refuses("login_id", questions.setup(blank, jwt).answer("a", "b").send()).await;
        refuses("question_id", questions.verify(id, jwt).answer(blank, "b").send()).await;
        refuses("answer", questions.verify(id, jwt).answer("a", blank).send()).await;

        let management = descope.management();
        refuses("login_id", management.users().create(LoginId::new(blank)).send()).await;
        refuses("user", management.users().load(LoginId::new(blank)).send()).await;
        refuses("user", management.users().load(UserId::new(blank)).send()).await;
        refuses("user", management.users().delete(LoginId::new(blank)).send()).await;
        refuses("login_id", management.embedded_links().sign_in(LoginId::new(blank)).send()).await;
        refuses("login_id", management.test_users().generate_otp(LoginId::new(blank), DeliveryMethod::Email).send())
            .await;
        refuses("name", management.access_keys().create(blank).send()).await;
        refuses("id", management.access_keys().delete(blank).send()).await;
        refuses("tenant_id", descope.session().select_tenant(jwt, blank)).await;
    }
    for bad in ["", " ", "a b", "a\nb", "a:b", "é"] {
        refuses("refresh_jwt", descope.otp().email(id).sign_in().step_up(bad).send()).await;
        refuses("refresh_jwt", descope.otp().email("b@example.com").update(id, bad).send()).await;
        refuses("refresh_jwt", descope.magic_link().email(id).sign_up_or_in().mfa(bad).send()).await;
        refuses("refresh_jwt", descope.security_questions().get(bad)).await;
        refuses("refresh_jwt", descope.session().refresh(bad)).await;
        refuses("refresh_jwt", descope.session().try_refresh(bad)).await;
        refuses("refresh_jwt", descope.session().logout(bad)).await;
        refuses("refresh_jwt", descope.session().me(bad)).await;
        refuses("session_jwt", descope.session().validate_remotely(bad)).await;
        refuses("access_key", descope.access_key().exchange(bad).send()).await;
    }
    refuses("answers", descope.security_questions().setup(id, jwt).send()).await;
    refuses("tenant_id", descope.outbound().connect("calendar", jwt).tenant_level(true).send()).await;
    let state: PendingCodeState = serde_json::from_str(r#"{"method":"email","login_id":""}"#).unwrap();
    refuses("login_id", descope.otp().resume(state).verify("123456")).await;
    let state: PendingLinkState = serde_json::from_str(r#"{"pending_ref":"","link_id":""}"#).unwrap();
    refuses("pending_ref", descope.enchanted_link().resume(state).wait()).await;
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn management_without_a_key_names_both_ways_to_give_one() {
    let server = Server::answering("200 OK", "{}").await;
    let management = server.client().build().unwrap().management();
    let error = management.test_users().delete_all().send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let text = error.to_string();
    assert!(text.contains("DESCOPE_MANAGEMENT_KEY") && text.contains("Descope::builder(..).management_key(..)"));
    let link: Result<TestUserLink> =
        management.test_users().generate_embedded_link(LoginId::new("ada@example.com")).send().await;
    assert_eq!(link.unwrap_err().argument(), Some("management_key"));
    assert_eq!(server.requests(), 0);
}

#[test]
fn futures_can_be_spawned() {
    fn spawnable<T: Send + 'static>(_: T) {}
    let descope = Descope::builder(PROJECT).build().unwrap();
    spawnable(descope.otp().email("a").sign_up().send());
    spawnable(descope.enchanted_link().sign_in("a").send());
    spawnable(descope.magic_link().email("a").sign_in().send());
    spawnable(descope.access_key().exchange("a").send());
    spawnable(descope.management().users().create(LoginId::new("a")).send());
    let link: PendingLinkState = serde_json::from_str(r#"{"pending_ref":"a","link_id":"1"}"#).unwrap();
    let link = descope.enchanted_link().resume(link);
    spawnable(async move { link.wait().await });
}
