//! The project as the provider of applications: the way of the browser.

use reqwest::redirect::Policy;
use serde_json::{Value, json};
use url::Url;

use crate::support::{ADA, Api, Reply, claims, refresh_of, text};

pub(crate) const BACK: &str = "https://app.example.com/callback";
/// A verifier and its challenge, from RFC 7636.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An application that is known at the provider.
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) secret: String,
}

/// A browser: it follows no redirect by itself and keeps the cookies that it gets.
pub(crate) struct Browser {
    http: reqwest::Client,
    cookies: std::sync::Mutex<Vec<String>>,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).build().expect("a client");
        Self { http, cookies: std::sync::Mutex::default() }
    }

    /// Where an address leads to.
    pub(crate) async fn open(&self, url: &str) -> Result<String, Reply> {
        let cookies = self.cookies.lock().expect("cookies").join("; ");
        let answer = self.http.get(url).header("cookie", cookies).send().await.expect("an answer");
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned();
            let name = pair.split('=').next().expect("a name").to_owned();
            let mut cookies = self.cookies.lock().expect("cookies");
            cookies.retain(|known| !known.starts_with(&format!("{name}=")));
            cookies.push(pair);
        }
        if let Some(next) = answer.headers().get("location") {
            return Ok(next.to_str().expect("text").to_owned());
        }
        let status = answer.status().as_u16();
        let body = answer.text().await.expect("a body");
        Err(Reply { status, body: serde_json::from_str(&body).unwrap_or(Value::String(body)) })
    }

    /// Opens the page of the emulator and decides on it.
    pub(crate) async fn decide(&self, page: &str, decision: &str) -> String {
        assert!(page.contains("/_emulator/authorize?"), "{page}");
        self.open(&format!("{page}&{decision}")).await.expect("back to the application")
    }
}

/// A form as it is posted.
fn form_of(http: &reqwest::Client, url: &str, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body)
}

/// A parameter of the query of an address.
pub(crate) fn param(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).expect("a URL");
    let found = url.query_pairs().find(|(known, _)| known == name);
    found.map(|(_, value)| value.into_owned())
}

