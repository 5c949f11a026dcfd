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
    /// Some caller stops working.
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
    /// Whether code that was generated from the document no longer compiles, whatever the wire says.
    pub(crate) generated: bool,
    pub(crate) message: &'static str,
}

const fn both(id: &'static str, level: Level, message: &'static str) -> Rule {
    Rule { id, request: level, response: level, generated: false, message }
}

const fn each(id: &'static str, request: Level, response: Level, message: &'static str) -> Rule {
    Rule { id, request, response, generated: false, message }
}

/// A rule that breaks generated code in any direction.
const fn code(id: &'static str, request: Level, response: Level, message: &'static str) -> Rule {
    Rule { id, request, response, generated: true, message }
}

use Level::{Breaking, Compatible, Docs};

/// Every rule.
pub(crate) const RULES: &[Rule] = &[
    // Paths and operations.
    both("path-added", Compatible, "the path is new"),
    both("path-removed", Breaking, "the path is gone"),
    both("empty-path-removed", Docs, "the path is gone, and had no operations"),
    code("path-parameter-renamed", Compatible, Compatible, "a parameter of the path has another name"),
    both("operation-added", Compatible, "the operation is new"),
    both("operation-removed", Breaking, "the operation is gone"),
    both("operation-deprecated", Compatible, "the operation is deprecated now"),
    both("operation-undeprecated", Compatible, "the operation is no longer deprecated"),
    code(
        "operation-id-renamed",
        Compatible,
        Compatible,
        "the operationId changed, and with it the name of the generated function",
    ),
    both("operation-tag-changed", Compatible, "the tag changed"),
    both("operation-prose-changed", Docs, "summary or description changed"),
    both("callback-added", Compatible, "the service may call the client in a further way"),
    both("callback-removed", Breaking, "the service no longer calls the client"),
    both("links-changed", Compatible, "the links to other operations changed"),
    both("reference-changed", Breaking, "the reference leads elsewhere, and is not followed"),
    both("document-prose-changed", Docs, "what is said about it changed"),
    both("extension-changed", Docs, "an extension changed"),
    both("annotation-changed", Docs, "an annotation changed"),
    // Parameters.
    both("parameter-added-required", Breaking, "a required parameter is new"),
    both("parameter-added-optional", Compatible, "an optional parameter is new"),
    both("parameter-removed", Breaking, "the parameter is gone"),
    both("parameter-became-required", Breaking, "the parameter is required now"),
    both("parameter-became-optional", Compatible, "the parameter is optional now"),
    both("parameter-type-changed", Breaking, "the parameter has another type"),
    both("parameter-location-changed", Breaking, "the parameter is sent elsewhere"),
    both("parameter-style-changed", Breaking, "the parameter is written differently"),
    both("parameter-empty-allowed", Compatible, "the parameter may be empty now"),
    both("parameter-empty-refused", Breaking, "the parameter may no longer be empty"),
    both("parameter-default-changed", Breaking, "what the service assumes without the parameter changed"),
    both("unused-default-changed", Compatible, "the default of a parameter that is always sent changed"),
    both("parameter-prose-changed", Docs, "the parameter is described differently"),
    // Credentials and addresses.
    both("security-added", Compatible, "a further credential is accepted"),
    both("security-removed", Breaking, "a credential is no longer accepted"),
    both("security-relaxed", Compatible, "less is asked for than this credential"),
    both("scope-added", Breaking, "a further scope is needed"),
    both("scope-removed", Compatible, "a scope is no longer needed"),
    both("security-scheme-added", Compatible, "the kind of credential is new"),
    both(
        "security-scheme-removed",
        Compatible,
        "the kind of credential is gone; operations that ask for it are listed",
    ),
    both("security-scheme-changed", Breaking, "the credential is sent differently"),
    both("security-address-changed", Compatible, "the credential is issued elsewhere"),
    both("security-flow-added", Compatible, "a further way to the credential"),
    both("security-flow-removed", Breaking, "a way to the credential is gone"),
    both("scope-offered", Compatible, "a scope is new"),
    both("scope-withdrawn", Compatible, "a scope is gone; operations that ask for it are listed"),
    both("server-added", Compatible, "a further address"),
    both("server-removed", Breaking, "the address is gone"),
    both("server-changed", Breaking, "the address is put together differently"),
    // Bodies and answers.
    each("body-added", Breaking, Compatible, "there is a body now"),
    both("body-added-optional", Compatible, "there may be a body now"),
    both("body-removed", Breaking, "there is no body any more"),
    each("body-became-required", Breaking, Compatible, "the body is required now"),
    each("body-became-optional", Compatible, Breaking, "the body is optional now"),
    both("media-type-added", Compatible, "a media type is new"),
    both("media-type-removed", Breaking, "a media type is gone"),
    both("media-type-parameters-changed", Compatible, "the parameters of a media type changed"),
    each("media-type-widened", Compatible, Breaking, "a media type takes in more"),
    each("media-type-narrowed", Breaking, Compatible, "a media type takes in less"),
    both("encoding-changed", Breaking, "the parts of the body are written differently"),
    both("status-added", Compatible, "a status is new"),
    both("success-status-removed", Breaking, "a successful status is gone"),
    both("error-status-removed", Compatible, "a refusal is no longer listed"),
    each("header-added", Compatible, Compatible, "a header is new"),
    both("header-removed", Breaking, "the header is gone"),
    each("header-became-required", Breaking, Compatible, "the header is always there now"),
    each("header-became-optional", Compatible, Breaking, "the header may be absent now"),
    // Properties.
    each("property-added-required", Breaking, Compatible, "a required property is new"),
    both("property-added-optional", Compatible, "an optional property is new"),
    both("property-removed", Breaking, "the property is gone"),
    each("property-became-required", Breaking, Compatible, "the property is required now"),
    each("property-became-optional", Compatible, Breaking, "the property may be absent now"),
    both("property-hidden", Compatible, "an optional property is no longer part of this side"),
    each("required-property-hidden", Compatible, Breaking, "a required property is no longer part of this side"),
    both("property-shown", Compatible, "an optional property is part of this side now"),
    both("required-property-shown", Breaking, "a required property is part of this side now"),
    both("hidden-property-added", Compatible, "a property of the other side is new"),
    both("hidden-property-removed", Compatible, "a property of the other side is gone"),
    both("deprecated", Compatible, "it is deprecated now"),
    both("undeprecated", Compatible, "it is no longer deprecated"),
    // Values.
    both("type-changed", Breaking, "the type changed"),
    code("type-widened", Compatible, Breaking, "further types are allowed"),
    code("type-narrowed", Breaking, Compatible, "fewer types are allowed"),
    both("format-changed", Breaking, "the format changed"),
    code("format-widened", Compatible, Breaking, "the format allows more"),
    code("format-narrowed", Breaking, Compatible, "the format allows less"),
    both("secret-changed", Compatible, "what counts as a secret changed"),
    each("became-nullable", Compatible, Breaking, "the value may be null now"),
    each("became-not-nullable", Breaking, Compatible, "the value may no longer be null"),
    each("enum-value-added", Compatible, Breaking, "a value is new in a closed list"),
    each("enum-value-removed", Breaking, Compatible, "a value is gone from a closed list"),
    each("enum-closed", Breaking, Compatible, "only listed values are allowed now"),
    each("enum-opened", Compatible, Breaking, "values beyond the list are allowed now"),
    both("extensible-enum-value-added", Compatible, "a known value is new"),
    both("extensible-enum-value-removed", Compatible, "a known value is no longer listed"),
    each("bounds-tightened", Breaking, Compatible, "fewer values are allowed"),
    each("bounds-loosened", Compatible, Breaking, "more values are allowed"),
    // A reader seldom checks a pattern, so that only the one who has to meet it is affected.
    each("pattern-added", Breaking, Compatible, "the value has to match a pattern now"),
    both("pattern-removed", Compatible, "the value no longer has to match a pattern"),
    each("pattern-changed", Breaking, Compatible, "the value has to match another pattern"),
    each("exclusion-added", Breaking, Compatible, "values are excluded by `not`"),
    each("exclusion-removed", Compatible, Breaking, "values are no longer excluded by `not`"),
    both("exclusion-changed", Breaking, "other values are excluded by `not`"),
    both("default-changed", Compatible, "what the service assumes without the value changed"),
    both("map-opened", Compatible, "members beyond the listed ones are allowed now"),
    both("map-closed", Breaking, "members beyond the listed ones are no longer allowed"),
    each("variant-added", Compatible, Breaking, "a further shape is possible"),
    each("variant-removed", Breaking, Compatible, "a shape is no longer possible"),
    code("discriminator-added", Compatible, Compatible, "a property tells the shapes apart now"),
    code("discriminator-removed", Compatible, Compatible, "no property tells the shapes apart any more"),
    both("discriminator-changed", Breaking, "another property tells the shapes apart"),
    // A discriminator is a hint and never changes which values are valid.
    code("discriminator-value-added", Compatible, Compatible, "a value stands for a shape now"),
    code("discriminator-value-removed", Compatible, Compatible, "a value no longer stands for a shape"),
    code("discriminator-value-changed", Compatible, Compatible, "a value stands for another shape"),
    both("keyword-changed", Breaking, "a keyword that is compared as a whole changed"),
    code("schema-renamed", Compatible, Compatible, "the schema has another name, and with it the generated type"),
    both("schema-prose-changed", Docs, "the description changed"),
    // Policies, each by `--policy`.
    both("retired-removed", Compatible, "gone after its deprecation"),
    both("sunset-removed", Breaking, "deprecated, but no longer with the day of its end"),
    both("sunset-moved-forward", Breaking, "deprecated, and ends earlier than it was said"),
    both("sunset-malformed", Breaking, "`x-sunset` is not a date"),
    both("unstable-removed", Compatible, "a draft or an alpha is gone"),
    both("stability-decreased", Breaking, "less stable than it was"),
    both("stability-unknown", Breaking, "`x-stability-level` is not one of draft, alpha, beta, stable"),
    each("body-default-changed", Breaking, Compatible, "what the service assumes without the value changed"),
    each("known-value-withdrawn", Breaking, Compatible, "a known value is no longer accepted"),
];

/// The rule of a change. Every change is made with the id of one.
pub(crate) fn rule(change: &Change) -> &'static Rule {
    RULES.iter().find(|rule| rule.id == change.rule).unwrap_or(&RULES[0])
}

/// How much a change matters, on the wire or to generated code as well.
pub(crate) fn level(change: &Change, generated_code: bool) -> Level {
    let rule = rule(change);
    match change.direction {
        _ if generated_code && rule.generated => Level::Breaking,
        Direction::Response => rule.response,
        Direction::Request | Direction::Neither => rule.request,
    }
}
