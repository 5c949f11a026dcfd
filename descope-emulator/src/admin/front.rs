//! The emulator's page: what is in the emulator, as it happens, for the person in front of it.

use axum::{
    body::Body,
    extract::{Extension, Path, State as Shared},
    response::{IntoResponse as _, Response},
};
use descope_api::Secret;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{Answer, AppState, Pairs, body_of, given, hosts::Hosts, members::Members, only, project};
use crate::{
    error::{MANAGEMENT_UNAUTHORIZED, NOT_FOUND, Refusal},
    http::{
        App,
        dispatch::{Peer, respond},
    },
};

const PAGE: &str = include_str!("../page/index.html");
/// What the page is made of besides, by name and media type.
const FILES: [(&str, &str, &str); 3] = [
    ("app.js", "text/javascript; charset=utf-8", include_str!("../page/app.js")),
    ("style.css", "text/css; charset=utf-8", include_str!("../page/style.css")),
    ("icon.svg", "image/svg+xml", include_str!("../page/icon.svg")),
];
/// Nothing from elsewhere, no script but the one in the file, no markup out of texts, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

/// Whether a page is wanted rather than JSON: what browsers ask for, and programs do not.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let weight = |wanted: &str| {
        let all = headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
        let ranges = all.flat_map(|accept| accept.split(','));
        ranges.filter_map(|range| weight_in(range, wanted)).fold(0.0, f32::max)
    };
    let page = weight("text/html");
    page > 0.0 && page >= weight("application/json")
}

/// How much a media range wants a type, when it names it.
fn weight_in(range: &str, wanted: &str) -> Option<f32> {
    let mut parts = range.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(wanted) {
        return None;
    }
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some(weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
}

/// What is said of the page, and of all that stands below `/_emulator`: it is not for other origins.
pub(super) fn close_off(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_FRAME_OPTIONS, "DENY"),
        // There are tokens in the links of messages, but not in the address of the page; neither is anybody's business.
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        // Another version of the emulator may be on this port tomorrow.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}

pub(super) fn page() -> Response {
    file("text/html; charset=utf-8", PAGE)
}

/// One of the files that the page is made of.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, text)) => file(kind, text),
        None => respond(Err(
            Refusal::new(&NOT_FOUND, format!("The page has no file {name:?}")).status(StatusCode::NOT_FOUND)
        )),
    }
}

/// The key by which the page calls the management API. It is given to who asks at this computer, and to who knows the
/// management key.
pub(super) async fn key(
    Shared(app): AppState,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let key = async {
        let mut members = Members::new(body_of::<Map<String, Value>>(body).await?);
        let given = members.text("managementKey")?.map(Secret::from);
        members.finish()?;
        let home = Hosts::is_at_home(peer.map(|Extension(Peer(ip))| ip), &headers);
        let knows = given.as_ref().is_some_and(|given| *given == Secret::from(app.management_key.as_str()));
        if !knows && (given.is_some() || !home) {
            let message = "The page gets a key without being asked for one only on the computer of the emulator, at localhost; \
                           elsewhere it takes the management key that the emulator has printed at its start";
            return Err(Refusal::new(&MANAGEMENT_UNAUTHORIZED, message));
        }
        Ok(json!({"key": app.page_key().expose()}))
    };
    let mut response = super::answer(key.await);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The operations that are carried out here.
pub(super) fn operations(app: &App) -> Value {
    let emulated = descope_api::OPERATIONS.iter().filter(|operation| app.table.get(operation.id).is_some());
    let told =
        emulated.map(|operation| json!({"id": operation.id, "method": operation.method, "path": operation.path}));
    json!({"operations": told.collect::<Vec<_>>()})
}

/// The sessions of a project, those that last longest first.
pub(super) fn sessions(app: &App, query: &Pairs) -> Answer {
    only(query, &["project", "userId"])?;
    let project = project(app, query)?;
    let now = app.world.clock.now();
    let state = project.state();
    let wanted = given(query, "userId");
    let mut sessions: Vec<_> =
        state.sessions.iter().filter(|session| wanted.is_none_or(|user| session.user_id == user)).collect();
    sessions.sort_by(|one, other| (other.expires_at, &other.id).cmp(&(one.expires_at, &one.id)));
    let told = sessions.into_iter().map(|session| {
        let user = state.users.get(&session.user_id);
        let status = match () {
            () if session.revoked => "revoked",
            () if session.expires_at <= now => "expired",
            () => "active",
        };
        json!({
            "id": session.id,
            "userId": session.user_id,
            "loginIds": user.map(|user| user.login_ids.clone()).unwrap_or_default(),
            "status": status,
            "amr": session.amr,
            "tenant": session.tenant,
            "claims": session.claims,
            "clientClaims": session.nsec,
            "actor": session.actor,
            "steppedUpUntil": session.stepped_up_until,
            "expiresAt": session.expires_at,
        })
    });
    Ok(json!({"sessions": told.collect::<Vec<_>>()}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_want_a_page_and_programs_do_not() {
        let wants = |accept: &str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_str(accept).expect("a value"))]);
            is_wanted(&headers)
        };
        for page in [
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "text/html",
            "TEXT/HTML; q=0.5, */*",
            "application/json;q=0.5, text/html",
        ] {
            assert!(wants(page), "{page}");
        }
        for json in ["*/*", "application/json", "text/html;q=0", "text/html;q=0.5, application/json", "", "text/*"] {
            assert!(!wants(json), "{json}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
    }

    #[test]
    fn the_page_is_small_and_asks_nobody_else() {
        let all = || FILES.iter().map(|(_, _, text)| *text).chain([PAGE]);
        assert!(all().map(str::len).sum::<usize>() < 60 * 1024);
        for text in all() {
            for odd in [
                "//cdn",
                "https://",
                "@import",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
            ] {
                assert!(!text.contains(odd), "{odd}");
            }
        }
    }
}