impl Api {
    pub(crate) fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        Url::parse_with_params(&format!("{}{path}", self.emulator.base_url()), query).expect("a URL").into()
    }

    /// An application of a third party.
    pub(crate) async fn inbound(&self, more: Value) -> App {
        let mut body = json!({
            "name": "Partner", "loginPageUrl": "https://login.example.com", "approvedCallbackUrls": [BACK],
            "permissionsScopes": [{"name": "read", "description": "Read reports", "values": ["Reports"]}],
            "attributesScopes": [{"name": "plan", "description": "Your plan", "values": ["plan"], "optional": true}],
        });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let made = self.manage("/v1/mgmt/thirdparty/app/create", body).await.ok();
        let of = |name: &str| text(&made[name]).to_owned();
        App { id: of("id"), client_id: of("clientId"), secret: of("cleartext") }
    }

    /// A federated application.
    pub(crate) async fn federated(&self, more: Value) -> App {
        let mut body = json!({"name": "Portal", "approvedRedirectUrls": [BACK], "clientType": "confidential"});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let id = text(&self.manage("/v1/mgmt/sso/idp/app/oidc/create", body).await.ok()["id"]).to_owned();
        let key = self.emulator.management_key().to_owned();
        let app = self.get_as(&key, &format!("/v1/mgmt/sso/idp/app/load?id={id}")).await.ok();
        let secret = self.get_as(&key, &format!("/v1/mgmt/sso/idp/app/secret?id={id}")).await;
        let secret = secret.body["cleartext"].as_str().unwrap_or_default().to_owned();
        App { id, client_id: text(&app["oidcSettings"]["clientId"]).to_owned(), secret }
    }

    /// Posts a form as an application does.
    pub(crate) async fn form(&self, path: &str, app: Option<&App>, form: &[(&str, &str)]) -> Reply {
        let request = form_of(&self.http, &format!("{}{path}", self.emulator.base_url()), form);
        let request = match app {
            Some(app) => request.basic_auth(&app.client_id, Some(&app.secret)),
            None => request,
        };
        self.send(request).await
    }

    /// Asks who an access token belongs to.
    pub(crate) async fn user_info(&self, path: &str, token: &Value) -> Reply {
        let url = format!("{}{path}", self.emulator.base_url());
        self.send(self.http.get(url).bearer_auth(token.as_str().unwrap_or_default())).await
    }

    /// The way of a browser with PKCE up to the application, and what came back.
    pub(crate) async fn authorized(&self, path: &str, app: &App, scope: &str, decision: &str) -> String {
        let browser = Browser::new();
        let page = browser.open(&self.ask(path, app, scope, &[])).await.expect("a page");
        browser.decide(&page, decision).await
    }

    /// The address that an application sends a browser to.
    pub(crate) fn ask(&self, path: &str, app: &App, scope: &str, more: &[(&str, &str)]) -> String {
        let usual = [
            ("response_type", "code"),
            ("client_id", app.client_id.as_str()),
            ("redirect_uri", BACK),
            ("scope", scope),
            ("state", "st4te"),
            ("nonce", "n0nce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let kept = usual.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        let all: Vec<_> = kept.chain(more.iter().copied()).filter(|(_, value)| *value != "-").collect();
        self.url(path, &all)
    }

    /// Trades a code for tokens.
    pub(crate) async fn redeem(&self, path: &str, app: &App, code: &str) -> Reply {
        let form =
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", BACK), ("code_verifier", VERIFIER)];
        self.form(path, Some(app), &form).await
    }
}

impl Reply {
    /// Checks that it is a refusal in the words of OAuth.
    #[track_caller]
    pub(crate) fn oauth(self, status: u16, error: &str) -> String {
        assert_eq!((self.status, self.body["error"].as_str()), (status, Some(error)), "{}", self.body);
        assert_eq!(self.body.as_object().map(serde_json::Map::len), Some(2), "{}", self.body);
        text(&self.body["error_description"]).to_owned()
    }
}

pub(crate) const APPROVE: &str = "outcome=approve&loginId=ada%40example.com";

#[tokio::test]
async fn a_federated_application_signs_a_user_in() {
    let api = Api::start().await;
    let app = api.federated(json!({"claims": ["phone"]})).await;
    let profile = json!({"loginId": ADA, "email": ADA, "verifiedEmail": true, "name": "Ada", "phone": "+15551234567"});
    let user = api.user(profile).await;
    let browser = Browser::new();
    let page = browser.open(&api.ask("/oauth2/v1/authorize", &app, "openid profile email", &[])).await.expect("page");
    let shown = browser.open(&page).await.expect_err("a page");
    assert!(text(&shown.body).contains("Sign in to Portal") && text(&shown.body).contains(ADA), "{}", shown.body);
    let back = browser.decide(&page, APPROVE).await;
    assert!(back.starts_with(&format!("{BACK}?code=")), "{back}");
    assert_eq!(param(&back, "state").as_deref(), Some("st4te"));
    let code = param(&back, "code").expect("a code");
    let tokens = api.redeem("/oauth2/v1/token", &app, &code).await.ok();
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(600)));
    let id = claims(text(&tokens["id_token"]));
    let project = api.emulator.project_id();
    assert_eq!(id["iss"], format!("{}/{project}", api.emulator.base_url()));
    assert_eq!((&id["aud"], &id["sub"], &id["nonce"]), (&json!(app.client_id), &user["userId"], &json!("n0nce")));
    assert_eq!((&id["name"], &id["email"], &id["email_verified"]), (&json!("Ada"), &json!(ADA), &json!(true)));
    assert_eq!(id["phone_number"], "+15551234567", "the application is set to get it");
    let access = claims(text(&tokens["access_token"]));
    assert_eq!(access["aud"], json!([project, app.client_id]));
    assert_eq!((&access["scope"], &access["client_id"]), (&json!("openid profile email"), &json!(app.client_id)));
    let info = api.user_info("/oauth2/v1/userinfo", &tokens["access_token"]).await.ok();
    assert_eq!((&info["sub"], &info["name"]), (&user["userId"], &json!("Ada")));
    assert!(info.get("given_name").is_none() && info.get("userInfoClaims").is_none(), "{info}");
    // A session token is no access token of an application, and the other way round.
    let session = api.signed_in(ADA).await;
    api.user_info("/oauth2/v1/userinfo", &session["sessionJwt"]).await.oauth(401, "invalid_token");
    api.user_info("/oauth2/v1/apps/userinfo", &tokens["access_token"]).await.oauth(401, "invalid_token");
    api.user_info("/oauth2/v1/userinfo", &tokens["refresh_token"]).await.oauth(401, "invalid_token");
    api.user_info("/oauth2/v1/userinfo", &json!("")).await.oauth(401, "invalid_token");
    let me = api.send(api.request("GET", "/v1/auth/me", Some(text(&tokens["refresh_token"])))).await;
    me.refused(401, "E062504");
}

