//! With `schemars`, the schema of each Rust type says what the spec says.

use std::collections::{BTreeMap, BTreeSet};

use descope_api::types::UserResponse;
use schemars::r#gen::SchemaSettings;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    generated::{SCHEMAS, with_type},
    support::{raw::TypeVisitor, spec},
};

/// What both dialects agree on: kinds, names and what is required.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Any,
    Plain(String),
    Secret,
    Named(String),
    List(Box<Shape>),
    Map(Box<Shape>),
    OneOf(BTreeSet<Shape>),
    Object { members: BTreeMap<String, Shape>, required: BTreeSet<String> },
}

/// Reads a schema. Definitions that are no component of the spec stand where they are used.
fn shape(schema: &Value, definitions: &Value) -> Shape {
    if let Some(name) = schema["$ref"].as_str().and_then(|target| target.rsplit('/').next()) {
        return match &definitions[name] {
            inline if inline.is_object() && !SCHEMAS.contains(&name) => shape(inline, definitions),
            _ => Shape::Named(name.to_owned()),
        };
    }
    // A description on a reference is hung on it by `allOf`, an optional one is joined with null.
    if let Some([only]) = schema["allOf"].as_array().map(Vec::as_slice) {
        return shape(only, definitions);
    }
    for keyword in ["oneOf", "anyOf"] {
        if let Some(variants) = schema[keyword].as_array() {
            let mut shapes: BTreeSet<Shape> = variants
                .iter()
                .filter(|variant| variant["type"] != "null")
                .map(|variant| shape(variant, definitions))
                .collect();
            return if shapes.len() == 1 { shapes.pop_first().unwrap() } else { Shape::OneOf(shapes) };
        }
    }
    let kind = match &schema["type"] {
        Value::String(kind) => kind.as_str(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default(),
        _ => "",
    };
    match kind {
        "string" if schema["format"] == "password" => Shape::Secret,
        // A number that the service writes as a string of digits; ours is the number.
        "string" if schema["format"] == "int64" => Shape::Plain("integer".to_owned()),
        "array" => Shape::List(Box::new(shape(&schema["items"], definitions))),
        "object" if schema["properties"].as_object().is_some_and(|members| !members.is_empty()) => {
            object(schema, definitions)
        }
        "object" => match &schema["additionalProperties"] {
            inner if inner.as_object().is_some_and(|inner| !inner.is_empty()) => {
                Shape::Map(Box::new(shape(inner, definitions)))
            }
            _ => Shape::Map(Box::new(Shape::Any)),
        },
        "" => Shape::Any,
        plain => Shape::Plain(plain.to_owned()),
    }
}

fn object(schema: &Value, definitions: &Value) -> Shape {
    let members = schema["properties"].as_object().into_iter().flatten();
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    Shape::Object {
        members: members.map(|(name, member)| (name.clone(), shape(member, definitions))).collect(),
        required: required.map(str::to_owned).collect(),
    }
}

struct SchemaOf;

impl TypeVisitor for SchemaOf {
    type Output = Value;

    fn visit<T: DeserializeOwned + Serialize + schemars::JsonSchema>(self, _: &str) -> Value {
        serde_json::to_value(schemars::schema_for!(T)).unwrap()
    }
}

#[test]
fn the_schema_of_every_type_is_the_one_in_the_spec() {
    let mut differing = Vec::new();
    for name in SCHEMAS {
        let rust = with_type(name, SchemaOf);
        let (ours, theirs) = (shape(spec::schema(name), &json!({})), shape(&rust, &rust["definitions"]));
        if ours != theirs {
            differing.push(format!("{name}\n  spec: {ours:?}\n  rust: {theirs:?}"));
        }
    }
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
}

#[test]
fn references_have_the_form_that_the_generator_is_set_to() {
    let of = |settings: SchemaSettings| {
        serde_json::to_value(settings.into_generator().into_root_schema_for::<UserResponse>()).unwrap()
    };
    let draft7 = of(SchemaSettings::draft07());
    assert_eq!(draft7["title"], "UserResponse");
    assert_eq!(draft7["properties"]["user"]["$ref"], "#/definitions/User");
    let tenants = &draft7["definitions"]["User"]["properties"]["userTenants"];
    assert_eq!(tenants["items"]["$ref"], "#/definitions/UserTenant");
    assert!(draft7["definitions"]["UserTenant"]["properties"]["tenantId"].is_object());

    let openapi = of(SchemaSettings::openapi3());
    assert_eq!(openapi["properties"]["user"]["$ref"], "#/components/schemas/User");

    let inlined = of(SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true));
    let tenant = &inlined["properties"]["user"]["properties"]["userTenants"]["items"];
    assert!(tenant["properties"]["tenantId"].is_object(), "{inlined}");
    assert!(inlined.get("definitions").is_none());
}

#[test]
fn a_type_of_the_same_name_keeps_a_schema_of_its_own() {
    /// Somebody's own.
    #[derive(schemars::JsonSchema)]
    #[allow(dead_code)]
    struct User {
        nick: String,
        theirs: descope_api::types::User,
    }
    let schema = serde_json::to_value(schemars::schema_for!(Vec<User>)).unwrap();
    let own = schema["items"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let theirs = schema["definitions"][&own]["properties"]["theirs"]["$ref"].as_str().unwrap();
    let theirs = theirs.rsplit('/').next().unwrap();
    assert_ne!(own, theirs);
    assert!(schema["definitions"][theirs]["properties"]["loginIds"].is_object());
}

#[test]
fn the_comparison_would_notice_a_difference() {
    let of = |name: &str| shape(spec::schema(name), &json!({}));
    assert_ne!(of("LoginOptions"), of("SignUpOptions"));
    let Shape::Object { members, required } = of("OtpVerifyRequest") else { panic!("not an object") };
    assert_eq!(members["code"], Shape::Secret);
    assert_eq!(required, BTreeSet::from(["code".to_owned(), "loginId".to_owned()]));
}
