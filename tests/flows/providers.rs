//! Accounts at providers: social ones, those of customers, what phones have built in, and outbound applications.

use descope_sdk::{
    ErrorKind, LoginId, Redirect, RedirectState,
    api::types::{SsoRoleMapping, SsoSamlSettings},
};

use crate::world::{ADA, BOB, World, refresh_of, refused, refused_here};

const PAGE: &str = "https://app.example.com/back?next=home";

impl World {
    async fn back(&self, redirect: &Redirect, email: &str) -> String {
        self.emulator.approve(redirect.url(), email).await.expect("the browser comes back")
    }
}

#[tokio::test]
async fn an_account_at_a_provider_signs_up_and_in() {
    let world = World::start().await;
    let oauth = world.descope.oauth();
    let redirect = oauth.start("google").redirect_url(PAGE).login_hint(ADA).custom_claim("a", 1).send().await.unwrap();
    let back = world.back(&redirect, ADA).await;
    assert!(back.starts_with("https://app.example.com/back?next=home&"));
    let ada = oauth.exchange(back.as_str()).await.unwrap();
    assert!(ada.first_seen());
    assert_eq!(world.claims(&ada).await.claim("nsec").unwrap()["a"], 1);
    refused(oauth.exchange(back).await, ErrorKind::Expired, 401, "E062504");
    // The code alone, as a framework hands it over.
    let redirect = oauth.sign_in("google").redirect_url(PAGE).send().await.unwrap();
    let back = url::Url::parse(&world.back(&redirect, ADA).await).unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    assert!(!oauth.exchange(code).await.unwrap().first_seen());
}

#[tokio::test]
async fn who_may_come_in_by_a_provider_is_kept_to() {
    let world = World::start().await;
    let oauth = world.descope.oauth();
    let redirect = oauth.sign_in("github").redirect_url(PAGE).send().await.unwrap();
    let back = world.back(&redirect, ADA).await;
    refused(oauth.exchange(back).await, ErrorKind::NotFound, 400, "E062108");
    let redirect = oauth.sign_up("github").redirect_url(PAGE).send().await.unwrap();
    let back = world.back(&redirect, ADA).await;
    oauth.exchange(back).await.unwrap();
    let redirect = oauth.sign_up("github").redirect_url(PAGE).send().await.unwrap();
    let back = world.back(&redirect, ADA).await;
    refused(oauth.exchange(back).await, ErrorKind::AlreadyExists, 400, "E062107");
}

#[tokio::test]
async fn a_refusal_at_the_provider_is_an_error_before_any_exchange() {
    let world = World::start().await;
    let redirect = world.descope.oauth().start("google").redirect_url(PAGE).send().await.unwrap();
    let back = world.emulator.refuse(redirect.url()).await.unwrap();
    let error = world.descope.oauth().exchange(back).await.unwrap_err();
    assert_eq!((error.kind(), error.message(), error.status()), (ErrorKind::Api, Some("access_denied"), None));
    assert_eq!(world.calls("oauthExchange"), 0);
}

#[tokio::test]
async fn the_state_ties_the_return_to_the_start() {
    let world = World::start().await;
    let oauth = world.descope.oauth();
    let redirect = oauth.start("google").redirect_url(PAGE).with_state().send().await.unwrap();
    let kept: Redirect = serde_json::from_str(&serde_json::to_string(&redirect).unwrap()).unwrap();
    assert_eq!(kept, redirect);
    let state: RedirectState = kept.state().unwrap().clone();
    let back = world.back(&redirect, ADA).await;
    oauth.exchange(state.accept(&back).unwrap()).await.unwrap();
    // Somebody else's link, with a code of their own.
    let other = oauth.start("google").redirect_url(PAGE).with_state().send().await.unwrap();
    let other = world.back(&other, BOB).await;
    refused_here(state.accept(&other), ErrorKind::InvalidArgument, "state");
    let without = oauth.start("google").with_state().send().await;
    refused_here(without, ErrorKind::InvalidArgument, "redirect_url");
}

#[tokio::test]
async fn an_account_is_connected_to_the_user_who_is_signed_in() {
    let world = World::start().await;
    let (oauth, ada) = (world.descope.oauth(), world.refresh_jwt(ADA).await);
    let redirect = oauth.update("github", &ada).redirect_url(PAGE).send().await.unwrap();
    let back = world.back(&redirect, ADA).await;
    assert!(!oauth.exchange(back).await.unwrap().first_seen());
    let user = world.descope.management().users().load(LoginId::new(ADA)).send().await.unwrap();
    assert!(user.oauth["github"]);
    let stepped = oauth.start("github").redirect_url(PAGE).step_up(&ada).send().await.unwrap();
    let back = world.back(&stepped, ADA).await;
    let stepped = oauth.exchange(back).await.unwrap();
    assert_eq!(world.claims(&stepped).await.claim("su").unwrap(), &true);
    let kind = ErrorKind::InvalidArgument;
    refused_here(oauth.update("github", "").send().await, kind, "refresh_jwt");
    refused_here(oauth.start(" ").send().await, kind, "provider");
    refused_here(oauth.start("github").redirect_url("").send().await, kind, "redirect_url");
    refused_here(oauth.exchange("").await, kind, "code");
    refused_here(oauth.exchange(PAGE).await, kind, "code");
}

