//! Projects, their state as a document, snapshots, the data file, cookies, browsers and settings.

use descope_emulator::Emulator;
use serde_json::{Value, json};

use crate::support::{ADA, Api, claims, refresh_of, session_of, text};

async fn own(api: &Api, method: &str, path: &str, body: Option<Value>) -> Value {
    let url = format!("{}/_emulator{path}", api.emulator.base_url());
    let request = api.http.request(method.parse().expect("a method"), url);
    api.send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
    .ok()
}

async fn state_text(api: &Api) -> String {
    let url = format!("{}/_emulator/state", api.emulator.base_url());
    api.http.get(url).send().await.expect("an answer").text().await.expect("a body")
}

async fn put_state(api: &Api, text: String) -> u16 {
    let url = format!("{}/_emulator/state", api.emulator.base_url());
    api.http.put(url).body(text).send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn any_project_id_is_a_project_of_its_own() {
    let api = Api::start().await;
    api.signed_in(ADA).await;
    let key = api.emulator.management_key().to_owned();
    let load = |project: &str| {
        let url = format!("{}/v1/mgmt/user?loginId={ADA}", api.emulator.base_url());
        api.send(api.http.get(url).bearer_auth(format!("{project}:{key}")))
    };
    load(api.emulator.project_id()).await.ok();
    load("P2AnotherProject").await.refused(404, "E112102");

    let refresh = refresh_of(&api.signed_in(ADA).await);
    let url = format!("{}/v1/auth/refresh", api.emulator.base_url());
    let foreign = api.http.post(url).bearer_auth(format!("P2AnotherProject:{refresh}")).json(&json!({}));
    api.send(foreign).await.refused(401, "E062504");
    api.emulator.reset();
    load(api.emulator.project_id()).await.refused(404, "E112102");
}

#[tokio::test]
async fn the_state_is_one_document_that_comes_out_the_same_again() {
    let api = Api::start().await;
    api.tenant("T1").await;
    api.role("Reader").await;
    let session = api.signed_in(ADA).await;
    api.manage("/v1/mgmt/accesskey/create", json!({"name": "ci"})).await.ok();
    api.post("/v1/auth/magiclink/signin/email", json!({"loginId": ADA})).await.ok();
    api.post("/v1/auth/enchantedlink/signin/email", json!({"loginId": ADA})).await.ok();
    api.post("/v1/auth/otp/signup/email", json!({"loginId": "bob@example.com", "user": {"name": "Bob"}})).await.ok();
    let first = state_text(&api).await;

    let other = Api::start().await;
    assert_eq!(put_state(&other, first.clone()).await, 200);
    assert_eq!(state_text(&other).await, first, "byte for byte");
    // Tokens, links and users are good there, too.
    other.post_as(&refresh_of(&session), "/v1/auth/refresh", json!({})).await.ok();
    let link = api.mail(ADA).await.links.remove(0);
    other.post("/v1/auth/magiclink/verify", json!({"token": link.token})).await.ok();
}

#[tokio::test]
async fn a_document_that_does_not_fit_is_refused_and_changes_nothing() {
    let api = Api::start().await;
    api.signed_in(ADA).await;
    let before = state_text(&api).await;
    let mut twice: Value = serde_json::from_str(&before).expect("JSON");
    let users = twice["projects"][api.emulator.project_id()]["state"]["users"].as_array_mut().expect("users");
    let copy = users[0].clone();
    users.push(copy);
    let mut newer: Value = serde_json::from_str(&before).expect("JSON");
    newer["version"] = json!(99);
    let mut short: Value = serde_json::from_str(&before).expect("JSON");
    short["projects"][api.emulator.project_id()]["state"]["settings"]["sessionSeconds"] = json!(0);
    for bad in [twice, newer, short, json!({}), json!({"version": 1, "projects": {"a/b": {"state": {}}}})] {
        assert_eq!(put_state(&api, bad.to_string()).await, 400, "{}", bad["version"]);
        assert_eq!(state_text(&api).await, before);
    }
}

#[tokio::test]
async fn a_snapshot_is_gone_back_to() {
    let api = Api::start().await;
    api.signed_in(ADA).await;
    own(&api, "PUT", "/snapshots/with-ada", None).await;
    api.manage("/v1/mgmt/user/delete", json!({"loginId": ADA})).await.ok();
    api.load_user(ADA).await.refused(404, "E112102");
    own(&api, "POST", "/snapshots/with-ada/restore", None).await;
    api.load_user(ADA).await.ok();
    assert_eq!(own(&api, "GET", "/snapshots", None).await, json!({"snapshots": ["with-ada"]}));
    let url = format!("{}/_emulator/snapshots/none/restore", api.emulator.base_url());
    api.send(api.http.post(url)).await.refused(404, "E990404");
}

#[tokio::test]
async fn what_was_acknowledged_is_in_the_data_file() {
    let folder = std::env::temp_dir().join(format!("descope-emulator-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("data.json");
    let start = || Emulator::builder().data_file(&file).management_key("K2fixed").start();
    let api = Api { emulator: start().await.expect("starts"), http: reqwest::Client::new() };
    let session = api.signed_in(ADA).await;
    drop(api);
    let api = Api { emulator: start().await.expect("starts again"), http: reqwest::Client::new() };
    api.post_as(&refresh_of(&session), "/v1/auth/refresh", json!({})).await.ok();
    api.manage("/v1/mgmt/user/delete", json!({"loginId": ADA})).await.ok();
    drop(api);
    let api = Api { emulator: start().await.expect("starts again"), http: reqwest::Client::new() };
    api.load_user(ADA).await.refused(404, "E112102");
    let message = start().await.expect_err("refused while another uses it").to_string();
    assert!(message.contains("another emulator"), "{message}");
    drop(api);
    // A seed is for a project that the file has not had: what has happened since stays.
    let seed = folder.join("seed.json");
    let one = json!({"version": 1, "projects": {"P2EmulatorProject0000000000A": {"state": {"users": [{"id": "U1"}]}}}});
    std::fs::write(&seed, one.to_string()).expect("written");
    let seeded = Emulator::builder().data_file(&file).seed_file(&seed).management_key("K2fixed").start();
    let api = Api { emulator: seeded.await.expect("starts"), http: reqwest::Client::new() };
    let state: Value = serde_json::from_str(&state_text(&api).await).expect("JSON");
    assert_eq!(state["projects"]["P2EmulatorProject0000000000A"]["state"]["users"], json!([]));
    drop(api);
    std::fs::write(&file, "{").expect("written");
    let error = start().await.expect_err("refused");
    assert!(error.to_string().contains("data.json"), "{error}");
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[tokio::test]
async fn a_project_that_was_only_asked_for_leaves_no_trace() {
    let api = Api::start().await;
    let url = format!("{}/v1/mgmt/user/create", api.emulator.base_url());
    api.send(api.http.post(url).bearer_auth("P2Nobody:wrong").json(&json!({"loginId": ADA})))
        .await
        .refused(401, "E111119");
    assert!(!state_text(&api).await.contains("P2Nobody"));
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let body = format!(r#"{{"loginId": "{ADA}", "loginOptions": {{"customClaims": {{"x": {deep}}}}}}}"#);
    let request = api.request("POST", "/v1/auth/otp/signup-in/email", None).header("content-type", "application/json");
    let message = api.send(request.body(body)).await.refused(400, "E011001");
    assert!(message.contains("nested"), "{message}");
}

#[tokio::test]
async fn a_disabled_user_is_not_let_in_by_a_merge() {
    let api = Api::start().await;
    api.manage("/v1/mgmt/user/create", json!({"loginId": "bob@example.com", "status": "disabled"})).await.ok();
    let ada = refresh_of(&api.signed_in(ADA).await);
    let update = json!({
        "loginId": ADA, "email": "bob@example.com", "addToLoginIDs": true, "onMergeUseExisting": true,
    });
    api.post_as(&ada, "/v1/auth/otp/update/email", update).await.ok();
    let code = api.code("bob@example.com").await;
    let verify = json!({"loginId": ADA, "code": code});
    api.post("/v1/auth/otp/verify/email", verify).await.refused(403, "E111119");
    assert_eq!(api.load_user("bob@example.com").await.ok()["user"]["status"], "disabled");
    let challenge = json!({"loginId": ADA, "loginOptions": {"pkceChallenge": "x"}});
    api.post("/v1/auth/otp/signin/email", challenge).await.refused(501, "E990501");
}

#[tokio::test]
async fn a_seed_makes_ids_and_codes_come_again() {
    let run = async || {
        let emulator = Emulator::builder().random_seed(7).start().await.expect("starts");
        let api = Api { emulator, http: reqwest::Client::new() };
        let user = api.manage("/v1/mgmt/user/create", json!({"loginId": ADA})).await.ok()["user"]["userId"].clone();
        api.post("/v1/auth/otp/signin/email", json!({"loginId": ADA})).await.ok();
        (user, api.code(ADA).await)
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn tokens_go_into_cookies_and_are_read_from_them() {
    let emulator = Emulator::builder().tokens_in_cookies().start().await.expect("starts");
    let api = Api { emulator, http: reqwest::Client::new() };
    api.post("/v1/auth/otp/signup-in/email", json!({"loginId": ADA})).await.ok();
    let code = api.code(ADA).await;
    let request = api.request("POST", "/v1/auth/otp/verify/email", None);
    let response = request.json(&json!({"loginId": ADA, "code": code})).send().await.expect("an answer");
    let cookies: Vec<String> =
        response.headers().get_all("set-cookie").iter().map(|value| value.to_str().expect("text").to_owned()).collect();
    let body: Value = response.json().await.expect("JSON");
    assert_eq!((&body["sessionJwt"], &body["refreshJwt"]), (&json!(""), &json!("")));
    let value = |name: &str| {
        let cookie = cookies.iter().find_map(|cookie| cookie.strip_prefix(&format!("{name}=")));
        cookie.expect("a cookie").split(';').next().unwrap_or_default().to_owned()
    };
    assert_eq!(claims(&value("DS"))["drn"], "DS");
    assert!(cookies.iter().all(|cookie| cookie.contains("HttpOnly") && cookie.contains("Path=/")), "{cookies:?}");

    let me = api.request("GET", "/v1/auth/me", None).header("cookie", format!("DS=x; DSR={}", value("DSR")));
    assert_eq!(api.send(me).await.ok()["email"], ADA);
    let url = format!("{}/v1/auth/logout", api.emulator.base_url());
    let out = api.http.post(url).bearer_auth(api.emulator.project_id());
    let out = out.header("cookie", format!("DSR={}", value("DSR"))).json(&json!({})).send().await.expect("an answer");
    let cleared: Vec<_> = out.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cleared.len(), 2);
    assert!(cleared.iter().all(|cookie| cookie.to_str().expect("text").contains("Max-Age=0")), "{cleared:?}");
    // The back end wants its tokens in the body.
    let key = api.manage("/v1/mgmt/user/create/test", json!({"loginId": "t"})).await.ok();
    assert_eq!(key["user"]["test"], true);
}

#[tokio::test]
async fn a_page_of_another_origin_may_call_with_credentials() {
    let api = Api::start().await;
    let url = format!("{}/v1/auth/otp/signup-in/email", api.emulator.base_url());
    let preflight = api
        .http
        .request(reqwest::Method::OPTIONS, &url)
        .header("origin", "http://localhost:3000")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,x-descope-project-id");
    let answer = preflight.send().await.expect("an answer");
    assert_eq!(answer.status(), 204);
    let header = |answer: &reqwest::Response, name: &str| {
        answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default()
    };
    assert_eq!(header(&answer, "access-control-allow-origin"), "http://localhost:3000");
    assert_eq!(header(&answer, "access-control-allow-credentials"), "true");
    assert_eq!(header(&answer, "access-control-allow-headers"), "authorization,x-descope-project-id");
    assert_eq!(header(&answer, "access-control-allow-methods"), "POST");
    // A refusal can be read by the page, too.
    let refused = api.http.post(&url).header("origin", "http://localhost:3000").send().await.expect("an answer");
    assert_eq!(refused.status(), 401);
    assert_eq!(header(&refused, "access-control-allow-origin"), "http://localhost:3000");
    assert!(header(&refused, "vary").contains("Origin"));
    let plain = api.http.post(&url).send().await.expect("an answer");
    assert_eq!(header(&plain, "access-control-allow-origin"), "");
}

#[tokio::test]
async fn the_lifetimes_of_tokens_can_be_set() {
    let api = Api::start().await;
    own(&api, "POST", "/settings", Some(json!({"sessionSeconds": 2, "refreshSeconds": 60}))).await;
    let session = claims(&session_of(&api.signed_in(ADA).await));
    let iat = session["iat"].as_i64().expect("a time");
    assert!((1..=3).contains(&(session["exp"].as_i64().expect("a time") - iat)));
    let settings = own(&api, "GET", "/settings", None).await;
    assert_eq!((&settings["refreshSeconds"], &settings["sessionCookieName"]), (&json!(60), &json!("DS")));
    let url = format!("{}/_emulator/settings", api.emulator.base_url());
    for bad in [json!({"sessionSeconds": 0}), json!({"nonsense": 1}), json!({"sessionCookieName": "a b"})] {
        api.send(api.http.post(&url).json(&bad)).await.refused(400, "E011004");
    }
    assert_eq!(own(&api, "GET", "/settings", None).await, settings);
}

#[tokio::test]
async fn tokens_are_never_issued_in_the_clients_future() {
    let api = Api::start().await;
    let before = api.emulator.clock().now();
    api.wait(5_000);
    let session = api.signed_in(ADA).await;
    let iat = claims(&session_of(&session))["iat"].as_i64().expect("a time");
    assert!((before..before + 100).contains(&iat), "{iat} is not the computer's time");
    own(&api, "POST", "/settings", Some(json!({"issueInFuture": true}))).await;
    let renewed = api.post_as(&refresh_of(&session), "/v1/auth/refresh", json!({})).await.ok();
    assert!(claims(text(&renewed["sessionJwt"]))["iat"].as_i64() >= Some(before + 5_000));
}

#[tokio::test]
async fn a_step_up_ends_by_its_setting() {
    let api = Api::start().await;
    let refresh = refresh_of(&api.signed_in(ADA).await);
    let body = json!({"loginId": ADA, "loginOptions": {"stepup": true}});
    api.post_as(&refresh, "/v1/auth/otp/signin/email", body).await.ok();
    let code = api.code(ADA).await;
    let stepped = api.post("/v1/auth/otp/verify/email", json!({"loginId": ADA, "code": code})).await.ok();
    assert_eq!(claims(&session_of(&stepped))["su"], true);
    api.wait(601);
    let later = api.post_as(&refresh_of(&stepped), "/v1/auth/refresh", json!({})).await.ok();
    assert_eq!(claims(&session_of(&later)).get("su"), None);
}

#[tokio::test]
async fn refresh_tokens_rotate_where_the_project_says_so() {
    let api = Api::start().await;
    own(&api, "POST", "/settings", Some(json!({"rotateRefreshTokens": true}))).await;
    let first = refresh_of(&api.signed_in(ADA).await);
    let second = refresh_of(&api.post_as(&first, "/v1/auth/refresh", json!({})).await.ok());
    assert_ne!(first, second);
    api.post_as(&first, "/v1/auth/refresh", json!({})).await.refused(401, "E064001");
    api.post_as(&second, "/v1/auth/refresh", json!({})).await.ok();
}

#[tokio::test]
async fn signing_keys_rotate_by_the_clock() {
    let api = Api::start().await;
    own(&api, "POST", "/settings", Some(json!({"keyRotationSeconds": 86_400}))).await;
    let keys = format!("/v2/keys/{}", api.emulator.project_id());
    let count = async || api.send(api.request("GET", &keys, None)).await.ok()["keys"].as_array().map(Vec::len);
    let session = api.signed_in(ADA).await;
    assert_eq!(count().await, Some(1));
    api.wait(86_400);
    assert_eq!(count().await, Some(2), "the old one stays published");
    api.post_as(&refresh_of(&session), "/v1/auth/refresh", json!({})).await.ok();
    own(&api, "POST", "/keys/rotate", Some(json!({"revoke": true}))).await;
    assert_eq!(count().await, Some(1));
    api.post_as(&refresh_of(&session), "/v1/auth/refresh", json!({})).await.refused(401, "E062504");
}

#[tokio::test]
async fn a_rate_limit_is_kept_by_the_minute() {
    let api = Api::start().await;
    own(&api, "POST", "/clock", Some(json!({"set": 1_900_000_000, "frozen": true}))).await;
    own(&api, "POST", "/settings", Some(json!({"callsPerMinute": 2}))).await;
    api.load_user(ADA).await.refused(404, "E112102");
    api.load_user(ADA).await.refused(404, "E112102");
    api.load_user(ADA).await.refused(429, "E130429");
    own(&api, "POST", "/clock", Some(json!({"advanceSeconds": 60}))).await;
    api.load_user(ADA).await.refused(404, "E112102");
}

#[tokio::test]
async fn generic_readers_of_tokens_find_the_keys() {
    let api = Api::start().await;
    let (base, project) = (api.emulator.base_url(), api.emulator.project_id());
    let get = async |path: String| api.send(api.http.get(format!("{base}{path}"))).await.ok();
    let keys = get(format!("/v2/keys/{project}")).await;
    assert_eq!(get(format!("/{project}/.well-known/jwks.json")).await, keys);
    let found = get(format!("/{project}/.well-known/openid-configuration")).await;
    assert_eq!(found["issuer"], format!("{base}/{project}"));
    assert_eq!(get(text(&found["jwks_uri"]).trim_start_matches(base).to_owned()).await, keys);
    let head = api.http.head(format!("{base}/v2/keys/{project}/")).send().await.expect("an answer");
    assert_eq!((head.status().as_u16(), head.text().await.expect("a body")), (200, String::new()));
    let page = api.http.get(format!("{base}/")).send().await.expect("an answer").text().await.expect("a page");
    assert!(page.contains("/_emulator/inbox"), "{page}");
}
