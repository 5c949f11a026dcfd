//! The mocks match what the raw client sends, and answer what it reads.

use descope_api::{Client, Config, RetryPolicy, types};
use descope_httpmock::MockServerExt as _;
use httpmock::MockServer;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("as the type is documented")
}

fn client(server: &MockServer) -> Client {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    let mut config = Config::new(server.base_url(), "P2RmuXyZ0123456789abcdefghij");
    config.management_key = Some("K2Rm-management-key".into());
    config.retry = RetryPolicy::none();
    Client::connect(http.build().expect("a client"), config)
}

#[tokio::test]
async fn body_is_compared_and_the_typed_answer_comes_back() {
    let server = MockServer::start_async().await;
    let expected: types::OtpVerifyRequest = read(json!({"loginId": "ada@example.com", "code": "123456"}));
    let session: types::JwtResponse = read(json!({"sessionJwt": "a.b.c", "firstSeen": true}));
    let mock = server.otp_verify_email(|when, then| {
        when.body(&expected);
        then.success(200, &session);
    });

    let client = client(&server);
    let answer = client.otp_verify_email(&expected).await.expect("the mock answers");
    assert_eq!(answer.first_seen, Some(true));
    assert_eq!(answer.session_jwt.as_ref().map(descope_api::Secret::expose), Some("a.b.c"));
    mock.assert_async().await;

    let other = read(json!({"loginId": "ada@example.com", "code": "654321"}));
    assert!(client.otp_verify_email(&other).await.is_err());
    mock.assert_async().await;
}

#[tokio::test]
async fn refusal_comes_with_its_status_and_code() {
    let server = MockServer::start_async().await;
    let refusal: types::ErrorResponse = read(json!({"errorCode": "E061102", "errorDescription": "Wrong OTP code"}));
    server.otp_verify_email(|_when, then| {
        then.client_error(401, &refusal);
    });
    let body = read(json!({"loginId": "ada@example.com", "code": "123456"}));
    let error = client(&server).otp_verify_email(&body).await.expect_err("the mock refuses");
    assert!(error.status().is_some_and(|status| status.as_u16() == 401));
}

#[tokio::test]
async fn path_parameters_are_compared_to_the_letter() {
    for id in ["U2Rm0123", "a/b", "a.c", "ada+1@example.com", "größe", "(a|b)", "100%"] {
        let server = MockServer::start_async().await;
        let user: types::ScimUserResponse = read(json!({"id": id, "userName": "ada", "schemas": []}));
        let mock = server.scim_users_load(|when, then| {
            when.user_id(id);
            then.success(200, &user);
        });
        let client = client(&server).with_token("access-key");
        client.scim_users_load(id).await.unwrap_or_else(|error| panic!("{id}: {error:?}"));
        mock.assert_async().await;
        assert!(client.scim_users_load("abc").await.is_err(), "{id}");
        mock.assert_async().await;
    }
}

#[tokio::test]
async fn query_is_compared_present_and_absent() {
    let server = MockServer::start_async().await;
    let users: types::ScimUserListResponse = read(json!({"totalResults": 0, "Resources": []}));
    let mock = server.scim_users_search(|when, then| {
        when.count(2).filter("userName eq \"ada\"").start_index(None);
        then.success(200, &users);
    });
    let client = client(&server).with_token("access-key");
    client.scim_users_search(Some(2), Some("userName eq \"ada\""), None).await.expect("as expected");
    mock.assert_async().await;
    assert!(client.scim_users_search(Some(2), Some("userName eq \"ada\""), Some(1)).await.is_err());
    assert!(client.scim_users_search(Some(3), None, None).await.is_err());
    mock.assert_async().await;
}
