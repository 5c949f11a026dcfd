use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::support::{ADA, Api, Reply, claims, refresh_of, session_of, text};

/// Goes from the start of a sign-in to the application's page, and gives what its query holds.
pub(crate) async fn walk(start: &Value, decision: &str) -> (String, String) {
    let browser = reqwest::Client::builder().redirect(Policy::none()).build().expect("a client");
    let mut url = format!("{}{decision}", text(&start["url"]));
    loop {
        let answer = browser.get(&url).send().await.expect("an answer");
        let Some(next) = answer.headers().get("location").map(|next| next.to_str().expect("text").to_owned()) else {
            panic!("no redirect: {} {}", answer.status(), answer.text().await.expect("a body"));
        };
        if next.starts_with("https://app.example.com/") {
            let page = url::Url::parse(&next).expect("a URL");
            let (name, value) = page.query_pairs().last().expect("a query");
            return (name.into_owned(), value.into_owned());
        }
        url = next;
    }
}

async fn start(api: &Api, kind: &str, more: &str) -> Reply {
    let page = "redirectURL=https%3A%2F%2Fapp.example.com%2Fdone%3Fx%3D1";
    api.post(&format!("/v1/auth/oauth/authorize{kind}?provider=google&{page}{more}"), json!({})).await
}

async fn exchange(api: &Api, code: &str) -> Reply {
    api.post("/v1/auth/oauth/exchange", json!({"code": code})).await
}

const APPROVE: &str = "&outcome=approve&email=ada%40example.com&name=Ada";

#[tokio::test]
async fn a_new_user_signs_in_by_a_provider() {
    let api = Api::start().await;
    let begun = start(&api, "", "").await.ok();
    let page = api.http.get(text(&begun["url"])).send().await.expect("an answer").text().await.expect("a page");
    assert!(page.contains("Approve") && page.contains("google"), "{page}");
    let (name, code) = walk(&begun, APPROVE).await;
    assert_eq!(name, "code");
    let session = exchange(&api, &code).await.ok();
    assert_eq!((&session["firstSeen"], &session["user"]["name"]), (&json!(true), &json!("Ada")));
    assert_eq!(session["user"]["OAuth"], json!({"google": true}));
    assert_eq!((&session["user"]["email"], &session["user"]["verifiedEmail"]), (&json!(ADA), &json!(true)));
    assert_eq!(claims(&session_of(&session))["amr"], json!(["oauth"]));
    exchange(&api, &code).await.refused(401, "E062504");
    let again = walk(&start(&api, "", "").await.ok(), APPROVE).await.1;
    assert_eq!(exchange(&api, &again).await.ok()["firstSeen"], false);
}

#[tokio::test]
async fn what_the_person_refuses_comes_back_as_err() {
    let api = Api::start().await;
    let outcome = async |decision: &str, more: &str| walk(&start(&api, "", more).await.ok(), decision).await;
    assert_eq!(outcome("&outcome=refuse", "").await, ("err".to_owned(), "access_denied".to_owned()));
    assert_eq!(outcome("&outcome=fail", "").await, ("err".to_owned(), "server_error".to_owned()));
    assert_eq!(outcome("", "&prompt=none").await, ("err".to_owned(), "login_required".to_owned()));
    let begun = start(&api, "", "").await.ok();
    let get = async |url: String| api.send(api.http.get(url)).await;
    let bad = format!("{}&outcome=approve&email=nobody", text(&begun["url"]));
    get(bad).await.refused(400, "E011003");
    get(format!("{}&outcome=shrug", text(&begun["url"]))).await.refused(400, "E011004");
    get(format!("{}x", text(&begun["url"]))).await.refused(404, "E990404");
    let callback = format!("{}/v1/auth/oauth/callback?state=x&code=y", api.emulator.base_url());
    get(callback).await.refused(401, "E062504");
    api.wait(181);
    get(text(&begun["url"]).to_owned()).await.refused(404, "E990404");
}

