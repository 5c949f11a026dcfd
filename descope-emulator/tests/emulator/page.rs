//! The emulator's page: to whom it is given, with which headers, and who gets at what is behind it.

use std::time::Duration;

use descope_emulator::Emulator;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::{ADA, Api};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

fn url(api: &Api, path: &str) -> String {
    format!("{}{path}", api.emulator.base_url())
}

async fn answer(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
}

/// What the page calls by.
async fn page_key(api: &Api) -> String {
    let told = api.send(api.http.post(url(api, "/_emulator/page/key"))).await.ok();
    told["key"].as_str().expect("a key").to_owned()
}

#[tokio::test]
async fn browsers_get_the_page_and_programs_what_is_emulated() {
    let api = Api::start().await;
    for path in ["/_emulator/", "/_emulator"] {
        let page = answer(api.http.get(url(&api, path)).header("accept", BROWSER)).await;
        assert_eq!((page.status().as_u16(), header(&page, "content-type")), (200, "text/html; charset=utf-8"));
        assert!(header(&page, "vary").contains("Accept"));
        assert!(page.text().await.expect("a page").starts_with("<!doctype html>"));
        for accept in ["*/*", "application/json", "application/json, text/html;q=0.1"] {
            let told = answer(api.http.get(url(&api, path)).header("accept", accept)).await;
            assert!(header(&told, "vary").contains("Accept"));
            let told: Value = serde_json::from_str(&told.text().await.expect("a body")).expect("JSON");
            assert_eq!(told["projectId"], api.emulator.project_id());
            assert_eq!(told["projects"], json!([api.emulator.project_id()]));
        }
    }
    let welcome = answer(api.http.get(url(&api, "/"))).await.text().await.expect("a page");
    assert!(welcome.contains("href=\"/_emulator/\""), "{welcome}");
}

#[tokio::test]
async fn the_page_takes_nothing_from_elsewhere_and_is_in_nobodys_frame() {
    let api = Api::start().await;
    let page = answer(api.http.get(url(&api, "/_emulator/")).header("accept", BROWSER)).await;
    let policy = header(&page, "content-security-policy");
    for rule in
        ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(header(&page, name), value, "{name}");
    }
    let page = page.text().await.expect("a page");
    assert!(!page.contains(api.emulator.management_key()), "there is no key in it");
    for (name, kind) in [
        ("app.js", "text/javascript; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        assert!(page.contains(&format!("\"/_emulator/page/{name}\"")), "{name} is asked for");
        let file = answer(api.http.get(url(&api, &format!("/_emulator/page/{name}")))).await;
        assert_eq!((file.status().as_u16(), header(&file, "content-type")), (200, kind));
        assert!(!header(&file, "content-security-policy").is_empty());
    }
    assert_eq!(answer(api.http.get(url(&api, "/_emulator/page/other.js"))).await.status(), 404);
}

#[tokio::test]
async fn the_key_of_the_page_manages_without_being_seen() {
    let api = Api::start().await;
    let given = answer(api.http.post(url(&api, "/_emulator/page/key"))).await;
    assert_eq!(header(&given, "cache-control"), "no-store");
    let key = page_key(&api).await;
    assert_ne!(key, api.emulator.management_key());
    assert!(!answer(api.http.get(url(&api, "/_emulator/state"))).await.text().await.expect("a body").contains(&key));

    api.emulator.fail_next("managementUserCreate", descope_emulator::Fault::status(503).times(9));
    api.post_as(&key, "/v1/mgmt/user/create", json!({"loginId": ADA, "email": ADA})).await.ok();
    assert_eq!(api.emulator.calls("managementUserCreate"), 0);
    assert!(api.emulator.requests().is_empty(), "whoever looks on changes nothing");
    assert_eq!(api.emulator.faults()[0].happened, 0);
    assert_eq!(api.manage("/v1/mgmt/user/create", json!({"loginId": "b@x.org"})).await.status, 503);

    // It is good in other projects too, as the management key is, and ends with the emulator.
    let other = api.http.post(url(&api, "/v2/mgmt/user/search")).bearer_auth(format!("P2Other:{key}")).json(&json!({}));
    assert_eq!(api.send(other).await.ok()["total"], 0);
    let next = Api::start().await;
    assert_ne!(page_key(&next).await, key);
    next.post_as(&key, "/v2/mgmt/user/search", json!({})).await.refused(401, "E111119");
}

#[tokio::test]
async fn the_calls_of_the_page_are_not_counted() {
    let api = Api::start().await;
    let key = page_key(&api).await;
    let settings = api.http.post(url(&api, "/_emulator/settings")).json(&json!({"callsPerMinute": 1}));
    api.send(settings).await.ok();
    api.emulator.clock().freeze();
    for _ in 0..5 {
        api.post_as(&key, "/v2/mgmt/user/search", json!({})).await.ok();
    }
    api.load_user(ADA).await.refused(404, "E112102");
    api.load_user(ADA).await.refused(429, "E130429");
}

