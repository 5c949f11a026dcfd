//! What every web framework has to do alike, driven over HTTP against the example applications.

// Each test program uses its share.
#![allow(dead_code)]

use std::{future::Future, time::Duration};

use descope_emulator::{Emulator, Fault};
use descope_sdk::{
    Authentication, Descope, LoginId,
    reqwest::{Client, Method, RequestBuilder, Response, header},
};
use serde_json::Value;

/// An application, the emulator behind it, and a client of each.
pub(crate) struct Web {
    pub(crate) emulator: Emulator,
    pub(crate) descope: Descope,
    base_url: String,
    http: Client,
}

/// Makes a test of each scenario for one application.
#[macro_export]
macro_rules! scenarios {
    ($start:ident: $($name:ident)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            web::$name(&web::Web::new($start).await).await;
        }
    )+};
}

impl Web {
    /// - `start`: starts the application for an emulator and tells the client it uses and its address.
    pub(crate) async fn new<F: Future<Output = (Emulator, Descope, String)>>(
        start: impl FnOnce(Emulator) -> F,
    ) -> Self {
        let emulator = Emulator::builder().start().await.unwrap();
        let (emulator, descope, base_url) = start(emulator).await;
        Self { emulator, descope, base_url, http: Client::new() }
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base_url))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(crate) async fn sign_in(&self, login_id: &str) -> Authentication {
        let token = self.descope.management().embedded_links().sign_in(LoginId::new(login_id)).send().await.unwrap();
        self.descope.magic_link().verify(token).await.unwrap()
    }

    /// Ada, who has no role.
    pub(crate) async fn ada(&self) -> Authentication {
        let users = self.descope.management().users();
        if users.load(LoginId::new("ada@example.com")).send().await.is_err() {
            users.create(LoginId::new("ada@example.com")).status("enabled").send().await.unwrap();
        }
        self.sign_in("ada@example.com").await
    }

    /// Grace, who is an admin.
    pub(crate) async fn grace(&self) -> Authentication {
        self.sign_in("grace@example.com").await
    }

    /// Lets every session token expire, and no refresh token.
    pub(crate) fn an_hour_passes(&self) {
        self.emulator.clock().advance(Duration::from_secs(3600));
    }

    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.emulator.requests().iter().filter(|request| request.operation.as_deref() == Some(operation)).count()
    }
}

pub(crate) fn session_of(user: &Authentication) -> &str {
    user.session_jwt().expose()
}

pub(crate) fn refresh_of(user: &Authentication) -> &str {
    user.refresh_jwt().unwrap().expose()
}

pub(crate) fn user_id(user: &Authentication) -> &str {
    user.user().unwrap().user_id.as_deref().unwrap()
}

/// The `Cookie` header of a browser that keeps both tokens.
pub(crate) fn both(user: &Authentication) -> String {
    format!("theme=dark; DS={}; DSR={}", session_of(user), refresh_of(user))
}

pub(crate) fn set_cookies(response: &Response) -> Vec<String> {
    let values = response.headers().get_all(header::SET_COOKIE);
    values.iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

/// The value of a cookie that the response sets.
pub(crate) fn cookie(response: &Response, name: &str) -> Option<String> {
    let set = set_cookies(response);
    let value = set.iter().find_map(|value| value.strip_prefix(name)?.strip_prefix('=')?.split(';').next())?;
    Some(value.to_owned())
}

/// Checks a refusal as a whole and gives its description.
pub(crate) async fn refused(request: RequestBuilder, status: u16, error: &str, challenge: Option<&str>) -> String {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let told = response.headers().get(header::WWW_AUTHENTICATE).map(|value| value.to_str().unwrap().to_owned());
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(body["error"], error);
    assert_eq!(body.as_object().unwrap().len(), 2);
    let description = body["error_description"].as_str().unwrap().to_owned();
    match challenge {
        None => assert_eq!(told, None),
        Some(scheme) => {
            let whole = format!("{scheme} error=\"{error}\", error_description=\"{description}\"");
            assert_eq!(told.as_deref(), Some(whole.as_str()));
        }
    }
    description
}

async fn ok(request: RequestBuilder) -> (Response, String) {
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut text = Vec::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
    }
    (response, String::from_utf8(text).unwrap())
}

pub(crate) async fn request_without_a_token_is_told_how_to_bring_one(web: &Web) {
    for request in [web.get("/me"), web.get("/admin"), web.get("/me").header("authorization", "Basic YTpi")] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer realm=\"session\"");
        let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert_eq!(body["error"], "unauthorized");
    }
}

