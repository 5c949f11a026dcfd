//! Sessions in an application made with actix-web. Needs no account: it brings an emulated Descope along.
//!
//! ```sh
//! cargo run -p descope-sdk --features actix-web --example actix_app
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

use std::fmt;

use actix_web::{
    App, HttpResponse, HttpServer, ResponseError,
    http::StatusCode,
    web::{self, Data, Path, Query, ServiceConfig, get, post},
};
use descope_emulator::Emulator;
use descope_sdk::{
    Descope, ErrorKind, LoginId,
    session::{Session, SessionCookies},
    vocabulary::UserStatus,
    web::{RefreshJwt, Refusal, Require, RequireMiddleware, SessionMiddleware, SessionPolicy},
};
use serde::Deserialize;

/// What the handlers share.
struct Shared {
    descope: Descope,
    cookies: SessionCookies,
}

/// The application.
pub(crate) fn configure(descope: Descope) -> impl Fn(&mut ServiceConfig) + Clone {
    // Only because this runs without TLS; leave `secure` alone otherwise.
    let cookies = descope.session().cookies().secure(false);
    let policy = SessionPolicy::new(&descope).cookies(cookies.clone()).refresh();
    let shared = Data::new(Shared { descope, cookies });
    move |app| {
        let optional = SessionMiddleware::new(policy.clone().optional());
        let admins_only = RequireMiddleware::new(Require::new().role("admin"));
        app.app_data(shared.clone())
            .service(web::resource("/").wrap(optional).route(get().to(home)))
            .route("/sign-in", post().to(sign_in))
            .route("/verify", post().to(verify))
            .service(
                web::scope("")
                    .wrap(SessionMiddleware::new(policy.clone()))
                    .route("/me", get().to(me))
                    .route("/transfer", post().to(transfer))
                    .route("/tenants/{tenant}", get().to(tenant))
                    .route("/sign-out", post().to(sign_out))
                    .service(
                        web::resource("/admin").wrap(admins_only).route(get().to(async || "the keys to everything")),
                    ),
            );
    }
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
async fn tenant(session: Session, tenant: Path<String>) -> Result<String, Refusal> {
    session.require(&Require::new().tenant(tenant.as_str()))?;
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

async fn sign_in(shared: Data<Shared>, form: Query<Email>) -> Result<&'static str, Failure> {
    shared.descope.otp().email(form.into_inner().email).sign_up_or_in().send().await?;
    Ok("a code is on its way")
}

async fn verify(shared: Data<Shared>, form: Query<Code>) -> Result<HttpResponse, Failure> {
    let Code { email, code } = form.into_inner();
    let user = shared.descope.otp().email(email).verify(code).await?;
    let user_id = user.user().and_then(|user| user.user_id.clone()).unwrap_or_default();
    let mut response = HttpResponse::Ok();
    shared.cookies.set(&user)?.append_to_response(&mut response);
    Ok(response.body(user_id))
}

async fn sign_out(shared: Data<Shared>, refresh_jwt: RefreshJwt) -> Result<HttpResponse, Failure> {
    let settings = shared.descope.session().logout(refresh_jwt.0).await?;
    let mut response = HttpResponse::Ok();
    shared.cookies.clear(&settings)?.append_to_response(&mut response);
    Ok(response.body("bye"))
}

/// A call that went wrong, as the user gets to hear of it.
#[derive(Debug)]
struct Failure(descope_sdk::Error);

impl From<descope_sdk::Error> for Failure {
    fn from(error: descope_sdk::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.kind() {
            ErrorKind::WrongCode | ErrorKind::Expired | ErrorKind::TooManyAttempts => "that is not the code",
            ErrorKind::InvalidArgument => "that cannot be right",
            _ => "try again later",
        })
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        match self.0.kind() {
            ErrorKind::WrongCode | ErrorKind::Expired | ErrorKind::TooManyAttempts => StatusCode::UNAUTHORIZED,
            ErrorKind::InvalidArgument => StatusCode::BAD_REQUEST,
            _ => StatusCode::BAD_GATEWAY,
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
    let configure = configure(prepare(&emulator).await?);
    let server = HttpServer::new(move || App::new().configure(configure.clone())).bind(("127.0.0.1", 3000))?;
    println!("APP=http://127.0.0.1:3000 EMULATOR={}", emulator.base_url());
    server.run().await?;
    Ok(())
}
