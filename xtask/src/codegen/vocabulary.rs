//! Growing vocabularies as types: a constant for each value that is known today, and room for tomorrow's.

use std::collections::BTreeMap;

use heck::ToShoutySnakeCase as _;
use quote::{format_ident, quote};
use serde_json::{Value, json};
use syn::{File, Item, Type, parse_quote};

use super::{
    fixup::{Fixup, Tally},
    objects::readable,
};
use crate::document::members;

/// The name of the type stands here, beside `x-extensible-enum`.
pub(crate) const NAME: &str = "x-descope-vocabulary";

/// The module with all of them, in descope-api and re-exported at the root of descope-sdk: the same path leads to it in both.
const MODULE: &str = "vocabulary";

/// A format that no document has, by which the generator knows the type.
const FORMAT: &str = "vocabulary ";

pub(super) const VOCABULARY: Fixup =
    Fixup::new("vocabulary", "a value of a growing vocabulary is a type with constants, not any text");
pub(super) const TEXT_IN_MOCK: Fixup =
    Fixup::new("text-in-mock", "a mock compares parameters as texts, whatever their type");

/// A vocabulary, and what is known of it.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    values: Vec<String>,
    places: Vec<Place>,
}

/// A member or parameter that has values of the vocabulary.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Parameters come after members, and long names after short ones: requests repeat what a short name introduces.
    rank: (bool, usize),
    /// The schema or the operation.
    owner: String,
    member: String,
    about: String,
}

/// All vocabularies, by their names.
pub(crate) type Vocabularies = BTreeMap<String, Vocabulary>;

/// Reads the vocabularies of a document.
pub(crate) fn read(document: &Value) -> Vocabularies {
    let mut found = Vocabularies::new();
    for (name, schema) in members(&document["components"]["schemas"]) {
        let place = Place { rank: (false, name.len()), owner: name.to_owned(), ..Place::nowhere() };
        collect(schema, &place, &mut found);
    }
    let operations = members(&document["paths"]).into_iter().flat_map(|(_, item)| members(item));
    for (_, operation) in operations {
        let id = operation["operationId"].as_str().unwrap_or_default();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let place = Place {
                rank: (true, id.len()),
                owner: id.to_owned(),
                member: parameter["name"].as_str().unwrap_or_default().to_owned(),
                about: parameter["description"].as_str().unwrap_or_default().to_owned(),
            };
            collect(&parameter["schema"], &place, &mut found);
        }
    }
    found
}

fn collect(schema: &Value, place: &Place, found: &mut Vocabularies) {
    let described = |name: &str, schema: &Value| {
        let about = [schema, &schema["items"]].into_iter().find_map(|schema| schema["description"].as_str());
        let (owner, about) = (place.owner.clone(), about.unwrap_or(&place.about).to_owned());
        Place { rank: place.rank, owner, member: name.to_owned(), about }
    };
    if let Some(name) = schema[NAME].as_str() {
        let vocabulary = found.entry(name.to_owned()).or_default();
        let values = schema["x-extensible-enum"].as_array().into_iter().flatten();
        vocabulary.values = values.filter_map(Value::as_str).map(str::to_owned).collect();
        vocabulary.places.push(described(&place.member, schema));
        vocabulary.places.sort();
    }
    for (name, property) in members(&schema["properties"]) {
        collect(property, &described(name, property), found);
    }
    for inner in ["items", "additionalProperties"] {
        if schema[inner].is_object() {
            collect(&schema[inner], place, found);
        }
    }
    for form in schema["oneOf"].as_array().into_iter().flatten() {
        collect(form, place, found);
    }
}

impl Place {
    const fn nowhere() -> Self {
        Self { rank: (false, 0), owner: String::new(), member: String::new(), about: String::new() }
    }
}

/// Names that are split in odd places by the usual rule.
const READABLE: [(&str, &str); 1] = [("DPoP", "Dpop")];

