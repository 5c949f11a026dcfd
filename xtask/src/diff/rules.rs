//! What a change means. Rules are data; `tests.rs` has a case for each.

use clap::ValueEnum;

use super::{Change, Direction};

/// How much a change matters to somebody who uses the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Level {
    /// Words only.
    Docs,
    /// Callers go on working as they are.
    Compatible,
    /// Some caller, or code generated for one, stops working.
    Breaking,
}

impl Level {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Docs => "docs",
            Self::Compatible => "compatible",
            Self::Breaking => "breaking",
        }
    }
}

/// One rule. A change in a request and the same change in a response may well mean different things.
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) request: Level,
    pub(crate) response: Level,
    pub(crate) message: &'static str,
}

const fn both(id: &'static str, level: Level, message: &'static str) -> Rule {
    Rule { id, request: level, response: level, message }
}

const fn each(id: &'static str, request: Level, response: Level, message: &'static str) -> Rule {
    Rule { id, request, response, message }
}

use Level::{Breaking, Compatible, Docs};

/// Every rule.
pub(crate) const RULES: &[Rule] = &[
    both("path-added", Compatible, "the path is new"),
    both("path-removed", Breaking, "the path is gone"),
    both("operation-added", Compatible, "the operation is new"),
    both("operation-removed", Breaking, "the operation is gone"),
    both("operation-deprecated", Compatible, "the operation is deprecated now"),
    both("operation-undeprecated", Compatible, "the operation is no longer deprecated"),
    both("operation-id-renamed", Breaking, "the operationId changed, and with it the name of the generated function"),
    both("operation-tag-changed", Compatible, "the tag changed"),
    both("operation-prose-changed", Docs, "summary or description changed"),
    both("parameter-added-required", Breaking, "a required parameter is new"),
    both("parameter-added-optional", Compatible, "an optional parameter is new"),
    both("parameter-removed", Breaking, "the parameter is gone"),
    both("parameter-became-required", Breaking, "the parameter is required now"),
    both("parameter-became-optional", Compatible, "the parameter is optional now"),
    both("parameter-type-changed", Breaking, "the parameter has another type"),
    both("parameter-location-changed", Breaking, "the parameter is sent elsewhere"),
    both("parameter-default-changed", Breaking, "what the service assumes without the parameter changed"),
    both("parameter-prose-changed", Docs, "the parameter is described differently"),
    both("security-added", Compatible, "a further credential is accepted"),
    both("security-removed", Breaking, "a credential is no longer accepted"),
    each("body-added", Breaking, Compatible, "there is a body now"),
    each("body-removed", Breaking, Breaking, "there is no body any more"),
    each("body-became-required", Breaking, Compatible, "the body is required now"),
    each("body-became-optional", Compatible, Compatible, "the body is optional now"),
    both("media-type-added", Compatible, "a media type is new"),
    both("media-type-removed", Breaking, "a media type is gone"),
    both("status-added", Compatible, "a status is new"),
    both("success-status-removed", Breaking, "a successful status is gone"),
    both("error-status-removed", Compatible, "a refusal is no longer listed"),
    each("property-added-required", Breaking, Compatible, "a required property is new"),
    each("property-added-optional", Compatible, Compatible, "an optional property is new"),
    both("property-removed", Breaking, "the property is gone"),
    each("property-became-required", Breaking, Compatible, "the property is required now"),
    each("property-became-optional", Compatible, Breaking, "the property may be absent now"),
    both("type-changed", Breaking, "the type changed"),
    both("format-changed", Breaking, "the format changed"),
    both("secret-changed", Compatible, "what counts as a secret changed"),
    each("became-nullable", Compatible, Breaking, "the value may be null now"),
    each("became-not-nullable", Breaking, Compatible, "the value may no longer be null"),
    each("enum-value-added", Compatible, Breaking, "a value is new in a closed list"),
    each("enum-value-removed", Breaking, Compatible, "a value is gone from a closed list"),
    each("enum-closed", Breaking, Compatible, "only listed values are allowed now"),
    each("enum-opened", Compatible, Breaking, "values beyond the list are allowed now"),
    both("extensible-enum-value-added", Compatible, "a known value is new"),
    both("extensible-enum-value-removed", Compatible, "a known value is no longer listed"),
    each("map-opened", Compatible, Compatible, "members beyond the listed ones are allowed now"),
    each("map-closed", Breaking, Breaking, "members beyond the listed ones are no longer allowed"),
    each("variant-added", Compatible, Breaking, "a further shape is possible"),
    each("variant-removed", Breaking, Compatible, "a shape is no longer possible"),
    each("bounds-tightened", Breaking, Compatible, "fewer values are allowed"),
    each("bounds-loosened", Compatible, Breaking, "more values are allowed"),
    both("default-changed", Breaking, "what the service assumes without the value changed"),
    both("schema-renamed", Breaking, "the schema has another name, and with it the generated type"),
    both("schema-prose-changed", Docs, "the description changed"),
];

/// The rule of a change. Every change is made with the id of one.
pub(crate) fn rule(change: &Change) -> &'static Rule {
    RULES.iter().find(|rule| rule.id == change.rule).unwrap_or(&RULES[0])
}

/// How much a change matters.
pub(crate) fn level(change: &Change) -> Level {
    let rule = rule(change);
    match change.direction {
        Direction::Response => rule.response,
        Direction::Request | Direction::Neither => rule.request,
    }
}
