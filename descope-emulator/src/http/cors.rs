//! What browsers want to be told before a page of another origin may call, credentials included.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use axum::response::{IntoResponse as _, Response};

/// The answer to a preflight request, when it is one.
pub(crate) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Response> {
    let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    if *method != Method::OPTIONS || !headers.contains_key(header::ORIGIN) {
        return None;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let answer = response.headers_mut();
    answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, wanted.clone());
    if let Some(names) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Some(response)
}

/// Lets the page that has asked read the answer, a refusal too. The origin is repeated because a browser does not take
/// `*` where credentials go along.
pub(crate) fn allow(origin: Option<&HeaderValue>, answer: &mut HeaderMap) {
    answer.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin else { return };
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    answer.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("cf-ray, retry-after, x-descope-known-device-token, x-descope-trusted-device-token"),
    );
}
