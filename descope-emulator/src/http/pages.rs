//! The files that the vendor's web component reads, from wherever the page is that it stands in.

use std::sync::Arc;

use axum::{
    extract::{Path, State as Shared},
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};

use super::dispatch::App;
use crate::area::flow;

/// Texts in HTML, and in the quoted values of its attributes.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn file(found: Option<(&'static str, String)>, missing: String) -> Response {
    let mut response = match found {
        Some((kind, text)) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
        None => (StatusCode::NOT_FOUND, missing).into_response(),
    };
    for (name, value) in [
        // They are for everybody, and hold nothing that is anybody's.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A flow may be another one a moment later.
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A file of a project: its configuration, its theme, or a screen of one of its flows.
pub(super) async fn of_project(
    Shared(app): Shared<Arc<App>>,
    Path((project, name)): Path<(String, String)>,
) -> Response {
    let found = app.world.project(&project).filter(|project| !project.state().about.is_deleted());
    let page = found.and_then(|project| flow::page(&project.state(), &name));
    file(page, format!("Project {project} has no page {name}\n"))
}

/// The library of elements, whichever version is asked for.
pub(super) async fn library(Path(path): Path<String>) -> Response {
    let known = path.starts_with("@descope/web-components-ui@") && path.ends_with("/dist/umd/index.js");
    let library = known.then(|| ("text/javascript; charset=utf-8", flow::LIBRARY.to_owned()));
    file(library, format!("There is no package {path} here\n"))
}
