//! What goes over the wire, and the tokens in it, which are signed when the lock is gone.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use descope_api::Secret;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    error::{BAD_REQUEST, Refusal},
    flow::{TRUST_LIFETIME, TRUSTED_DEVICE_COOKIE},
    world::{Settings, ids, keys::KeyRing},
};

/// A success.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content: Content,
    headers: Vec<(HeaderName, String)>,
    /// Whether the service leaves empty lists and maps out of this answer too.
    pub(crate) bare: bool,
}

/// What a success holds.
#[derive(Debug)]
pub(crate) enum Content {
    Json(Value),
    /// JSON of a media type of its own.
    TypedJson(&'static str, Value),
    /// A text with its media type, such as a page.
    Text(&'static str, String),
    Nothing,
}

impl Reply {
    fn new(status: StatusCode, content: Content) -> Self {
        Self { status, content, headers: Vec::new(), bare: false }
    }

    pub(crate) fn json<T: Serialize>(status: u16, body: &T) -> Result<Self, Refusal> {
        let body = serde_json::to_value(body).map_err(|error| {
            Refusal::new(&BAD_REQUEST, format!("The emulator could not write its answer: {error}"))
                .status(StatusCode::INTERNAL_SERVER_ERROR)
        })?;
        Ok(Self::new(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), Content::Json(body)))
    }

    /// JSON of a media type of its own.
    pub(crate) fn typed_json(kind: &'static str, body: Value) -> Self {
        Self::new(StatusCode::OK, Content::TypedJson(kind, body))
    }

    /// The cookies that it sets, as `NAME=VALUE; ...`.
    pub(crate) fn cookies(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(|(name, _)| *name == header::SET_COOKIE).map(|(_, value)| value.as_str())
    }

    /// Such JSON.
    pub(crate) fn typed(&self) -> Option<&Value> {
        match &self.content {
            Content::TypedJson(_, body) => Some(body),
            _ => None,
        }
    }

    /// The list that is a member of such JSON.
    pub(crate) fn typed_member(&mut self, name: &str) -> Option<&mut Vec<Value>> {
        match &mut self.content {
            Content::TypedJson(_, body) => body.get_mut(name)?.as_array_mut(),
            _ => None,
        }
    }

    /// Leaves empty lists and maps out.
    pub(crate) fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self::new(status, Content::Nothing)
    }

    /// Sends the browser on.
    pub(crate) fn redirect(location: impl Into<String>) -> Self {
        Self::empty(StatusCode::FOUND).header(header::LOCATION, location)
    }

    pub(crate) fn html(body: String) -> Self {
        Self::new(StatusCode::OK, Content::Text("text/html; charset=utf-8", body))
    }