#[tokio::test]
async fn a_code_is_good_once_for_who_asked() {
    let api = Api::start().await;
    let app = api.federated(json!({})).await;
    let other = api.federated(json!({"name": "Other"})).await;
    let get = async || {
        let back = api.authorized("/oauth2/v1/authorize", &app, "openid", APPROVE).await;
        param(&back, "code").expect("a code")
    };
    let code = get().await;
    api.redeem("/oauth2/v1/token", &other, &code).await.oauth(400, "invalid_grant");
    let trade = async |more: &[(&str, &str)]| {
        let mut form = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        form.extend_from_slice(more);
        api.form("/oauth2/v1/token", Some(&app), &form).await
    };
    trade(&[("code_verifier", VERIFIER)]).await.oauth(400, "invalid_grant");
    trade(&[("redirect_uri", "https://evil.example.com/"), ("code_verifier", VERIFIER)])
        .await
        .oauth(400, "invalid_grant");
    trade(&[("redirect_uri", BACK)]).await.oauth(400, "invalid_grant");
    trade(&[("redirect_uri", BACK), ("code_verifier", "wrong")]).await.oauth(400, "invalid_grant");
    let tokens = api.redeem("/oauth2/v1/token", &app, &code).await.ok();
    api.user_info("/oauth2/v1/userinfo", &tokens["access_token"]).await.ok();
    // Somebody else has it too: what it bought ends.
    api.redeem("/oauth2/v1/token", &app, &code).await.oauth(400, "invalid_grant");
    api.user_info("/oauth2/v1/userinfo", &tokens["access_token"]).await.oauth(401, "invalid_token");
    let late = get().await;
    api.wait(61);
    api.redeem("/oauth2/v1/token", &app, &late).await.oauth(400, "invalid_grant");
    api.redeem("/oauth2/v1/token", &app, "guess").await.oauth(400, "invalid_grant");
}