pub(crate) async fn bad_token_is_refused_wherever_it_is(web: &Web) {
    let ada = web.ada().await;
    let tampered = format!("{}x", session_of(&ada));
    for token in ["nonsense", "", " ", "a.b.c", &tampered, refresh_of(&ada)] {
        if !token.trim().is_empty() {
            refused(web.get("/me").bearer_auth(token), 401, "invalid_token", Some("Bearer")).await;
            let cookie = format!("DS={token}");
            refused(web.get("/me").header("cookie", cookie), 401, "invalid_token", Some("Bearer")).await;
        }
    }
    // A good cookie does not make up for a bad header, and two headers contradict each other.
    let request = web.get("/me").header("cookie", both(&ada)).bearer_auth("nonsense");
    refused(request, 401, "invalid_token", Some("Bearer")).await;
    let request = web.get("/me").bearer_auth(session_of(&ada)).bearer_auth("nonsense");
    refused(request, 401, "invalid_token", Some("Bearer")).await;
    let request = web.get("/me").header("cookie", format!("DS=nonsense; DSR={}", session_of(&ada)));
    refused(request, 401, "invalid_token", Some("Bearer")).await;
    assert_eq!(web.calls("sessionRefresh"), 0);
}

pub(crate) async fn good_token_is_found_in_header_and_cookie(web: &Web) {
    let ada = web.ada().await;
    for scheme in ["Bearer", "bearer", "BEARER "] {
        let request = web.get("/me").header("authorization", format!("{scheme} {}", session_of(&ada)));
        let (response, text) = ok(request).await;
        assert_eq!(text, user_id(&ada));
        assert!(set_cookies(&response).is_empty());
    }
    let (response, text) = ok(web.get("/me").header("cookie", both(&ada))).await;
    assert_eq!(text, user_id(&ada));
    assert!(set_cookies(&response).is_empty());
    // The header goes before the cookie.
    let request = web.get("/me").header("cookie", "DS=nonsense").bearer_auth(session_of(&ada));
    assert_eq!(ok(request).await.1, user_id(&ada));
}

pub(crate) async fn expired_session_in_a_cookie_is_refreshed(web: &Web) {
    let ada = web.ada().await;
    web.an_hour_passes();
    refused(web.get("/me").header("cookie", format!("DS={}", session_of(&ada))), 401, "invalid_token", Some("Bearer"))
        .await;

    let (response, text) = ok(web.get("/me").header("cookie", both(&ada))).await;
    assert_eq!(text, user_id(&ada));
    let set = set_cookies(&response);
    assert_eq!(set.len(), 2, "{set:?}");
    for value in &set {
        assert!(value.contains("; HttpOnly") && value.contains("; SameSite=Strict") && value.contains("; Path=/"));
        assert!(value.contains("; Max-Age="), "{value}");
    }
    let new = cookie(&response, "DS").unwrap();
    assert_ne!(new, session_of(&ada));
    assert_eq!(ok(web.get("/me").header("cookie", format!("DS={new}"))).await.1, user_id(&ada));
    assert_eq!(web.calls("sessionRefresh"), 1);
}

pub(crate) async fn refresh_token_alone_is_enough(web: &Web) {
    let ada = web.ada().await;
    let (response, text) = ok(web.get("/me").header("cookie", format!("DSR={}", refresh_of(&ada)))).await;
    assert_eq!(text, user_id(&ada));
    assert!(cookie(&response, "DS").is_some());
}

pub(crate) async fn expired_session_in_a_header_is_not_refreshed(web: &Web) {
    let ada = web.ada().await;
    web.an_hour_passes();
    let request = web.get("/me").bearer_auth(session_of(&ada)).header("cookie", both(&ada));
    let description = refused(request, 401, "invalid_token", Some("Bearer")).await;
    assert_eq!(description, "the session has expired");
    assert_eq!(web.calls("sessionRefresh"), 0);
}

pub(crate) async fn refresh_that_cannot_work_costs_no_call(web: &Web) {
    let ada = web.ada().await;
    web.an_hour_passes();
    for refresh_jwt in ["nonsense", session_of(&ada)] {
        let cookies = format!("DS={}; DSR={refresh_jwt}", session_of(&ada));
        refused(web.get("/me").header("cookie", cookies), 401, "invalid_token", Some("Bearer")).await;
    }
    assert_eq!(web.calls("sessionRefresh"), 0);
    web.descope.session().logout(refresh_of(&ada)).await.unwrap();
    refused(web.get("/me").header("cookie", both(&ada)), 401, "invalid_token", Some("Bearer")).await;
    assert_eq!(web.calls("sessionRefresh"), 1);
}