/// The name of the constant for a value.
pub(crate) fn constant(vocabulary: &str, value: &str) -> String {
    // Of `urn:ietf:params:oauth:grant-type:device_code` only the end tells something.
    let told = if value.starts_with("urn:") { value.rsplit(':').next().unwrap_or(value) } else { value };
    let told = READABLE.iter().fold(readable(told), |told, (odd, plain)| told.replace(odd, plain));
    let name = told.to_shouty_snake_case();
    // Values of protocol buffers repeat the name of their type.
    let prefix = format!("{}_", vocabulary.to_shouty_snake_case());
    let name = name.strip_prefix(&prefix).filter(|rest| !rest.is_empty()).unwrap_or(&name);
    match name {
        "" => "EMPTY".to_owned(),
        // The list of all of them is called so.
        "KNOWN" => "VALUE_KNOWN".to_owned(),
        name if name.starts_with(|first: char| first.is_ascii_digit()) => format!("VALUE_{name}"),
        name => name.to_owned(),
    }
}

/// The type of a vocabulary, as generated code names it.
pub(super) fn path(name: &str) -> String {
    format!("crate::{MODULE}::{name}")
}

/// Whether a type is a vocabulary.
pub(super) fn is_one(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if is_path(&path.path))
}

/// Whether a path leads to a vocabulary.
pub(super) fn is_path(path: &syn::Path) -> bool {
    path.segments.iter().rev().nth(1).is_some_and(|module| module.ident == MODULE)
}

/// Marks what has a vocabulary for the generator.
pub(super) fn mark(value: &mut Value, tally: &mut Tally) {
    match value {
        Value::Object(map) => {
            if let Some(name) = map.get(NAME).and_then(Value::as_str) {
                map.insert("format".to_owned(), json!(format!("{FORMAT}{name}")));
                tally.made(VOCABULARY);
            }
            map.values_mut().for_each(|child| mark(child, tally));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mark(item, tally)),
        _ => {}
    }
}

/// Takes the marks away, and counts them.
pub(super) fn unmark(value: &mut Value) -> usize {
    match value {
        Value::Object(map) => {
            let marked = map.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with(FORMAT));
            if marked {
                map.remove("format");
            }
            usize::from(marked) + map.values_mut().map(unmark).sum::<usize>()
        }
        Value::Array(items) => items.iter_mut().map(unmark).sum(),
        _ => 0,
    }
}

/// What [`mark`] makes of a schema.
pub(super) fn marked(name: &str) -> schemars::schema::SchemaObject {
    schemars::schema::SchemaObject {
        instance_type: Some(schemars::schema::InstanceType::String.into()),
        format: Some(format!("{FORMAT}{name}")),
        ..Default::default()
    }
}

/// The module with a type for each.
pub(super) fn module(vocabularies: &Vocabularies) -> File {
    let items = vocabularies.iter().flat_map(|(name, vocabulary)| items(name, vocabulary));
    parse_quote! {
        //! Values of which the service may know more than this release: each vocabulary a type, each known value a
        //! constant of it.
        //!
        //! A value that has no constant is read, compared and sent like any other. Whatever takes one takes a text as well:
        //! `.status("enabled")` is `.status(UserStatus::ENABLED)`.
        //!
        //! ```
        //! use descope_api::vocabulary::UserStatus;
        //!
        //! let status = UserStatus::from("enabled");
        //! assert_eq!(status, UserStatus::ENABLED);
        //! assert_eq!(status.as_str(), "enabled");
        //! assert!(!UserStatus::from("on holiday").is_known());
        //! ```

        use std::borrow::Cow;

        #(#items)*
    }
}

fn items(name: &str, vocabulary: &Vocabulary) -> [Item; 3] {
    let ident = format_ident!("{name}");
    let about = vocabulary.places.first().map_or("", |place| &place.about);
    let about = about.lines().map(|line| format!(" {}", line.trim()));
    let places = format!(" {}", listed(&vocabulary.places));
    let constants = vocabulary.values.iter().map(|value| format_ident!("{}", constant(name, value)));
    let known = constants.clone();
    let values = &vocabulary.values;
    let docs = values.iter().map(|value| format!(" The value `{value}`."));
    let all = " Every value that has a constant. The list grows with new releases.";
    [
        parse_quote! {
            #(#[doc = #about])*
            #[doc = ""]
            #[doc = #places]
            #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
            #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
            pub struct #ident(Cow<'static, str>);
        },
        parse_quote! {
            impl #ident {
                #(
                    #[doc = #docs]
                    pub const #constants: Self = Self(Cow::Borrowed(#values));
                )*
                #[doc = #all]
                pub const KNOWN: &'static [Self] = &[#(Self::#known),*];
            }
        },
        parse_quote!(crate::open::vocabulary!(#ident);),
    ]
}