#[tokio::test]
async fn clients_prove_who_they_are() {
    let api = Api::start().await;
    let app = api.federated(json!({})).await;
    let public = api.federated(json!({"name": "Phone", "clientType": "public"})).await;
    let code_of = async |app: &App| {
        param(&api.authorized("/oauth2/v1/authorize", app, "openid", APPROVE).await, "code").expect("a code")
    };
    let code = code_of(&app).await;
    let form = |more: &[(&'static str, String)]| {
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.clone()),
            ("redirect_uri", BACK.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ];
        form.extend_from_slice(more);
        form
    };
    let post = async |form: Vec<(&'static str, String)>| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        api.form("/oauth2/v1/token", None, &form).await
    };
    let id = ("client_id", app.client_id.clone());
    post(form(std::slice::from_ref(&id))).await.oauth(401, "invalid_client");
    post(form(&[id.clone(), ("client_secret", "wrong".to_owned())])).await.oauth(401, "invalid_client");
    post(form(&[("client_id", "nobody".to_owned()), ("client_secret", "x".to_owned())]))
        .await
        .oauth(401, "invalid_client");
    let assertion = ("client_assertion", "a.b.c".to_owned());
    post(form(&[id.clone(), assertion])).await.refused(501, "E990501");
    let both = [("grant_type", "authorization_code"), ("client_secret", app.secret.as_str())];
    api.form("/oauth2/v1/token", Some(&app), &both).await.oauth(400, "invalid_request");
    api.form("/oauth2/v1/token", Some(&app), &[]).await.oauth(400, "invalid_request");
    api.form("/oauth2/v1/token", Some(&app), &[("grant_type", "magic")]).await.oauth(400, "unsupported_grant_type");
    // A parameter that nobody knows is passed over (RFC 6749).
    let right = form(&[id, ("client_secret", app.secret.clone()), ("whatever", "x".to_owned())]);
    post(right).await.ok();
    let code = code_of(&public).await;
    let mine = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
        ("client_id", public.client_id.as_str()),
    ];
    api.form("/oauth2/v1/token", None, &mine).await.ok();
    let more = json!({"appId": app.id, "name": "soon", "expireTime": api.emulator.clock().now() + 100});
    let added = api.manage("/v1/mgmt/sso/idp/app/secret/add", more).await.ok();
    let with =
        App { id: String::new(), client_id: app.client_id.clone(), secret: text(&added["cleartext"]).to_owned() };
    let machine = [("grant_type", "client_credentials")];
    api.form("/oauth2/v1/token", Some(&with), &machine).await.ok();
    api.wait(101);
    api.form("/oauth2/v1/token", Some(&with), &machine).await.oauth(401, "invalid_client");
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_told_to_the_application() {
    let api = Api::start().await;
    let app = api.federated(json!({"forcePkce": true})).await;
    let ask =
        async |more: &[(&str, &str)]| Browser::new().open(&api.ask("/oauth2/v1/authorize", &app, "openid", more)).await;
    // Nobody who is not known is sent anywhere.
    ask(&[("client_id", "nobody")]).await.expect_err("here").oauth(401, "invalid_client");
    ask(&[("redirect_uri", "https://evil.example.com/")]).await.expect_err("here").oauth(400, "invalid_request");
    ask(&[("redirect_uri", "nowhere")]).await.expect_err("here").oauth(400, "invalid_request");
    ask(&[("redirect_uri", &format!("{BACK}#x"))]).await.expect_err("here").oauth(400, "invalid_request");
    for (more, error) in [
        (vec![("response_type", "id_token")], "unsupported_response_type"),
        (vec![("scope", "openid everything")], "invalid_scope"),
        (vec![("code_challenge", "-"), ("code_challenge_method", "-")], "invalid_request"),
        (vec![("code_challenge_method", "S512")], "invalid_request"),
        (vec![("code_challenge", "-")], "invalid_request"),
        (vec![("prompt", "none login")], "invalid_request"),
        (vec![("prompt", "now")], "invalid_request"),
        (vec![("prompt", "none")], "login_required"),
        (vec![("tenant", "T9")], "invalid_request"),
        (vec![("response_mode", "form_post")], "invalid_request"),
    ] {
        let back = ask(&more).await.expect("to the application");
        assert!(back.starts_with(BACK), "{back}");
        assert_eq!(param(&back, "error").as_deref(), Some(error), "{more:?}");
        assert_eq!(param(&back, "state").as_deref(), Some("st4te"));
    }
    ask(&[("flow_token", "x")]).await.expect_err("here").refused(501, "E990501");
    ask(&[("dpop_jkt", "x")]).await.expect_err("here").refused(501, "E990501");
    let refused = api.authorized("/oauth2/v1/authorize", &app, "openid", "outcome=refuse").await;
    assert_eq!(param(&refused, "error").as_deref(), Some("access_denied"));
    // A switched-off application, and one that may not use codes.
    let update =
        json!({"id": app.id, "name": "Portal", "approvedRedirectUrls": [BACK], "authorizationCodeDisabled": true});
    api.manage("/v1/mgmt/sso/idp/app/oidc/update", update).await.ok();
    let back = ask(&[]).await.expect("to the application");
    assert_eq!(param(&back, "error").as_deref(), Some("unauthorized_client"));
    let off = json!({"id": app.id, "name": "Portal", "approvedRedirectUrls": [BACK], "enabled": false});
    api.manage("/v1/mgmt/sso/idp/app/oidc/update", off).await.ok();
    ask(&[]).await.expect_err("here").oauth(400, "unauthorized_client");
}

