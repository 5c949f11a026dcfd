//! Answers of the service that bring their tokens in `Set-Cookie`, through a server on this machine.

#![no_main]

use std::sync::{Arc, Mutex};

use descope_sdk::{Descope, RetryPolicy};
use descope_sdk_fuzz::PROJECT;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A client, and a server that answers whatever it is told to.
struct Service {
    runtime: Runtime,
    descope: Descope,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Service {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let answer = Arc::new(Mutex::new(Vec::new()));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let base_url = format!("http://{}", listener.local_addr().expect("an address"));
        let answers = Arc::clone(&answer);
        runtime.spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let answers = Arc::clone(&answers);
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    // One read may bring a part of a request only; the body, `{}`, ends it.
                    while connection.read_buf(&mut request).await.is_ok_and(|length| length > 0) {
                        if request.ends_with(b"{}") {
                            request.clear();
                            let answer = answers.lock().expect("a lock").clone();
                            if connection.write_all(&answer).await.is_err() {
                                break;
                            }
                        }
                    }
                });
            }
        });
        let descope = Descope::builder(PROJECT).base_url(base_url).retry(RetryPolicy::none()).build();
        Self { runtime, descope: descope.expect("a client"), answer }
    }
}

thread_local! {
    static SERVICE: Service = Service::start();
}

const OLD: &str = "eyJhbGciOiJSUzI1NiJ9.eyJkcm4iOiJEU1IifQ.c2lnbmF0dXJl";

fuzz_target!(|data: &[u8]| {
    // One header a line. What cannot be in a header at all is the HTTP library's matter, not ours.
    let lines = data.split(|byte| *byte == b'\n').filter(|line| http::HeaderValue::from_bytes(line).is_ok());
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n".to_vec();
    for line in lines.take(50) {
        answer.extend([b"set-cookie: ", line, b"\r\n"].concat());
    }
    answer.extend(b"\r\n{}");
    SERVICE.with(|service| {
        *service.answer.lock().expect("a lock") = answer;
        let result = service.runtime.block_on(service.descope.session().refresh(OLD));
        if let Ok(session) = result {
            let (session_jwt, refresh_jwt) = session.into_tokens();
            let tokens = [Some(session_jwt), refresh_jwt.filter(|token| token.expose() != OLD)];
            for token in tokens.iter().flatten() {
                // A token is text from the answer, without what belongs to the cookie around it.
                assert!(!token.is_empty() && !token.expose().contains([';', '\n']));
                assert!(data.windows(token.expose().len()).any(|window| window == token.expose().as_bytes()));
            }
        }
    });
});