pub(crate) async fn ended_refresh_token_costs_one_call_and_its_cookies_go(web: &Web) {
    let ada = web.ada().await;
    web.an_hour_passes();
    web.descope.session().logout(refresh_of(&ada)).await.unwrap();
    for _ in 0..5 {
        let response = web.get("/me").header("cookie", both(&ada)).send().await.unwrap();
        assert_eq!(response.status(), 401);
        let set = set_cookies(&response);
        assert_eq!(set.len(), 2, "{set:?}");
        assert!(set.iter().all(|value| value.contains("=; ") && value.contains("; Max-Age=0")), "{set:?}");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    }
    assert_eq!(web.calls("sessionRefresh"), 1);
}

pub(crate) async fn status_without_a_code_says_nothing_about_the_user(web: &Web) {
    let ada = web.ada().await;
    web.an_hour_passes();
    for status in [200, 302, 401, 403, 404, 405, 407, 413, 451] {
        web.emulator.fail_next("sessionRefresh", Fault::body(status, "text/html", "<html>blocked</html>"));
        let response = web.get("/me").header("cookie", both(&ada)).send().await.unwrap();
        assert_eq!(response.status(), 503, "{status}");
        assert!(set_cookies(&response).is_empty(), "{status}");
    }
    assert_eq!(ok(web.get("/me").header("cookie", both(&ada))).await.1, user_id(&ada));
}

pub(crate) async fn late_request_gets_the_tokens_of_the_refresh_before_it(web: &Web) {
    let ada = web.ada().await;
    web.an_hour_passes();
    let (first, _) = ok(web.get("/me").header("cookie", both(&ada))).await;
    let (late, _) = ok(web.get("/me").header("cookie", both(&ada))).await;
    assert!(cookie(&first, "DS").is_some());
    assert_eq!(cookie(&late, "DS"), cookie(&first, "DS"));
    assert_eq!(web.calls("sessionRefresh"), 1);
    for response in [first, late] {
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()[header::VARY], "Cookie, Authorization");
    }
}

/// As after the domain of the cookies was changed: the browser sends the old ones of the host, too, and first.
pub(crate) async fn any_good_cookie_counts(web: &Web) {
    let (ada, grace) = (web.ada().await, web.grace().await);
    let name = user_id(&ada).to_owned();
    for stale in ["nonsense", "eyJhbGciOiJub25lIn0.e30.", refresh_of(&ada)] {
        let cookies = format!("DS={stale}; DS={}; DSR={stale}; DSR={}", session_of(&ada), refresh_of(&ada));
        let (response, text) = ok(web.get("/me").header("cookie", cookies)).await;
        assert_eq!(text, name, "{stale}");
        assert!(set_cookies(&response).is_empty(), "{stale}: there was no need to refresh");
    }
    assert_eq!(web.calls("sessionRefresh"), 0);

    // An ended refresh token before the living one.
    web.descope.session().logout(refresh_of(&grace)).await.unwrap();
    web.an_hour_passes();
    let (old, living) = (both(&grace), both(&ada));
    let (response, text) = ok(web.get("/me").header("cookie", format!("{old}; {living}"))).await;
    assert_eq!(text, name);
    assert!(cookie(&response, "DS").is_some_and(|token| !token.is_empty()));
    assert_eq!(web.calls("sessionRefresh"), 2);

    // None of them is good.
    let response = web.get("/me").header("cookie", format!("{old}; DS=x; DSR=y")).send().await.unwrap();
    assert_eq!(response.status(), 401);
}

pub(crate) async fn concurrent_requests_share_one_refresh(web: &Web) {
    let ada = web.ada().await;
    web.an_hour_passes();
    web.emulator.fail_next("sessionRefresh", Fault::status(503));
    let requests: Vec<_> = (0..50).map(|_| tokio::spawn(web.get("/me").header("cookie", both(&ada)).send())).collect();
    for response in requests {
        assert_eq!(response.await.unwrap().unwrap().status(), 200);
    }
    // The failed attempt, whose repetition kept everybody waiting, and the one that succeeded; a request that came late
    // may have made another.
    let calls = web.calls("sessionRefresh");
    assert!((2..10).contains(&calls), "{calls}");
}

