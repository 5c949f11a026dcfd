//! What a browser asks in whose own dialog a user signs in at a site.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use descope_sdk::ErrorKind;

use crate::world::{ADA, BOB, World, refresh_of, refused, refused_here};

impl World {
    async fn site(&self, name: &str) -> String {
        self.descope.management().third_party_applications().create(name).send().await.expect("a site").client_id
    }

    /// The cookies of a browser in which somebody is signed in, and the id of that user.
    async fn browser(&self, email: &str) -> (String, String) {
        let session = self.signed_in(email).await;
        let id = session.user().and_then(|user| user.user_id.clone()).expect("an id");
        (format!("theme=dark; DSR={}", refresh_of(&session).expose()), id)
    }
}

#[tokio::test]
async fn a_user_signs_in_at_a_site_by_the_account_of_the_browser() {
    let world = World::start().await;
    let fedcm = world.descope.fedcm();
    let site = world.site("Reports").await;
    let config = fedcm.config().await.unwrap();
    let named = format!("?projectId={}", world.descope.project_id());
    for address in [config.accounts_endpoint, config.id_assertion_endpoint, config.client_metadata_endpoint] {
        assert!(address.is_some_and(|address| address.ends_with(&named)));
    }
    fedcm.client_metadata(&site).await.unwrap();

    let (cookies, id) = world.browser(ADA).await;
    let accounts = fedcm.accounts(cookies.as_str()).await.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!((accounts[0].id.as_ref(), accounts[0].email.as_deref()), (Some(&id), Some(ADA)));
    assert_eq!((&accounts[0].login_hints, &accounts[0].domain_hints), (&vec![ADA.into()], &vec!["example.com".into()]));
    assert!(accounts[0].approved_clients.is_empty());

    let token =
        fedcm.assertion(&id, &site).nonce("n1").disclosure_text_shown(true).send(cookies.as_str()).await.unwrap();
    let claims = payload(token.expose());
    let issuer = format!("{}/v1/apps/{}", world.emulator.base_url(), world.descope.project_id());
    for (name, value) in
        [("aud", &site), ("sub", &id), ("email", &ADA.into()), ("nonce", &"n1".into()), ("iss", &issuer)]
    {
        assert_eq!(claims[name], **value, "{name}");
    }
    // To agree in the dialog is to agree.
    assert_eq!(fedcm.accounts(cookies.as_str()).await.unwrap()[0].approved_clients, [site.as_str()]);
    let token = fedcm.assertion(&id, &site).is_auto_selected(true).send(cookies).await.unwrap();
    assert!(payload(token.expose()).get("nonce").is_none());
}

fn payload(token: &str) -> serde_json::Value {
    let payload = token.split('.').nth(1).expect("a token");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON")
}

#[tokio::test]
async fn a_browser_without_a_session_gets_nothing() {
    let world = World::start().await;
    let fedcm = world.descope.fedcm();
    let site = world.site("Reports").await;
    let (cookies, ada) = world.browser(ADA).await;
    let (_, bob) = world.browser(BOB).await;
    for cookies in ["", "theme=dark", "DSR=a.b.c"] {
        assert!(fedcm.accounts(cookies).await.unwrap().is_empty());
        refused(fedcm.assertion(&ada, &site).send(cookies).await, ErrorKind::Expired, 401, "E062504");
    }
    let send = |account: &str, site: &str| fedcm.assertion(account, site).send(cookies.as_str());
    refused(send(&bob, &site).await, ErrorKind::InvalidArgument, 400, "E011004");
    refused(send(&ada, "unknown").await, ErrorKind::NotFound, 404, "E990404");
    refused(fedcm.client_metadata("unknown").await, ErrorKind::NotFound, 404, "E990404");
    world.descope.session().logout(cookies.rsplit('=').next().unwrap()).await.unwrap();
    assert!(fedcm.accounts(cookies.as_str()).await.unwrap().is_empty());
}

#[tokio::test]
async fn odd_arguments_are_refused_before_any_network() {
    let world = World::start().await;
    let fedcm = world.descope.fedcm();
    let kind = ErrorKind::InvalidArgument;
    refused_here(fedcm.client_metadata(" ").await, kind, "client_id");
    refused_here(fedcm.accounts("DSR=a\nb").await, kind, "cookies");
    refused_here(fedcm.assertion("", "site").send("").await, kind, "account_id");
    refused_here(fedcm.assertion("U2a", " ").send("").await, kind, "client_id");
    refused_here(fedcm.assertion("U2a", "site").send("a\0").await, kind, "cookies");
    assert_eq!(world.operations(), [] as [&str; 0]);
}