#[tokio::test]
async fn the_page_takes_decisions_that_make_sense() {
    let api = Api::start().await;
    let app = api.federated(json!({})).await;
    let browser = Browser::new();
    let page = browser
        .open(&api.ask("/oauth2/v1/authorize", &app, "openid", &[("login_hint", "eve@x.org")]))
        .await
        .expect("page");
    assert!(text(&browser.open(&page).await.expect_err("a page").body).contains("eve@x.org"));
    let wrong = async |more: &str| browser.open(&format!("{page}{more}")).await.expect_err("refused");
    wrong("&outcome=shrug").await.refused(400, "E011004");
    wrong("&outcome=approve").await.refused(400, "E011003");
    wrong("&outcome=approve&loginId=nobody").await.refused(400, "E062108");
    wrong("&outcome=approve&loginId=a%40b.org&scope=other").await.refused(400, "E011004");
    wrong("x&outcome=refuse").await.refused(404, "E990404");
    api.user(json!({"loginId": ADA, "email": ADA})).await;
    api.manage("/v1/mgmt/user/update/status", json!({"loginId": ADA, "status": "disabled"})).await.ok();
    wrong(&format!("&{APPROVE}")).await.refused(400, "E011004");
    browser.decide(&page, "outcome=approve&loginId=new%40example.com").await;
    assert_eq!(api.user_now("new@example.com").await["verifiedEmail"], true, "who is unknown signs up");
    wrong("&outcome=refuse").await.refused(404, "E990404");
    let page =
        browser.open(&api.ask("/oauth2/v1/authorize", &app, "openid", &[("prompt", "login")])).await.expect("page");
    api.wait(601);
    browser.open(&page).await.expect_err("late").refused(404, "E990404");
}

#[tokio::test]
async fn a_browser_that_is_signed_in_goes_straight_back_until_the_logout() {
    let api = Api::start().await;
    let app = api.federated(json!({})).await;
    let browser = Browser::new();
    let ask = async |more: &[(&str, &str)]| {
        browser.open(&api.ask("/oauth2/v1/authorize", &app, "openid", more)).await.expect("on")
    };
    let page = ask(&[]).await;
    let first = browser.decide(&page, APPROVE).await;
    let tokens = api.redeem("/oauth2/v1/token", &app, &param(&first, "code").expect("a code")).await.ok();
    assert!(param(&ask(&[("prompt", "none")]).await, "code").is_some());
    assert!(ask(&[("prompt", "login")]).await.contains("/_emulator/authorize"));
    let id_token = text(&tokens["id_token"]);
    let logout = |more: &[(&str, &str)]| api.url("/oauth2/v1/logout", more);
    let bye = [("id_token_hint", id_token), ("post_logout_redirect_uri", BACK), ("state", "x1")];
    let no = async |more: &[(&str, &str)]| browser.open(&logout(more)).await.expect_err("refused");
    no(&[("id_token_hint", "a.b.c")]).await.oauth(400, "invalid_request");
    no(&[("id_token_hint", text(&tokens["access_token"]))]).await.oauth(400, "invalid_request");
    no(&[("id_token_hint", id_token), ("client_id", "other")]).await.oauth(400, "invalid_request");
    no(&[("id_token_hint", id_token), ("post_logout_redirect_uri", "https://evil.example.com")])
        .await
        .oauth(400, "invalid_request");
    no(&[("post_logout_redirect_uri", BACK)]).await.oauth(400, "invalid_request");
    api.user_info("/oauth2/v1/userinfo", &tokens["access_token"]).await.ok();
    assert_eq!(browser.open(&logout(&bye)).await.expect("on"), format!("{BACK}?state=x1"));
    api.user_info("/oauth2/v1/userinfo", &tokens["access_token"]).await.oauth(401, "invalid_token");
    assert_eq!(param(&ask(&[("prompt", "none")]).await, "error").as_deref(), Some("login_required"));
    let posted = api.form("/oauth2/v1/logout", None, &[("id_token_hint", id_token)]).await;
    assert_eq!(posted.status, 200, "reqwest follows to the emulator's own page");
}

