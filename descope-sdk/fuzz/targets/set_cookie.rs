//! Answers of the service that bring their tokens in `Set-Cookie`, through a server on this machine.

#![no_main]

use std::cell::Cell;

use descope_sdk::{Descope, RetryPolicy};
use descope_sdk_fuzz::{PROJECT, Service, encode};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static SERVICE: (Service, Descope) = {
        let service = Service::start();
        let descope = Descope::builder(PROJECT).base_url(&service.base_url).retry(RetryPolicy::none()).build();
        (service, descope.expect("a client"))
    };
    static TOKENS: Cell<u64> = const { Cell::new(0) };
}

/// A refresh token that has not been used: the outcome for one that has is kept for a while.
fn unused() -> String {
    let number = TOKENS.replace(TOKENS.get() + 1);
    format!("eyJhbGciOiJSUzI1NiJ9.eyJkcm4iOiJEU1IifQ.{}", encode(number.to_be_bytes()))
}

fuzz_target!(|data: &[u8]| {
    // One header a line. What cannot be in a header at all is the HTTP library's matter, not ours.
    let lines = data.split(|byte| *byte == b'\n').filter(|line| http::HeaderValue::from_bytes(line).is_ok());
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n".to_vec();
    for line in lines.take(50) {
        answer.extend([b"set-cookie: ", line, b"\r\n"].concat());
    }
    answer.extend(b"\r\n{}");
    let old = unused();
    SERVICE.with(|(service, descope)| {
        let (result, _) = service.call(answer, descope.session().refresh(&*old));
        if let Ok(session) = result {
            let (session_jwt, refresh_jwt) = session.into_tokens();
            let tokens = [Some(session_jwt), refresh_jwt.filter(|token| token.expose() != old)];
            for token in tokens.iter().flatten() {
                // A token is text from the answer, without what belongs to the cookie around it.
                assert!(!token.is_empty() && !token.expose().contains([';', '\n']));
                assert!(data.windows(token.expose().len()).any(|window| window == token.expose().as_bytes()));
            }
        }
    });
});
