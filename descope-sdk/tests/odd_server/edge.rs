//! Input that can never be right is refused before anything is sent.

use std::future::Future;

use descope_sdk::{
    DeliveryMethod, Descope, ErrorKind, LoginId, PendingCodeState, PendingLinkState, Result, UserId,
    management::TestUserLink,
};

use crate::{PROJECT, Server};

async fn refuses<T>(argument: &str, call: impl Future<Output = Result<T>>) {
    let Err(error) = call.await else {
        panic!("{argument} was accepted");
    };
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert_eq!(error.argument(), Some(argument));
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