#[tokio::test]
async fn an_own_page_finishes_the_sign_in() {
    let api = Api::start().await;
    let app = api.federated(json!({})).await;
    let browser = Browser::new();
    let ada = api.signed_in(ADA).await;
    let begin = async || {
        let page = browser.open(&api.ask("/oauth2/v1/authorize", &app, "openid", &[])).await.expect("a page");
        param(&page, "state_id").expect("the id of the sign-in")
    };
    let state_id = begin().await;
    let finish = |id: &str, more: &[(&str, &str)]| {
        let mut query = vec![("state_id", id)];
        query.extend_from_slice(more);
        api.url("/oauth2/v1/finish-authorize", &query)
    };
    browser.open(&finish("x", &[])).await.expect_err("refused").oauth(400, "invalid_request");
    browser.open(&finish(&state_id, &[])).await.expect_err("refused").oauth(400, "login_required");
    let failed = browser.open(&finish(&state_id, &[("error_redirect_uri", "https://app.example.com/no")])).await;
    assert_eq!(param(&failed.expect("on"), "error").as_deref(), Some("login_required"));
    browser.cookies.lock().expect("cookies").push(format!("DSR={}", refresh_of(&ada)));
    let other = finish(&state_id, &[("sso_app_id", "other")]);
    browser.open(&other).await.expect_err("refused").oauth(400, "invalid_request");
    let back = browser.open(&finish(&state_id, &[("sso_app_id", &app.id)])).await.expect("to the application");
    let tokens = api.redeem("/oauth2/v1/token", &app, &param(&back, "code").expect("a code")).await.ok();
    assert_eq!(claims(text(&tokens["id_token"]))["sub"], ada["user"]["userId"]);
    browser.open(&finish(&state_id, &[])).await.expect_err("used").oauth(400, "invalid_request");
    let form = begin().await;
    let url = format!("{}/oauth2/v1/finish-authorize", api.emulator.base_url());
    let bearer = format!("{}:{}", api.emulator.project_id(), refresh_of(&ada));
    let posted = form_of(&browser.http, &url, &[("state_id", form.as_str())]).bearer_auth(bearer);
    let answer = posted.send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 302);
}

#[tokio::test]
async fn an_application_that_the_path_names_has_an_issuer_of_its_own() {
    let api = Api::start().await;
    let app = api.federated(json!({})).await;
    let other = api.federated(json!({"name": "Other"})).await;
    let paths = |kind: &str| format!("/{}/oauth2/v1/{kind}", app.id);
    let back = api.authorized(&paths("authorize"), &app, "openid", APPROVE).await;
    let tokens = api.redeem(&paths("token"), &app, &param(&back, "code").expect("a code")).await.ok();
    let discovery = format!("{}/{}/{}", api.emulator.base_url(), api.emulator.project_id(), app.id);
    assert_eq!(claims(text(&tokens["id_token"]))["iss"], discovery.as_str());
    let known = api.send(api.http.get(format!("{discovery}/.well-known/openid-configuration"))).await.ok();
    assert_eq!(known["issuer"], discovery.as_str());
    assert_eq!(known["token_endpoint"], format!("{}{}", api.emulator.base_url(), paths("token")));
    api.user_info(&paths("userinfo"), &tokens["access_token"]).await.ok();
    let wrong = format!("/{}/oauth2/v1/userinfo", other.id);
    api.user_info(&wrong, &tokens["access_token"]).await.oauth(401, "invalid_token");
    let ask = Browser::new().open(&api.ask(&paths("authorize"), &other, "openid", &[])).await;
    ask.expect_err("not its path").oauth(401, "invalid_client");
    api.redeem(&paths("token"), &other, "x").await.oauth(401, "invalid_client");
    let bye = Browser::new().open(&api.url(&paths("logout"), &[("post_logout_redirect_uri", BACK)])).await;
    assert_eq!(bye.expect("on"), BACK);
    let none = api.send(api.http.get(format!("{discovery}x/.well-known/openid-configuration"))).await;
    none.refused(404, "E990404");
}

