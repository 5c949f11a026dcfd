//! Sessions in an application made with axum. Needs no account: it brings an emulated Descope along.
//!
//! ```sh
//! cargo run -p descope-sdk --features axum --example axum_app
//! ```
//!
//! It prints two addresses, that of the application and that of the emulator. In another terminal:
//!
//! ```sh
//! APP=http://127.0.0.1:3000 EMULATOR=http://127.0.0.1:…   # as printed
//!
//! curl $APP/                                             # Hello stranger
//! curl -i $APP/me                                        # 401, WWW-Authenticate: Bearer realm="session"
//! curl -i -H 'Authorization: Bearer nonsense' $APP/me    # 401, error="invalid_token"
//!
//! # Sign Ada in. Her code is in the inbox of the emulator.
//! curl -X POST "$APP/sign-in?email=ada@example.com"
//! curl "$EMULATOR/_emulator/inbox?to=ada@example.com"    # … "code": "123456" …
//! curl -i -c jar -X POST "$APP/verify?email=ada@example.com&code=123456"
//! curl -b jar -c jar $APP/me                             # her user id
//! curl -b jar -c jar $APP/admin                          # 403: she has no role
//! curl -b jar -c jar -X POST $APP/transfer               # 401, error="insufficient_user_authentication"
//!
//! # An hour later her session token has expired: she is served all the same, and gets new cookies.
//! curl -X POST "$EMULATOR/_emulator/clock" -H 'Content-Type: application/json' -d '{"advanceSeconds": 3600}'
//! curl -i -b jar -c jar $APP/me                          # 200, Set-Cookie: DS=…
//!
//! # Grace is an admin, and one of tenant T2acme. Sign her in the same way and look:
//! curl -b jar -c jar $APP/admin
//! curl -b jar -c jar $APP/tenants/T2acme
//! curl -b jar -c jar $APP/tenants/T2other                # 403
//!
//! curl -i -b jar -X POST $APP/sign-out                   # Set-Cookie: DS=; … Max-Age=0, which a browser obeys
//!
//! # This jar has kept the tokens: the session token is good until it expires, and there is no refresh any more.
//! curl -X POST "$EMULATOR/_emulator/clock" -H 'Content-Type: application/json' -d '{"advanceSeconds": 3600}'
//! curl -i -b jar $APP/me                                 # 401
//! ```

use axum::{
    Router,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use descope_emulator::Emulator;
use descope_sdk::{
    Descope, ErrorKind, LoginId, StatusCode,
    session::{Session, SessionCookies, SetCookies},
    vocabulary::UserStatus,
    web::{RefreshJwt, Refusal, Require, RequireLayer, SessionLayer, SessionPolicy},
};
use serde::Deserialize;

/// What the handlers share.
#[derive(Clone)]
struct Shared {
    descope: Descope,
    cookies: SessionCookies,
}

/// The application.
pub(crate) fn app(descope: Descope) -> Router {
    // Only because this runs without TLS; leave `secure` alone otherwise.
    let cookies = descope.session().cookies().secure(false);
    let policy = SessionPolicy::new(&descope).cookies(cookies.clone()).refresh();

    let anybody = Router::new()
        .route("/", get(home))
        .layer(SessionLayer::new(policy.clone().optional()))
        .route("/sign-in", post(sign_in))
        .route("/verify", post(verify));
    let admins = Router::new()
        .route("/admin", get(async || "the keys to everything"))
        .layer(RequireLayer::new(Require::new().role("admin")));
    let signed_in = Router::new()
        .route("/me", get(me))
        .route("/transfer", post(transfer))
        .route("/tenants/{tenant}", get(tenant))
        .route("/sign-out", post(sign_out))
        .merge(admins)
        .layer(SessionLayer::new(policy));
    anybody.merge(signed_in).with_state(Shared { descope, cookies })
}

/// A page that looks different for those who are signed in.
async fn home(session: Option<Session>) -> String {
    format!("Hello {}", session.as_ref().map_or("stranger", |session| session.user_id()))
}

async fn me(session: Session) -> String {
    session.user_id().to_owned()
}

/// What needs a fresh sign-in.
async fn transfer(session: Session) -> Result<&'static str, Refusal> {
    session.require(&Require::new().step_up())?;
    Ok("done")
}

/// What depends on the address.
async fn tenant(session: Session, Path(tenant): Path<String>) -> Result<String, Refusal> {
    session.require(&Require::new().tenant(&tenant))?;
    Ok(format!("you are {} here", session.tenant_roles(&tenant).join(", ")))
}

#[derive(Deserialize)]
struct Email {
    email: String,
}

#[derive(Deserialize)]
struct Code {
    email: String,
    code: String,
}

async fn sign_in(State(shared): State<Shared>, Query(Email { email }): Query<Email>) -> Result<&'static str, Failure> {
    shared.descope.otp().email(email).sign_up_or_in().send().await?;
    Ok("a code is on its way")
}

async fn verify(State(shared): State<Shared>, Query(form): Query<Code>) -> Result<(SetCookies, String), Failure> {
    let user = shared.descope.otp().email(form.email).verify(form.code).await?;
    let user_id = user.user().and_then(|user| user.user_id.clone()).unwrap_or_default();
    Ok((shared.cookies.set(&user)?, user_id))
}

async fn sign_out(
    State(shared): State<Shared>,
    RefreshJwt(refresh_jwt): RefreshJwt,
) -> Result<(SetCookies, &'static str), Failure> {
    let settings = shared.descope.session().logout(refresh_jwt).await?;
    Ok((shared.cookies.clear(&settings)?, "bye"))
}

/// A call that went wrong, as the user gets to hear of it.
struct Failure(descope_sdk::Error);

impl From<descope_sdk::Error> for Failure {
    fn from(error: descope_sdk::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self.0.kind() {
            ErrorKind::WrongCode | ErrorKind::Expired | ErrorKind::TooManyAttempts => {
                (StatusCode::UNAUTHORIZED, "that is not the code").into_response()
            }
            ErrorKind::InvalidArgument => (StatusCode::BAD_REQUEST, "that cannot be right").into_response(),
            _ => (StatusCode::BAD_GATEWAY, "try again later").into_response(),
        }
    }
}

/// A client for the emulator that shares its clock, so that time can be made to pass.
pub(crate) async fn prepare(emulator: &Emulator) -> descope_sdk::Result<Descope> {
    let descope = emulator.descope()?;
    let management = descope.management();
    management.roles().create("admin").send().await?;
    management.tenants().create("Acme").id("T2acme").send().await?;
    management.roles().create("owner").tenant_id("T2acme").send().await?;
    let grace = management.users().create(LoginId::new("grace@example.com")).verified_email(true);
    grace.role_names(["admin"]).tenant("T2acme", ["owner"]).status(UserStatus::ENABLED).send().await?;
    Ok(descope)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = prepare(&emulator).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("APP=http://{} EMULATOR={}", listener.local_addr()?, emulator.base_url());
    axum::serve(listener, app(descope)).await?;
    Ok(())
}
