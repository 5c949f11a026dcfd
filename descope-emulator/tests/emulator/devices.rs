use descope_emulator::Emulator;
use reqwest::header;
use serde_json::{Value, json};

use crate::support::{ADA, Api};

const SIGN_IN: &str = "/v1/auth/password/signin";
const GOOD: &str = "Difference-Engine-2";

/// Signs in by a password as a further factor, and gives the body and the cookie of a trusted device.
async fn sign_in(api: &Api, refresh: &str, trusted: Option<&str>) -> (Value, Option<String>) {
    let body = json!({"loginId": ADA, "password": GOOD, "loginOptions": {"mfa": true}});
    let mut request = api.request("POST", SIGN_IN, Some(refresh)).json(&body);
    if let Some(trusted) = trusted {
        request = request.header(header::COOKIE, trusted);
    }
    let response = request.send().await.expect("an answer");
    let cookies = response.headers().get_all(header::SET_COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let trusted = cookies.filter(|cookie| cookie.starts_with("DTD=")).map(str::to_owned).next();
    (response.json().await.expect("JSON"), trusted)
}

#[tokio::test]
async fn the_token_of_a_trusted_device_is_a_cookie_where_tokens_are() {
    let emulator = Emulator::builder().device_tokens().tokens_in_cookies().start().await.expect("starts");
    let api = Api { emulator, http: reqwest::Client::new() };
    let sign_up = api.request("POST", "/v1/auth/password/signup", None);
    let answer = sign_up.json(&json!({"loginId": ADA, "password": GOOD})).send().await.expect("an answer");
    let cookies = answer.headers().get_all(header::SET_COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut cookies = cookies;
    let refresh = cookies.find_map(|cookie| cookie.strip_prefix("DSR=")).expect("a refresh token");
    let refresh = refresh.split(';').next().expect("a value").to_owned();

    let (body, cookie) = sign_in(&api, &refresh, None).await;
    assert_eq!(body["trustedDeviceJwt"], "");
    assert!(body["knownDeviceJwt"].as_str().is_some_and(|token| token.split('.').count() == 3));
    let cookie = cookie.expect("a cookie");
    assert!(cookie.contains("Max-Age=2592000") && cookie.contains("HttpOnly"), "{cookie}");

    let pair = cookie.split(';').next().expect("a pair");
    let (body, again) = sign_in(&api, &refresh, Some(pair)).await;
    assert_eq!((body.get("trustedDeviceJwt"), again), (None, None), "it is trusted already");
}

#[tokio::test]
async fn nobody_gets_device_tokens_who_has_not_asked_for_them() {
    let api = Api::start().await;
    let body = json!({"loginId": ADA, "password": GOOD});
    let answer = api.post("/v1/auth/password/signup", body).await.ok();
    assert!(answer.get("knownDeviceJwt").is_none() && answer.get("trustedDeviceJwt").is_none());
}