#[tokio::test]
async fn a_phone_signs_in_with_what_it_has_built_in() {
    let world = World::start().await;
    let native = world.descope.oauth().native();
    let pending = native.start("google").implicit(true).send().await.unwrap();
    let token = world.emulator.provider_id_token(ADA, "Ada", pending.nonce()).unwrap();
    let ada = native.finish(&pending).id_token(token.as_str()).send().await.unwrap();
    assert!(ada.first_seen());
    let late = native.finish(&pending).id_token(token.as_str()).send().await.unwrap_err();
    assert!(late.is_refusal_of_the_service(), "{late:?}");
    refused_here(native.finish(&pending).send().await, ErrorKind::InvalidArgument, "id_token");
    refused_here(native.start("").send().await, ErrorKind::InvalidArgument, "provider");

    let one_tap = world.descope.one_tap();
    assert!(!one_tap.client_id("google").await.unwrap().is_empty());
    let token = world.emulator.provider_id_token(ADA, "Ada", Some("n1")).unwrap();
    let again = one_tap.sign_in("google", token.as_str()).nonce("n1").exchange().await.unwrap();
    assert!(!again.first_seen());
    let code = one_tap.sign_in("google", token.as_str()).nonce("n1").verify().await.unwrap();
    world.descope.oauth().exchange(code).await.unwrap();
    let other = one_tap.sign_in("google", token.as_str()).nonce("n2").exchange().await.unwrap_err();
    assert!(other.is_refusal_of_the_service(), "{other:?}");
    refused_here(one_tap.sign_in("google", "").exchange().await, ErrorKind::InvalidArgument, "id_token");
    refused_here(one_tap.sign_in("", "x").verify().await, ErrorKind::InvalidArgument, "provider");
    refused_here(one_tap.client_id(" ").await, ErrorKind::InvalidArgument, "provider");
}

/// That the service said no, whatever its code.
trait Refused {
    fn is_refusal_of_the_service(&self) -> bool;
}

impl Refused for descope_sdk::Error {
    fn is_refusal_of_the_service(&self) -> bool {
        self.code().is_some() && self.status().is_some_and(|status| status.is_client_error())
    }
}

#[tokio::test]
async fn members_of_a_tenant_sign_in_with_the_provider_of_their_company() {
    let world = World::start().await;
    let management = world.descope.management();
    management.tenants().create("Engines").id("engines").send().await.unwrap();
    management.roles().create("Reader").tenant_id("engines").send().await.unwrap();
    let settings = SsoSamlSettings::new("https://idp.example.com/sso", "entity", "certificate")
        .role_mappings([SsoRoleMapping::new().groups(["staff"]).role_name("Reader")]);
    management.sso().configure_saml("engines", settings).domains(["example.com"]).send().await.unwrap();
    for (sso, tenant) in
        [(world.descope.sso(), "engines"), (world.descope.sso(), ADA), (world.descope.sso().saml(), ADA)]
    {
        let redirect = sso.start(tenant).redirect_url(PAGE).login_hint(ADA).force_authn(true).send().await.unwrap();
        let choice = [("outcome", "approve"), ("email", ADA), ("groups", "staff")];
        let back = world.emulator.browse(redirect.url(), &choice).await.unwrap();
        let ada = sso.exchange(back.as_str()).await.unwrap();
        assert_eq!(ada.idp_response().unwrap().idp_groups, ["staff"]);
        assert!(ada.tenant_sso_id().is_some());
        let session = world.claims(&ada).await;
        assert!(session.has_tenant_roles("engines", &["Reader"]));
        refused(sso.exchange(back).await, ErrorKind::Expired, 401, "E062504");
    }
    let nowhere = world.descope.sso().start("nowhere").redirect_url(PAGE).send().await.unwrap_err();
    assert!(nowhere.is_refusal_of_the_service(), "{nowhere:?}");
    refused_here(world.descope.sso().start("").send().await, ErrorKind::InvalidArgument, "tenant");
    refused_here(world.descope.sso().exchange(" ").await, ErrorKind::InvalidArgument, "code");
    let redirect = world.descope.sso().start("engines").redirect_url(PAGE).send().await.unwrap();
    let back = world.emulator.refuse(redirect.url()).await.unwrap();
    assert_eq!(world.descope.sso().exchange(back).await.unwrap_err().message(), Some("access_denied"));
}

#[tokio::test]
async fn a_user_connects_an_outbound_application() {
    let world = World::start().await;
    let applications = world.descope.management().outbound_applications();
    applications.create("Calendar").id("calendar").default_scopes(["read"]).send().await.unwrap();
    let ada = world.signed_in(ADA).await;
    let connect = world.descope.outbound().connect("calendar", refresh_of(&ada)).redirect_url(PAGE).scopes(["read"]);
    let redirect = connect.send().await.unwrap();
    let back = world.back(&redirect, "ada@calendar.example").await;
    assert_eq!(back, PAGE);
    refused_here(
        world.descope.outbound().connect("", refresh_of(&ada)).send().await,
        ErrorKind::InvalidArgument,
        "app_id",
    );
    let unknown = world.descope.outbound().connect("unknown", refresh_of(&ada)).send().await.unwrap_err();
    assert!(unknown.is_refusal_of_the_service(), "{unknown:?}");
}