    /// Adds a header. A value that cannot be one is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Puts the tokens in their places, and into cookies where the project wants that.
    pub(crate) fn finish(
        &mut self,
        unsigned: &Unsigned,
        keys: &KeyRing,
        cookies: Option<&Settings>,
    ) -> Result<(), Refusal> {
        if let Content::TypedJson(_, body) = &mut self.content {
            unsigned.put_into(body, keys)?;
        }
        if let Content::Json(body) = &mut self.content {
            unsigned.put_into(body, keys)?;
            if let Some(settings) = cookies.filter(|settings| settings.tokens_in_cookies) {
                self.headers.extend(move_to_cookies(body, settings));
            }
        }
        for (_, value) in &mut self.headers {
            unsigned.put_into_text(value, keys)?;
        }
        Ok(())
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = match self.content {
            Content::Json(body) => (self.status, axum::Json(body)).into_response(),
            Content::TypedJson(kind, body) => {
                (self.status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
            }
            Content::Text(kind, text) => (self.status, [(header::CONTENT_TYPE, kind)], text).into_response(),
            Content::Nothing => (self.status, Body::empty()).into_response(),
        };
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// Takes the tokens out of the answer to a sign-in, refresh or logout and makes cookies of them.
fn move_to_cookies(body: &mut Value, settings: &Settings) -> Vec<(HeaderName, String)> {
    let Some(fields) = body.as_object_mut().filter(|fields| fields.contains_key("cookieMaxAge")) else {
        return Vec::new();
    };
    let age = fields.get("cookieMaxAge").and_then(Value::as_i64).unwrap_or_default();
    let trusted = TRUSTED_DEVICE_COOKIE.to_owned();
    let cookies = [
        ("sessionJwt", &settings.session_cookie_name, age.min(settings.session_seconds)),
        ("refreshJwt", &settings.refresh_cookie_name, age),
        ("trustedDeviceJwt", &trusted, TRUST_LIFETIME),
    ];
    let mut headers = Vec::new();
    for (field, name, age) in cookies {
        let Some(Value::String(token)) = fields.get_mut(field) else { continue };
        let mut cookie =
            format!("{name}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite={}", settings.cookie_same_site);
        if settings.cookie_secure {
            cookie.push_str("; Secure");
        }
        if !settings.cookie_domain.is_empty() {
            cookie.push_str("; Domain=");
            cookie.push_str(&settings.cookie_domain);
        }
        headers.push((header::SET_COOKIE, cookie));
        token.clear();
    }
    headers
}

/// Tokens that wait for their signature. What stands in their place meanwhile holds a number that is drawn anew for
/// each call, so that nothing which a caller has sent can be taken for it.
#[derive(Debug)]
pub(crate) struct Unsigned {
    mark: String,
    claims: Vec<Map<String, Value>>,
}

impl Unsigned {
    pub(crate) fn new() -> Self {
        Self { mark: String::new(), claims: Vec::new() }
    }

    pub(crate) fn add(&mut self, claims: Map<String, Value>) -> Secret {
        if self.mark.is_empty() {
            self.mark = format!("unsigned-{}-", ids::alphanumeric(24));
        }
        self.claims.push(claims);
        format!("{}{}", self.mark, self.claims.len() - 1).into()
    }

    fn put_into_text(&self, text: &mut String, keys: &KeyRing) -> Result<(), Refusal> {
        let Some(number) = text.strip_prefix(self.mark.as_str()).filter(|_| !self.mark.is_empty()) else {
            return Ok(());
        };
        if let Some(claims) = number.parse::<usize>().ok().and_then(|number| self.claims.get(number)) {
            *text = keys.sign(claims)?;
        }
        Ok(())
    }

    fn put_into(&self, value: &mut Value, keys: &KeyRing) -> Result<(), Refusal> {
        if self.claims.is_empty() {
            return Ok(());
        }
        match value {
            Value::String(text) => self.put_into_text(text, keys),
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.put_into(item, keys)),
            Value::Object(fields) => fields.values_mut().try_for_each(|field| self.put_into(field, keys)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_are_signed_in_their_places_and_nothing_else_is_touched() {
        let mut unsigned = Unsigned::new();
        let keys = KeyRing::new();
        let claims = json!({"sub": "U2"}).as_object().cloned().expect("object");
        let place = unsigned.add(claims.clone());
        let body = json!({"sessionJwt": place.expose(), "names": ["unsigned-0", "x"], "n": 5});
        let mut reply = Reply::json(200, &body).expect("JSON");
        reply.finish(&unsigned, &keys, None).expect("signed");
        let Content::Json(body) = reply.content else { panic!("JSON") };
        assert_eq!(keys.verify(body["sessionJwt"].as_str().expect("text")), Some(claims));
        assert_eq!(body["names"], json!(["unsigned-0", "x"]));
    }

    #[test]
    fn tokens_go_into_cookies_where_the_project_says_so() {
        let settings = Settings {
            tokens_in_cookies: true,
            refresh_cookie_name: "__Secure-r".to_owned(),
            cookie_secure: true,
            cookie_domain: "example.com".to_owned(),
            ..Settings::default()
        };
        let body = json!({"sessionJwt": "s", "refreshJwt": "r", "cookieMaxAge": 1000});
        let mut reply = Reply::json(200, &body).expect("JSON");
        reply.finish(&Unsigned::new(), &KeyRing::new(), Some(&settings)).expect("signed");
        let cookies: Vec<_> = reply.headers.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(
            cookies,
            [
                "DS=s; Path=/; Max-Age=600; HttpOnly; SameSite=Strict; Secure; Domain=example.com",
                "__Secure-r=r; Path=/; Max-Age=1000; HttpOnly; SameSite=Strict; Secure; Domain=example.com",
            ]
        );
        let Content::Json(body) = reply.content else { panic!("JSON") };
        assert_eq!(body, json!({"sessionJwt": "", "refreshJwt": "", "cookieMaxAge": 1000}));
    }
}
