//! A login page by the vendor's web component, and the application behind it, which checks the sessions.

use axum::{Router, response::Html, routing::get};
use descope_emulator::Emulator;
use descope_sdk::{
    Descope, FlowStep,
    session::Session,
    web::{SessionLayer, SessionPolicy},
};
use http::StatusCode;
use tokio::net::TcpListener;

/// The component runs the flow with Descope and hands the session to the page, which takes it along to the application.
fn page(project: &str, descope: &str) -> String {
    format!(
        r#"<!doctype html>
<title>Sign in</title>
<script src="https://unpkg.com/@descope/web-component@4.3.2/dist/index.js"></script>
<descope-wc project-id="{project}" flow-id="sign-up-or-in" base-url="{descope}" base-cdn-url="{descope}"></descope-wc>
<p id="me"></p>
<script>
  document.querySelector('descope-wc').addEventListener('success', async ({{ detail }}) => {{
    const answer = await fetch('/me', {{ headers: {{ authorization: `Bearer ${{detail.sessionJwt}}` }} }});
    document.querySelector('#me').textContent = await answer.text();
  }});
</script>
"#
    )
}

fn app(descope: &Descope, login: String) -> Router {
    let me = async |session: Session| format!("You are {}", session.user_id());
    let signed_in = Router::new().route("/me", get(me)).layer(SessionLayer::new(SessionPolicy::new(descope)));
    Router::new().route("/", get(async move || Html(login))).merge(signed_in)
}

/// What the user does on the screen that is shown. The component sends the same.
async fn typed(descope: &Descope, step: &FlowStep, field: &str, text: &str) -> descope_sdk::Result<FlowStep> {
    let shown = step.response();
    let (run, at) = (shown.execution_id.clone().unwrap_or_default(), shown.step_id.clone().unwrap_or_default());
    descope.flow().next(run, at, "submit").input([(field, text)]).send().await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let login = page(emulator.project_id(), emulator.base_url());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let site = format!("http://localhost:{}", listener.local_addr()?.port());
    let serving = tokio::spawn(axum::serve(listener, app(&descope, login)).into_future());
    println!("the login page: {site}/   its mails: {}/_emulator/", emulator.base_url());
    if std::env::args().nth(1).is_some_and(|word| word == "serve") {
        serving.await??;
    }

    let browser = reqwest::Client::new();
    assert!(browser.get(format!("{site}/")).send().await?.text().await?.contains("<descope-wc"));
    let ask = descope.flow().start("sign-up-or-in").send().await?;
    let sent = typed(&descope, &ask, "email", "ada@example.com").await?;
    let code = emulator.inbox().next("ada@example.com").await.code.unwrap_or_default();
    let ada = typed(&descope, &sent, "code", &code).await?.into_authentication().ok_or("the flow has not ended")?;

    let me = browser.get(format!("{site}/me")).bearer_auth(ada.session_jwt().expose()).send().await?;
    println!("{}", me.text().await?);
    assert_eq!(browser.get(format!("{site}/me")).send().await?.status(), StatusCode::UNAUTHORIZED);
    Ok(())
}
