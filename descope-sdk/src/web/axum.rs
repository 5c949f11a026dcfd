//! Extractors and answers for axum.

use std::convert::Infallible;

use axum_core::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, IntoResponseParts, Response, ResponseParts},
};
use http::request::Parts;

use super::{RefreshJwt, Refusal, policy::found};
use crate::session::{Session, SetCookies};

/// For handlers that need somebody to be signed in. `Option<Session>` is for those that do not, on routes where the
/// session is [optional](super::SessionPolicy::optional).
impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        found(parts.extensions.get(), parts.extensions.get())
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Refusal> {
        match found(parts.extensions.get(), parts.extensions.get()) {
            Ok(session) => Ok(Some(session)),
            Err(Refusal::Misconfigured) => Err(Refusal::Misconfigured),
            Err(_) => Ok(None),
        }
    }
}

/// For handlers that do something with the session at the service, as ending it.
impl<S: Sync> FromRequestParts<S> for RefreshJwt {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        Self::find(&parts.extensions, &parts.headers)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.status();
        self.write_headers(response.headers_mut());
        response
    }
}

/// Sets the cookies when it is returned in front of a body.
impl IntoResponseParts for SetCookies {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        self.append_to(response.headers_mut());
        Ok(response)
    }
}
