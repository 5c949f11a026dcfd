//! What the raw client makes of answers: bodies of successes and refusals, `Retry-After`; and of parameters of paths.

#![no_main]

use std::time::SystemTime;

use descope_api::{Client, Config, Error, ErrorKind, RetryPolicy, types};
use descope_sdk_fuzz::{PROJECT, Service, split};
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode;
use serde::de::IgnoredAny;
use serde_json::Value;

thread_local! {
    static SERVICE: (Service, Client) = {
        let service = Service::start();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        let mut config = Config::new(&service.base_url, PROJECT);
        config.management_key = Some("K2RmxQ7w8E9r0T1y2U3i4O5p6As".into());
        config.retry = RetryPolicy::none();
        (service, Client::connect(http.expect("an HTTP client"), config).with_token("a.b.c"))
    };
}

fuzz_target!(|data: &[u8]| match split(data) {
    Some((0, body)) => success(body),
    Some((1, body)) => refusal(body),
    Some((2, value)) => retry_after(value),
    Some((_, text)) => parameter(&String::from_utf8_lossy(text)),
    None => {}
});

fn answer(status: u16, headers: &[u8], body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
    [head.as_bytes(), headers, b"\r\n", body].concat()
}

fn shown(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!("{cause} {cause:?}"));
    format!("{error} {error:?} {}", cause.unwrap_or_default())
}

/// Whatever is an object is read, and what it says of the tokens and of the user is kept, odd as the rest may be.
fn success(body: &[u8]) {
    SERVICE.with(|(service, client)| {
        let session =
            service.call(answer(200, b"", body), client.session_refresh(&types::SessionRefreshRequest::new()));
        let me = service.call(answer(200, b"", body), client.session_me()).0;
        match (serde_json::from_slice::<Value>(body), session.0) {
            (Ok(Value::Object(members)), Ok(session)) => {
                let text = |name: &str| members.get(name).and_then(Value::as_str);
                let session = session.into_inner();
                let token = |token: &Option<descope_api::Secret>| token.as_ref().map(|it| it.expose().to_owned());
                assert_eq!(token(&session.session_jwt).as_deref(), text("sessionJwt"));
                assert_eq!(token(&session.refresh_jwt).as_deref(), text("refreshJwt"));
                assert_eq!(me.expect("a user").into_inner().name.as_deref(), text("name"));
            }
            (Ok(Value::Object(_)), Err(error)) => panic!("an object is refused: {}", shown(&error)),
            // What is passed over need not be anything that could be kept, as a number beyond every double.
            (Err(_), Ok(_)) if is_object(body) => {}
            (_, Ok(_)) => assert!(body.trim_ascii().is_empty(), "something else is read"),
            (_, Err(error)) => assert_eq!(error.kind(), ErrorKind::Decode),
        }
    });
}

/// Whether a parser that keeps nothing takes a body for an object.
fn is_object(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// No message has a word of the body, apart from a code that is one.
fn refusal(body: &[u8]) {
    SERVICE.with(|(service, client)| {
        let error =
            service.call(answer(403, b"cf-ray: 8f1-FRA\r\n", body), client.session_me()).0.expect_err("a refusal");
        let words = match error.kind() {
            ErrorKind::Refused => "refused",
            ErrorKind::Intercepted => "something other than Descope answered",
            other => panic!("{other:?}"),
        };
        let code = error.code().map(|code| format!(" {code}")).unwrap_or_default();
        assert_eq!(error.to_string(), format!("session_me: {words} (403{code})"));
        assert_eq!(error.request_id(), Some("8f1-FRA"));
        let sdk = descope_sdk::Error::from(error);
        assert_eq!(sdk.status().map(|status| status.as_u16()), Some(403));
        let _ = format!("{sdk} {sdk:?}");
    });
}

/// What is read is what is there, and never a wait before now.
fn retry_after(value: &[u8]) {
    if http::HeaderValue::from_bytes(value).is_err() {
        return;
    }
    SERVICE.with(|(service, client)| {
        let headers = [b"retry-after: ", value, b"\r\n"].concat();
        let before = SystemTime::now();
        let error = service.call(answer(429, &headers, b"{}"), client.session_me()).0.expect_err("a refusal");
        let text = std::str::from_utf8(value).unwrap_or_default().trim();
        if let Ok(seconds) = text.parse::<u32>() {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            assert_eq!(error.retry_after().map(|wait| wait.as_secs()), digits.then_some(seconds.into()));
        }
        if let (Some(wait), Ok(date)) = (error.retry_after(), httpdate::parse_http_date(text)) {
            assert!(before.checked_add(wait).is_none_or(|end| end <= date.max(before)));
        }
    });
}

/// A parameter arrives as it is, in its own segment; or nothing is sent.
fn parameter(text: &str) {
    // More than any URL takes.
    if text.len() > 2000 {
        return;
    }
    SERVICE.with(|(service, client)| {
        let nothing = || answer(200, b"", b"{}");
        let calls = [
            (
                "DELETE /v1/mgmt/fga/backup/",
                service.call(nothing(), async { client.management_fga_delete_backup(text).await.map(drop) }),
            ),
            (
                "DELETE /scim/v2/Users/",
                service.call(nothing(), async { client.scim_users_delete(text).await.map(drop) }),
            ),
        ];
        for (start, (outcome, requests)) in calls {
            if matches!(text, "" | "." | "..") {
                assert_eq!(outcome.map_err(|error| error.kind()), Err(ErrorKind::InvalidRequest));
                assert!(requests.is_empty());
                continue;
            }
            let [request] = &*requests else { panic!("{} requests: {outcome:?}", requests.len()) };
            let line = request.split(|byte| *byte == b'\r').next().expect("a line");
            let segment = line.strip_prefix(start.as_bytes()).and_then(|rest| rest.strip_suffix(b" HTTP/1.1"));
            let segment = segment.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(line)));
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(byte);
            assert!(segment.iter().all(plain), "{}", String::from_utf8_lossy(segment));
            assert_eq!(percent_decode(segment).collect::<Vec<u8>>(), text.as_bytes());
        }
    });
}