#[tokio::test]
async fn who_is_not_at_the_computer_has_to_know_the_management_key() {
    let api = Api::start().await;
    let ask = |body: Value, header: (&'static str, &'static str)| {
        api.send(api.http.post(url(&api, "/_emulator/page/key")).header(header.0, header.1).json(&body))
    };
    for away in
        [("host", "10.1.2.3:8080"), ("host", "emulator:8080"), ("x-forwarded-for", "10.1.2.3"), ("via", "1.1 p")]
    {
        ask(json!({}), away).await.refused(401, "E111119");
        ask(json!({"managementKey": "wrong"}), away).await.refused(401, "E111119");
        let given = ask(json!({"managementKey": api.emulator.management_key()}), away).await.ok();
        assert_eq!(given["key"], page_key(&api).await);
    }
    ask(json!({"managementKey": "wrong"}), ("accept", "*/*")).await.refused(401, "E111119");
    assert!(ask(json!({"key": "K2"}), ("accept", "*/*")).await.refused(400, "E011004").contains("key"));
}

#[tokio::test]
async fn pages_of_other_origins_and_names_that_were_led_here_get_nothing() {
    let api = Api::start().await;
    api.signed_in(ADA).await;
    let paths = [
        ("GET", "/_emulator/"),
        ("GET", "/_emulator"),
        ("GET", "/_emulator/inbox"),
        ("GET", "/_emulator/events"),
        ("GET", "/_emulator/state"),
        ("GET", "/_emulator/sessions"),
        ("GET", "/_emulator/page/app.js"),
        ("GET", "/_emulator/nowhere"),
        ("POST", "/_emulator/page/key"),
        ("POST", "/_emulator/reset"),
        ("DELETE", "/_emulator/inbox"),
        ("PUT", "/_emulator/snapshots/a"),
    ];
    let ask = |method: &str, path: &str, name: &'static str, value: &'static str| {
        answer(api.http.request(method.parse().expect("a method"), url(&api, path)).header(name, value))
    };
    for (method, path) in paths {
        for host in ["evil.example", "127.0.0.1.evil.example:8080", "localhost.evil.example"] {
            let refused = ask(method, path, "host", host).await;
            assert_eq!(refused.status(), 403, "{method} {path}");
            assert!(refused.text().await.expect("a body").contains("--allow-host"));
        }
        for origin in ["http://localhost:3000", "https://evil.example", "null"] {
            let told = ask(method, path, "origin", origin).await;
            assert_eq!(header(&told, "access-control-allow-origin"), "", "{method} {path}");
            assert_eq!(header(&told, "cross-origin-resource-policy"), "same-origin");
            assert_eq!(told.status() == 403, method != "GET", "{method} {path}");
        }
        let preflight = api.http.request(reqwest::Method::OPTIONS, url(&api, path));
        let preflight =
            preflight.header("origin", "https://evil.example").header("access-control-request-method", method);
        let preflight = answer(preflight).await;
        assert_eq!(header(&preflight, "access-control-allow-origin"), "");
        assert!(preflight.status().is_client_error(), "{method} {path}");
    }
    assert_eq!(ask("POST", "/_emulator/reset", "sec-fetch-site", "cross-site").await.status(), 403);
    assert_eq!(api.emulator.inbox().messages().len(), 1, "nothing was changed");
    api.load_user(ADA).await.ok();

    // What a person opens in the course of a sign-in is under the name by which the application knows the emulator.
    for path in ["/_emulator/health", "/_emulator/device", "/_emulator/provider/keys", "/v2/keys/P2Some"] {
        assert_eq!(ask("GET", path, "host", "auth.example.com").await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn names_that_are_allowed_are_answered() {
    let emulator = Emulator::builder().allow_host("Auth.example.com").start().await.expect("starts");
    let http = reqwest::Client::new();
    let ask = async |host: &'static str| {
        let inbox = http.get(format!("{}/_emulator/inbox", emulator.base_url())).header("host", host);
        answer(inbox).await.status().as_u16()
    };
    for (host, status) in
        [("auth.example.com:8080", 200), ("emulator", 200), ("host.docker.internal", 200), ("example.com", 403)]
    {
        assert_eq!(ask(host).await, status, "{host}");
    }
}

#[tokio::test]
async fn sessions_tell_how_they_stand() {
    let api = Api::start().await;
    let sessions = async |query: &str| {
        let told = api.send(api.http.get(url(&api, &format!("/_emulator/sessions{query}")))).await.ok();
        told["sessions"].as_array().expect("a list").clone()
    };
    assert!(sessions("").await.is_empty());
    let ada = api.signed_in(ADA).await;
    api.emulator.clock().advance(Duration::from_secs(60));
    let bob = api.signed_in("bob@example.com").await;
    let all = sessions("").await;
    assert_eq!(all.len(), 2);
    assert_eq!((&all[0]["userId"], &all[1]["userId"]), (&bob["user"]["userId"], &ada["user"]["userId"]));
    assert_eq!(
        (&all[1]["loginIds"], &all[1]["status"], &all[1]["amr"]),
        (&json!([ADA]), &json!("active"), &json!(["email"]))
    );
    let user = ada["user"]["userId"].as_str().expect("an id");
    assert_eq!(sessions(&format!("?userId={user}")).await, [all[1].clone()]);

    api.manage("/v1/mgmt/user/logout", json!({"userId": user})).await.ok();
    assert_eq!(sessions(&format!("?userId={user}")).await[0]["status"], "revoked");
    api.emulator.clock().advance(Duration::from_secs(29 * 86_400));
    let odd = api.send(api.http.get(url(&api, "/_emulator/sessions?user=x"))).await;
    assert!(odd.refused(400, "E011004").contains("user"));
    assert!(sessions("").await.iter().all(|session| session["status"] != "active"));
}

#[tokio::test]
async fn the_journal_reads_the_tokens_that_were_handed_out() {
    let api = Api::start().await;
    let session = api.signed_in(ADA).await;
    let request = api.emulator.requests().pop().expect("a request");
    let names: Vec<&str> = request.tokens.iter().map(|token| token.name.as_str()).collect();
    assert_eq!(names, ["refreshJwt", "sessionJwt"]);
    assert_eq!(request.tokens[1].claims["sub"], session["user"]["userId"]);
    assert_eq!(request.tokens[1].header["alg"], "RS256");
    let signature = session["sessionJwt"].as_str().and_then(|token| token.rsplit('.').next()).expect("a signature");
    let told = answer(api.http.get(url(&api, "/_emulator/requests"))).await.text().await.expect("a body");
    assert!(!told.contains(signature), "no token can be made of it");

    let settings = api.http.post(url(&api, "/_emulator/settings")).json(&json!({"tokensInCookies": true}));
    api.send(settings).await.ok();
    api.signed_in(ADA).await;
    let request = api.emulator.requests().pop().expect("a request");
    let mut names: Vec<&str> = request.tokens.iter().map(|token| token.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["DS", "DSR"]);
}

/// The next events of a stream: each what has changed, and for which project.
async fn changes(live: &mut Response, count: usize) -> Vec<(String, Value)> {
    let mut text = String::new();
    while text.matches("\ndata: ").count() < count || !text.ends_with("\n\n") {
        let chunk =
            tokio::time::timeout(Duration::from_secs(20), live.chunk()).await.expect("in time").expect("a chunk");
        text.push_str(std::str::from_utf8(&chunk.expect("no end")).expect("text"));
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let data = data.map(|data| serde_json::from_str::<Value>(data).expect("JSON"));
    data.map(|data| (data["what"].as_str().expect("what").to_owned(), data["projectId"].clone())).collect()
}

#[tokio::test]
async fn changes_of_the_emulator_itself_are_told() {
    let api = Api::start().await;
    let mut live = answer(api.http.get(url(&api, "/_emulator/events?kind=change"))).await;
    let mut other = answer(api.http.get(url(&api, "/_emulator/events?kind=change&project=P2Other"))).await;
    api.emulator.clock().advance(Duration::from_secs(1));
    let id = api.emulator.add_fault(descope_emulator::Fault::status(503)).expect("a fault");
    assert!(api.emulator.withdraw_fault(id));
    for (method, path) in [
        ("PUT", "/_emulator/snapshots/a"),
        ("POST", "/_emulator/snapshots/a/restore"),
        ("DELETE", "/_emulator/inbox"),
        ("DELETE", "/_emulator/requests"),
        ("POST", "/_emulator/settings"),
    ] {
        let request = api.http.request(method.parse().expect("a method"), url(&api, path));
        api.send(request).await.ok();
    }
    let told = changes(&mut live, 8).await;
    let names: Vec<&str> = told.iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!(names, ["clock", "faults", "faults", "snapshots", "all", "inbox", "requests", "settings"]);
    assert_eq!((&told[0].1, &told[3].1), (&Value::Null, &json!(api.emulator.project_id())));
    let told = changes(&mut other, 4).await;
    let names: Vec<&str> = told.iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!(names, ["clock", "faults", "faults", "requests"], "what is of all projects is of this one too");

    api.emulator.reset();
    let told = changes(&mut other, 3).await;
    assert!(told.iter().any(|(what, _)| what == "all"), "{told:?}");
}

#[tokio::test]
async fn operations_are_those_that_are_carried_out() {
    let api = Api::start().await;
    let told = api.send(api.http.get(url(&api, "/_emulator/operations"))).await.ok();
    let told: Vec<&str> =
        told["operations"].as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
    let mut sorted = told.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, Emulator::emulated_operations());
}