#[tokio::test]
async fn consents_to_applications_of_third_parties_are_recorded_and_taken_back() {
    let api = Api::start().await;
    let app = api.inbound(json!({})).await;
    api.manage("/v1/mgmt/permission/create", json!({"name": "Reports"})).await.ok();
    api.manage("/v1/mgmt/permission/create", json!({"name": "Secrets"})).await.ok();
    let role = json!({"name": "Analyst", "permissionNames": ["Reports", "Secrets"]});
    api.manage("/v1/mgmt/role/create", role).await.ok();
    let attribute = json!({"attributes": [{"name": "plan", "type": 1, "displayName": "Plan"}]});
    api.manage("/v1/mgmt/user/customattribute/create", attribute).await.ok();
    let user = json!({"loginId": ADA, "email": ADA, "roleNames": ["Analyst"], "customAttributes": {"plan": "gold"}});
    let user = api.user(user).await;
    let browser = Browser::new();
    let project = api.emulator.project_id();
    let path = format!("/oauth2/v1/apps/{project}/authorize");
    let ask =
        async |scope: &str, more: &[(&str, &str)]| browser.open(&api.ask(&path, &app, scope, more)).await.expect("on");
    let page = ask("openid read plan", &[]).await;
    assert!(text(&browser.open(&page).await.expect_err("a page").body).contains("Read reports"));
    let stubborn = browser.open(&format!("{page}&{APPROVE}&scope=openid&scope=plan")).await;
    stubborn.expect_err("read is not optional").refused(400, "E011004");
    let back = browser.decide(&page, &format!("{APPROVE}&scope=openid&scope=read")).await;
    let token = format!("/oauth2/v1/apps/{project}/token");
    let tokens = api.redeem(&token, &app, &param(&back, "code").expect("a code")).await.ok();
    assert_eq!(tokens["scope"], "openid read", "the optional one was refused");
    let access = claims(text(&tokens["access_token"]));
    assert_eq!(access["permissions"], json!(["Reports"]), "no more than what was agreed to");
    assert!(access.get("roles").is_none());
    assert_eq!(access["iss"], format!("{}/v1/apps/{project}", api.emulator.base_url()));
    let consents = async || api.manage("/v1/mgmt/thirdparty/consents/search", json!({"appId": app.id})).await.ok();
    let known = consents().await;
    assert_eq!((&known["total"], &known["consents"][0]["userId"]), (&json!(1), &user["userId"]));
    assert_eq!(known["consents"][0]["scopes"], json!(["openid", "read"]));
    assert!(param(&ask("read", &[]).await, "code").is_some(), "nothing new is asked for");
    assert!(ask("read", &[("prompt", "consent")]).await.contains("/_emulator/authorize"));
    let more = ask("read plan", &[]).await;
    assert!(param(&ask("read plan", &[("prompt", "none")]).await, "error") == Some("consent_required".to_owned()));
    let back = browser.decide(&more, APPROVE).await;
    let second = api.redeem(&token, &app, &param(&back, "code").expect("a code")).await.ok();
    let info = api.user_info(&format!("/oauth2/v1/apps/{project}/userinfo"), &second["access_token"]).await.ok();
    assert_eq!(info, json!({"sub": user["userId"], "plan": "gold"}));
    let known = consents().await;
    assert_eq!((&known["total"], &known["consents"][0]["scopes"]), (&json!(1), &json!(["openid", "read", "plan"])));
    api.manage("/v1/mgmt/thirdparty/consents/delete", json!({"appId": app.id})).await.ok();
    api.user_info("/oauth2/v1/apps/userinfo", &second["access_token"]).await.oauth(401, "invalid_token");
    let renew = [("grant_type", "refresh_token"), ("refresh_token", text(&second["refresh_token"]))];
    api.form(&token, Some(&app), &renew).await.oauth(400, "invalid_grant");
}

