//! What is logged while requests come in holds no token. A program of its own, since a log is one for all threads.

mod web;

#[path = "web/tower.rs"]
mod tower_app;

use std::{
    io,
    sync::{Arc, Mutex},
};

use descope_emulator::Fault;
use tower_app::start;
use tracing_subscriber::filter::LevelFilter;
use web::{Web, both, cookie, refresh_of, session_of};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_tells_what_happened_and_no_token() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false);
    subscriber.with_writer(move || writer.clone()).init();

    let down = Web::new(start).await;
    down.emulator.fail_next("sessionKeys", Fault::body(200, "application/json", r#"{"keys": ["marked-key"]}"#));
    let nobody = down.ada().await;
    assert_eq!(down.get("/me").bearer_auth(session_of(&nobody)).send().await.unwrap().status(), 503);

    let web = Web::new(start).await;
    let ada = web.ada().await;
    let ask = async |cookies: &str| web.get("/me?code=marked-query").header("cookie", cookies).send().await.unwrap();
    assert_eq!(web.get("/me").bearer_auth("marked-token").send().await.unwrap().status(), 401);
    assert_eq!(ask("DS=marked-session; DSR=marked-refresh").await.status(), 401);
    web.an_hour_passes();
    web.emulator.fail_next("sessionRefresh", Fault::error(500, "E061005", "marked-text-of-some-length-here"));
    assert_eq!(ask(&both(&ada)).await.status(), 503);
    let refreshed = ask(&both(&ada)).await;
    assert_eq!(refreshed.status(), 200);
    let (session, refresh) = (cookie(&refreshed, "DS").unwrap(), cookie(&refreshed, "DSR"));

    let text = String::from_utf8_lossy(&lines.0.lock().unwrap()).into_owned();
    for told in [
        "the project's public keys could not be read",
        "read the project's public keys",
        "the session token of a request is not good",
        "the session of a request could not be refreshed",
    ] {
        assert!(text.contains(told), "{told} is not logged");
    }
    let known =
        [session_of(&nobody), session_of(&ada), refresh_of(&ada), &session].into_iter().chain(refresh.as_deref());
    for secret in known.flat_map(|token| token.split('.')).filter(|part| part.len() > 3).chain(["marked"]) {
        assert!(!text.contains(secret), "{secret} is logged");
    }
}
