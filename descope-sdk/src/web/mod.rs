//! Sessions in web frameworks: axum, actix-web, and everything that is made of tower services, as tonic.
//!
//! | feature | gives |
//! | --- | --- |
//! | `tower` | [`SessionLayer`], [`RequireLayer`] for any `http` service |
//! | `axum` | these, and [`Session`](crate::session::Session) and `Option<Session>` as extractors |
//! | `actix-web` | [`SessionMiddleware`], [`RequireMiddleware`], and the same extractors |
//!
//! A [`SessionPolicy`] says where the token of a request is and whether an expired session is refreshed. The layer made
//! of it refuses requests without a session, and puts the session of the others where handlers find it. What a session
//! must have beyond that is a [`Require`], on a group of routes or in the middle of a handler. Whatever is refused is
//! answered by a [`Refusal`].
#![cfg_attr(
    feature = "axum",
    doc = r#"
```
# #[tokio::main]
# async fn main() -> Result<(), Box<dyn std::error::Error>> {
# let emulator = descope_emulator::Emulator::builder().start().await?;
# let descope = emulator.descope()?;
use axum::{Router, routing::get};
use descope_sdk::session::Session;
use descope_sdk::web::{Refusal, Require, RequireLayer, SessionLayer, SessionPolicy};

async fn hello(session: Session) -> String {
    format!("Hello {}", session.user_id())
}

async fn invoices(session: Session) -> Result<&'static str, Refusal> {
    session.require(&Require::new().permission("invoices:read"))?;
    Ok("none due")
}

let app: Router = Router::new()
    .route("/admin", get(|| async { "all of it" }))
    .route_layer(RequireLayer::new(Require::new().role("admin")))
    .route("/hello", get(hello))
    .route("/invoices", get(invoices))
    .layer(SessionLayer::new(SessionPolicy::new(&descope).refresh()));
# let _ = app;
# Ok(())
# }
```
"#
)]
//!
//! # What to know
//!
//! - **Cookies and other sites.** A browser sends cookies by itself. The ones set here are `SameSite=Strict`, which keeps
//!   other sites from using them; with anything laxer, requests that change something need a defence of their own.
//!   An API that is not for browsers does well [without cookies](SessionPolicy::without_cookies).
//! - **Refresh.** Requests that refresh the same token at the same time share one call, and those that come within the next
//!   ten seconds get its answer. The new tokens reach the browser as cookies of the response. If the service refuses the
//!   refresh token, the response takes the cookies away.
//! - **Caches.** Every response behind a layer has `Vary: Cookie, Authorization`; one that sets or clears session cookies
//!   has `Cache-Control: no-store`, whatever the handler says, and so does every refusal. Cookies of the same names that a
//!   handler sets itself win over those of the layer.
//! - **Outages.** While the project's keys cannot be read, known keys go on serving for up to a day. Without keys, and when
//!   a refresh fails for any reason but the service's refusal, requests are answered 503 and not 401, and the cookies stay:
//!   nobody is sent to the sign-in page because of an outage.
//! - **Proofs of possession.** A client that uses more proofs than are remembered for one key is answered 429 with
//!   `Retry-After`, and its cookies stay. Where the memory of used proofs is full or fails, the answer is 503.
//! - **Renamed cookies.** Give the former names to
//!   [`former_token_names`](crate::session::SessionValidatorBuilder::former_token_names), or all of them to
//!   [`SessionPolicy::cookies`]: users who signed in under a former name stay signed in.

mod admission;
mod outgoing;
mod policy;
mod refusal;
mod require;

#[cfg(feature = "actix-web")]
mod actix;
#[cfg(feature = "axum")]
mod axum;
#[cfg(any(test, feature = "tower"))]
mod http_types;
#[cfg(feature = "tower")]
mod tower;

#[cfg(feature = "actix-web")]
pub use actix::{RequireMiddleware, RequireMiddlewareService, SessionMiddleware, SessionMiddlewareService};
pub use policy::{RefreshJwt, SessionPolicy};
pub use refusal::Refusal;
pub use require::Require;
#[cfg(feature = "tower")]
pub use tower::{RefusableBody, RequireFuture, RequireLayer, RequireService, SessionLayer, SessionService};