#[tokio::test]
async fn only_the_address_that_was_typed_comes_back() {
    let api = Api::start().await;
    let begun = start(&api, "", "&initiatedEmail=bob%40example.com").await.ok();
    let page = api.http.get(text(&begun["url"])).send().await.expect("an answer").text().await.expect("a page");
    assert!(page.contains("value=\"bob@example.com\""), "{page}");
    let (name, why) = walk(&begun, APPROVE).await;
    assert_eq!((name.as_str(), why.contains("another email address")), ("err", true), "{why}");
    let begun = start(&api, "", "&initiatedEmail=ADA%40example.com").await.ok();
    exchange(&api, &walk(&begun, APPROVE).await.1).await.ok();
}

#[tokio::test]
async fn sign_up_and_sign_in_are_kept_apart() {
    let api = Api::start().await;
    let code = walk(&start(&api, "/signin", "").await.ok(), APPROVE).await.1;
    exchange(&api, &code).await.refused(400, "E062108");
    let code = walk(&start(&api, "/signup", "").await.ok(), APPROVE).await.1;
    exchange(&api, &code).await.ok();
    let code = walk(&start(&api, "/signup", "").await.ok(), APPROVE).await.1;
    exchange(&api, &code).await.refused(400, "E062107");
    let code = walk(&start(&api, "/signin", "").await.ok(), APPROVE).await.1;
    exchange(&api, &code).await.ok();
    start(&api, "", "&test=true").await.refused(501, "E990501");
    let bad = "/v1/auth/oauth/authorize?provider=%2E%2E%2F";
    api.post(bad, json!({})).await.refused(400, "E011004");
}

#[tokio::test]
async fn an_account_is_connected_to_the_user_who_is_signed_in() {
    let api = Api::start().await;
    let bob = refresh_of(&api.signed_in("bob@example.com").await);
    let connect = "/v1/auth/oauth/authorize/update?provider=github&redirectURL=https%3A%2F%2Fapp.example.com%2F";
    api.post(connect, json!({})).await.refused(401, "E011002");
    let begun = api.post_as(&bob, connect, json!({})).await.ok();
    let session = exchange(&api, &walk(&begun, APPROVE).await.1).await.ok();
    assert_eq!(session["user"]["loginIds"], json!(["bob@example.com", ADA]));
    let carol = refresh_of(&api.signed_in("carol@example.com").await);
    let begun = api.post_as(&carol, connect, json!({})).await.ok();
    exchange(&api, &walk(&begun, APPROVE).await.1).await.refused(400, "E062107");
    let begun = api.post_as(&carol, &format!("{connect}&allowAllMerge=true"), json!({})).await.ok();
    let merged = exchange(&api, &walk(&begun, APPROVE).await.1).await.ok();
    assert_eq!(merged["user"]["loginIds"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn the_back_end_gets_the_token_of_the_provider_and_a_new_one_when_it_has_ended() {
    let api = Api::start().await;
    let key = api.emulator.management_key().to_owned();
    let load = async |more: &str| {
        let path = format!("/v1/mgmt/user/provider/token?loginId={ADA}&provider=google{more}");
        api.get_as(&key, &path).await.ok()
    };
    let code = walk(&start(&api, "", "").await.ok(), APPROVE).await.1;
    exchange(&api, &code).await.ok();

    let first = load("").await;
    assert_eq!((&first["provider"], &first["providerUserId"]), (&json!("google"), &json!(ADA)));
    assert_eq!(first["scopes"], json!(["openid", "email", "profile"]));
    assert_eq!(first["refreshToken"], Value::Null, "it was not asked for");
    assert!(!text(&load("&withRefreshToken=true").await["refreshToken"]).is_empty());
    assert_eq!(load("").await["accessToken"], first["accessToken"], "as long as it is good");
    let forced = load("&forceRefresh=true").await;
    assert_ne!(forced["accessToken"], first["accessToken"]);
    api.wait(3601);
    let renewed = load("").await;
    assert_ne!(renewed["accessToken"], forced["accessToken"]);
    assert!(renewed["expiration"].as_i64() > forced["expiration"].as_i64());

    let other = format!("/v1/mgmt/user/provider/token?loginId={ADA}&provider=github");
    api.get_as(&key, &other).await.refused(404, "E990404");
}