#[tokio::test]
async fn requests_are_pushed_ahead_of_the_browser() {
    let api = Api::start().await;
    let app = api.inbound(json!({})).await;
    let form = [
        ("client_id", app.client_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        ("scope", "read"),
        ("state", "pushed"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    api.form("/oauth2/v1/apps/par", None, &form).await.oauth(401, "invalid_client");
    let bad = [("client_id", app.client_id.as_str()), ("response_type", "code"), ("scope", "none")];
    api.form("/oauth2/v1/apps/par", Some(&app), &bad).await.oauth(400, "invalid_scope");
    let pushed = api.form("/oauth2/v1/apps/par", Some(&app), &form).await.ok();
    assert_eq!(pushed["expires_in"], 60);
    let start = |uri: &Value| {
        api.url("/oauth2/v1/apps/authorize", &[("client_id", app.client_id.as_str()), ("request_uri", text(uri))])
    };
    let browser = Browser::new();
    let page = browser.open(&start(&pushed["request_uri"])).await.expect("a page");
    let back = browser.decide(&page, APPROVE).await;
    assert_eq!(param(&back, "state").as_deref(), Some("pushed"));
    api.redeem("/oauth2/v1/apps/token", &app, &param(&back, "code").expect("a code")).await.ok();
    let again = browser.open(&start(&pushed["request_uri"])).await;
    again.expect_err("used").oauth(400, "invalid_request_uri");
    let late = api.form("/oauth2/v1/apps/par", Some(&app), &form).await.ok();
    api.wait(61);
    browser.open(&start(&late["request_uri"])).await.expect_err("late").oauth(400, "invalid_request_uri");
}

#[tokio::test]
async fn tenants_limit_who_may_use_an_application() {
    let api = Api::start().await;
    for tenant in ["T1", "T2"] {
        api.tenant(tenant).await;
    }
    let app = api.inbound(json!({"allowedTenants": ["T1"]})).await;
    api.user(json!({"loginId": ADA, "email": ADA, "userTenants": [{"tenantId": "T1"}, {"tenantId": "T2"}]})).await;
    api.user(json!({"loginId": "bob@example.com", "email": "bob@example.com"})).await;
    let browser = Browser::new();
    let page =
        browser.open(&api.ask("/oauth2/v1/apps/authorize", &app, "read", &[("tenant", "T1")])).await.expect("page");
    let bob = browser.open(&format!("{page}&outcome=approve&loginId=bob%40example.com")).await;
    bob.expect_err("not of the tenant").refused(400, "E011004");
    let back = browser.decide(&page, APPROVE).await;
    let tokens = api.redeem("/oauth2/v1/apps/token", &app, &param(&back, "code").expect("a code")).await.ok();
    assert_eq!(claims(text(&tokens["access_token"]))["dct"], "T1");
    let back =
        browser.open(&api.ask("/oauth2/v1/apps/authorize", &app, "read", &[("tenant", "T2")])).await.expect("on");
    assert_eq!(param(&back, "error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn discovery_names_what_there_is() {
    let api = Api::start().await;
    let project = api.emulator.project_id();
    let get = async |path: &str| api.send(api.http.get(format!("{}{path}", api.emulator.base_url()))).await;
    for (path, inbound) in [
        (format!("/{project}/.well-known/openid-configuration"), false),
        (format!("/.well-known/oauth-authorization-server/{project}"), false),
        (format!("/v1/apps/{project}/.well-known/openid-configuration"), true),
        (format!("/{project}/.well-known/oauth-authorization-server?isThirdPartyApps=true"), true),
        (format!("/v1/apps/{project}/.well-known/oauth-authorization-server?urlsWithProjectID=true"), true),
    ] {
        let known = get(&path).await.ok();
        assert_eq!(known.get("end_session_endpoint").is_none(), inbound);
        for name in ["token_endpoint", "revocation_endpoint", "device_authorization_endpoint", "userinfo_endpoint"] {
            let url = text(&known[name]);
            let answer = api.http.post(url).send().await.expect("an answer");
            assert!(![404, 405, 501].contains(&answer.status().as_u16()), "{url} {}", answer.status());
        }
        let keys = api.send(api.http.get(text(&known["jwks_uri"]))).await.ok();
        assert_eq!(keys["keys"][0]["alg"], "RS256");
        assert_eq!(known["code_challenge_methods_supported"][0], "S256");
    }
    get(&format!("/{project}/.well-known/openid-configuration?ssoAppId=none")).await.refused(404, "E990404");
    get(&format!("/{project}/.well-known/openid-configuration?mfa=true")).await.refused(501, "E990501");
    let other =
        get(&format!("/{project}/.well-known/openid-configuration?baseUrl=https%3A%2F%2Fauth.example.com%2F")).await;
    assert_eq!(other.ok()["issuer"], format!("https://auth.example.com/{project}"));
    let preloaded = format!("/{project}/.well-known/openid-configuration?usePreLoadedClaims=true&claims=a&claims=b");
    assert_eq!(get(&preloaded).await.ok()["claims_supported"], json!(["a", "b"]));
}