pub(crate) async fn role_decides(web: &Web) {
    let (ada, grace) = (web.ada().await, web.grace().await);
    refused(web.get("/admin").bearer_auth(session_of(&ada)), 403, "insufficient_scope", Some("Bearer")).await;
    let (_, text) = ok(web.get("/admin").bearer_auth(session_of(&grace))).await;
    assert_eq!(text, "the keys to everything");

    // Who is refused after a refresh still gets the new tokens.
    web.an_hour_passes();
    let response = web.get("/admin").header("cookie", both(&ada)).send().await.unwrap();
    assert_eq!(response.status(), 403);
    assert!(cookie(&response, "DS").is_some());
}

pub(crate) async fn outage_is_not_the_users_fault(web: &Web) {
    let ada = web.ada().await;
    // The application has not seen a token yet, so it has no keys.
    web.emulator.fail_next("sessionKeys", Fault::status(503).times(100));
    refused(web.get("/me").bearer_auth(session_of(&ada)), 503, "temporarily_unavailable", None).await;
}

// For the applications that can sign users in, and have pages for anybody.

pub(crate) async fn walk_through(web: &Web) {
    let post = |path: &str| web.request(Method::POST, path);
    assert_eq!(ok(web.get("/")).await.1, "Hello stranger");
    ok(post("/sign-in?email=ada@example.com")).await;
    let code = web.emulator.inbox().next("ada@example.com").await.code.unwrap();
    let wrong = post("/verify?email=ada@example.com&code=wrong").send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    let (response, user_id) = ok(post(&format!("/verify?email=ada@example.com&code={code}"))).await;
    let cookies = format!("DS={}; DSR={}", cookie(&response, "DS").unwrap(), cookie(&response, "DSR").unwrap());

    assert_eq!(ok(web.get("/").header("cookie", &cookies)).await.1, format!("Hello {user_id}"));
    let transfer = post("/transfer").header("cookie", &cookies);
    refused(transfer, 401, "insufficient_user_authentication", Some("Bearer")).await;
    refused(web.get("/tenants/T2acme").header("cookie", &cookies), 403, "insufficient_scope", Some("Bearer")).await;

    // Signing out takes the cookies away, also when the session had to be refreshed for it.
    web.an_hour_passes();
    let (response, _) = ok(post("/sign-out").header("cookie", &cookies)).await;
    let set = set_cookies(&response);
    assert_eq!(set.len(), 2, "{set:?}");
    assert!(set.iter().all(|value| value.contains("=; ") && value.contains("; Max-Age=0")), "{set:?}");
    assert_eq!(web.calls("sessionLogout"), 1);
    refused(web.get("/me").header("cookie", &cookies), 401, "invalid_token", Some("Bearer")).await;
}

pub(crate) async fn optional_session_lets_anybody_in(web: &Web) {
    let ada = web.ada().await;
    assert_eq!(ok(web.get("/").bearer_auth("nonsense")).await.1, "Hello stranger");
    assert_eq!(ok(web.get("/").header("cookie", both(&ada))).await.1, format!("Hello {}", user_id(&ada)));
    web.an_hour_passes();
    let (response, text) = ok(web.get("/").header("cookie", both(&ada))).await;
    assert_eq!(text, format!("Hello {}", user_id(&ada)));
    assert!(cookie(&response, "DS").is_some());
}

pub(crate) async fn tenant_of_the_path_decides(web: &Web) {
    let grace = web.grace().await;
    let (_, text) = ok(web.get("/tenants/T2acme").bearer_auth(session_of(&grace))).await;
    assert_eq!(text, "you are owner here");
    let other = web.get("/tenants/T2other").bearer_auth(session_of(&grace));
    refused(other, 403, "insufficient_scope", Some("Bearer")).await;
}

pub(crate) async fn step_up_opens_what_needs_one(web: &Web) {
    let ada = web.ada().await;
    let otp = web.descope.otp();
    let pending = otp.email("ada@example.com").sign_in().step_up(refresh_of(&ada)).send().await.unwrap();
    let code = web.emulator.inbox().next("ada@example.com").await.code.unwrap();
    let ada = pending.verify(code).await.unwrap();
    let transfer = web.request(Method::POST, "/transfer").bearer_auth(session_of(&ada));
    assert_eq!(ok(transfer).await.1, "done");
}