/// Where values of a vocabulary stand, the first by name.
fn listed(places: &[Place]) -> String {
    let [first, more @ ..] = places else { return String::new() };
    let first = format!("`{}` of `{}`", first.member, first.owner);
    match more.len() {
        0 => format!("Found in {first}."),
        1 => format!("Found in {first} and one other place."),
        more => format!("Found in {first} and {more} other places."),
    }
}

/// What the workspace's tests need to reach every constant.
pub(super) fn table(vocabularies: &Vocabularies) -> proc_macro2::TokenStream {
    let rows = vocabularies.iter().map(|(name, vocabulary)| {
        let ident = format_ident!("{name}");
        let constants = vocabulary.values.iter().map(|value| {
            let name = constant(name, value);
            let constant = format_ident!("{name}");
            quote!((#name, vocabulary::#ident::#constant))
        });
        quote!(visitor.visit::<vocabulary::#ident>(#name, &[#(#constants),*], vocabulary::#ident::KNOWN);)
    });
    quote! {
        /// Calls the visitor with every vocabulary: its name, its constants by theirs, and its own list of them.
        pub(crate) fn each_vocabulary<V: VocabularyVisitor>(visitor: &mut V) {
            #(#rows)*
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_constant_that_can_be_read() {
        for (value, name) in [
            ("enabled", "ENABLED"),
            ("oauthNative", "OAUTH_NATIVE"),
            ("too-short", "TOO_SHORT"),
            ("P-256", "P_256"),
            ("RS256", "RS256"),
            ("DPoP", "DPOP"),
            ("wsignin1.0", "WSIGNIN1_0"),
            ("urn:ietf:params:oauth:grant-type:device_code", "DEVICE_CODE"),
            ("KEY_MODE_DELETE", "DELETE"),
            ("KEY_MODE_", "KEY_MODE"),
            ("2fa", "VALUE_2FA"),
            ("", "EMPTY"),
            ("-", "EMPTY"),
            ("known", "VALUE_KNOWN"),
        ] {
            assert_eq!(constant("KeyMode", value), name, "{value}");
        }
    }

    fn schema(about: &str) -> Value {
        json!({ "type": "string", NAME: "Mode", "x-extensible-enum": ["a", "b"], "description": about })
    }

    #[test]
    fn vocabulary_is_described_by_the_schema_with_the_shortest_name() {
        let mut unnamed = schema("");
        unnamed.as_object_mut().expect("an object").remove("description");
        let document = json!({
            "components": { "schemas": {
                "Request": { "properties": { "mode": schema("New mode.") } },
                "Thing": { "properties": { "modes": { "items": schema("What it is in.") } } },
            } },
            "paths": { "/a": { "get": { "operationId": "get", "parameters": [
                { "name": "in", "description": "Which.", "schema": { "items": unnamed } },
            ] } } },
        });
        let found = read(&document);
        let vocabulary = &found["Mode"];
        assert_eq!(vocabulary.values, ["a", "b"]);
        assert_eq!(vocabulary.places[0].about, "What it is in.");
        assert_eq!(listed(&vocabulary.places), "Found in `modes` of `Thing` and 2 other places.");
        assert_eq!(vocabulary.places[2].about, "Which.");
    }

    #[test]
    fn types_are_known_by_their_module() {
        for (ty, expected) in [
            ("crate::vocabulary::Mode", true),
            ("descope_api::vocabulary::Mode", true),
            ("Mode", false),
            ("crate::Secret", false),
            ("Vec<crate::vocabulary::Mode>", false),
        ] {
            assert_eq!(is_one(&syn::parse_str(ty).expect("a type")), expected, "{ty}");
        }
    }
}
