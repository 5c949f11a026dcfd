//! Checks request bodies against the OpenAPI document, as the service's gateway does.
//!
//! The document is the same one that the client is generated from, so that the two sides cannot disagree: unknown
//! fields, missing ones and wrong types are refused before a handler sees the call.

use std::{borrow::Cow, collections::HashMap, sync::OnceLock};

use bytes::Bytes;
use http::HeaderValue;
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use crate::error::{BAD_REQUEST, Refusal};

/// The document without its prose, written by `cargo xtask codegen`.
const COMPACT: &str = include_str!("../generated/openapi.json");

/// The media type of an HTML form.
const FORM: &str = "application/x-www-form-urlencoded";

/// How deep a value may nest. JSON that deep is refused by the parser already; this keeps a `$ref` cycle harmless.
const MAX_DEPTH: usize = 64;

/// The part of the OpenAPI document that a server needs.
#[derive(Debug)]
pub(crate) struct Document {
    schemas: HashMap<Cow<'static, str>, Part<Value>>,
    operations: HashMap<Cow<'static, str>, Part<Shapes>>,
}

/// A part of the document that is read when it is first asked for, and kept: most emulators are asked for few of them.
#[derive(Debug)]
struct Part<T> {
    text: &'static RawValue,
    read: OnceLock<T>,
}

impl<T: From<Value>> Part<T> {
    fn new(text: &'static RawValue) -> Self {
        Self { text, read: OnceLock::new() }
    }

    fn get(&self) -> &T {
        // That it is JSON is known since the whole was read.
        self.read.get_or_init(|| serde_json::from_str::<Value>(self.text.get()).unwrap_or_default().into())
    }
}

/// The document as far as it is read at once.
#[derive(Deserialize)]
struct Outline {
    #[serde(borrow)]
    paths: HashMap<Cow<'static, str>, HashMap<Cow<'static, str>, &'static RawValue>>,
    components: Components,
}

#[derive(Deserialize)]
struct Components {
    #[serde(borrow)]
    schemas: HashMap<Cow<'static, str>, &'static RawValue>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(borrow, rename = "operationId")]
    id: Cow<'static, str>,
}

/// The schemas of one operation.
#[derive(Debug, Default)]
struct Shapes {
    request: Option<Value>,
    /// Whether the body is a form instead of JSON, or may be one.
    form: bool,
    answer: Option<Value>,
    query: Vec<Parameter>,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    required: bool,
    kind: String,
}

impl Document {
    /// The document that this crate was built with.
    pub(crate) fn built_in() -> Result<&'static Self, &'static str> {
        static DOCUMENT: OnceLock<Result<Document, String>> = OnceLock::new();
        DOCUMENT.get_or_init(|| Self::parse(COMPACT)).as_ref().map_err(String::as_str)
    }

    fn parse(text: &'static str) -> Result<Self, String> {
        let outline: Outline = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut operations = HashMap::new();
        for operation in outline.paths.into_values().flat_map(HashMap::into_values) {
            let Named { id } = serde_json::from_str(operation.get()).map_err(|error| error.to_string())?;
            operations.insert(id, Part::new(operation));
        }
        let schemas = outline.components.schemas.into_iter().map(|(name, text)| (name, Part::new(text))).collect();
        Ok(Self { schemas, operations })
    }

    fn shapes(&self, operation: &str) -> Option<&Shapes> {
        self.operations.get(operation).map(Part::get)
    }

    /// Whether the document has the operation.
    pub(crate) fn has(&self, operation: &str) -> bool {
        self.operations.contains_key(operation)
    }

    /// Checks a body and brings it to one form: nulls dropped, digit strings for integers turned to numbers, other
    /// spellings of a field replaced by the document's.
    pub(crate) fn check_body(
        &self,
        operation: &str,
        body: &Bytes,
        content_type: Option<&HeaderValue>,
    ) -> Result<Value, Refusal> {
        let shapes = self.shapes(operation);
        let is_form = content_type
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with(FORM));
        let body = if is_form && shapes.is_some_and(|shapes| shapes.form) {
            let form = self.read_form(shapes.and_then(|shapes| shapes.request.as_ref()), body);
            // OAuth (RFC 6749 section 3.1) has servers pass over what they do not know.
            let lax = ["federationOidc", "federationInboundApp"].iter().any(|kind| operation.starts_with(kind));
            let known = shapes.and_then(|shapes| shapes.request.as_ref()).filter(|_| lax);
            Some(match known {
                Some(schema) => self.without_unknown(schema, form),
                None => form,
            })
        } else {
            let json = parse_json(body)?;
            // So do those who let clients register themselves (RFC 7591 section 2).
            let lax = ["managementInboundApplicationRegister", "managementMcpRegisterClient"].contains(&operation);
            // And those that are provisioned by SCIM: each provider has attributes of its own.
            let lax = lax || operation.starts_with("scim");
            match (json, shapes.and_then(|shapes| shapes.request.as_ref()).filter(|_| lax)) {
                (Some(json), Some(schema)) => Some(self.without_unknown(schema, json)),
                (json, _) => json,
            }
        };
        self.check_value(operation, body)
    }

    fn check_value(&self, operation: &str, body: Option<Value>) -> Result<Value, Refusal> {
        let schema = self.shapes(operation).and_then(|shapes| shapes.request.as_ref());
        let mut body = body.filter(|body| !body.is_null()).unwrap_or_else(|| Value::Object(Map::new()));
        if let Some(fields) = body.as_object_mut().filter(|_| is_link_update(operation)) {
            // Official clients of TypeScript have one type for the options of all updates; here it changes nothing.
            fields.remove("mfa");
        }
        match schema {
            Some(schema) => self.check(schema, body, "", MAX_DEPTH),
            None => match body.as_object().and_then(|fields| fields.keys().next()) {
                Some(field) => Err(unknown_field(field)),
                None if body.is_object() => Ok(body),
                None => Err(malformed("The operation takes no body")),
            },
        }
    }

    /// The fields of a form as the schema wants them: texts become the booleans and lists that it names.
    fn read_form(&self, schema: Option<&Value>, body: &Bytes) -> Value {
        let empty = Value::Null;
        let schema = self.resolve(schema.unwrap_or(&empty));
        let mut fields = Map::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            let property = schema["properties"].get(&*name).unwrap_or(&empty);
            match (self.resolve(property)["type"].as_str(), fields.get_mut(&*name)) {
                (Some("array"), Some(Value::Array(items))) => items.push(value.into()),
                (Some("array"), _) => {
                    fields.insert(name.into_owned(), Value::Array(vec![value.into()]));
                }
                (Some("boolean"), _) if matches!(&*value, "true" | "false") => {
                    fields.insert(name.into_owned(), Value::Bool(value == "true"));
                }
                _ => {
                    fields.insert(name.into_owned(), value.into());
                }
            }
        }
        Value::Object(fields)
    }

    /// The fields that a schema knows by any of their names, at any depth.
    fn without_unknown(&self, schema: &Value, value: Value) -> Value {
        let schema = self.resolve(schema);
        match (value, schema["properties"].as_object()) {
            (Value::Object(fields), Some(properties)) => {
                let open = schema.get("additionalProperties").is_some_and(|others| *others != Value::Bool(false));
                let known = fields.into_iter().filter_map(|(name, value)| {
                    let property = if properties.contains_key(&name) {
                        Some(name.as_str())
                    } else {
                        unalias(schema, &name).or_else(|| respelled(properties, &name))
                    };
                    match property.and_then(|property| properties.get(property)) {
                        Some(property) => Some((name, self.without_unknown(property, value))),
                        None => open.then_some((name, value)),
                    }
                });
                Value::Object(known.collect())
            }
            (Value::Array(items), _) if schema.get("items").is_some() => {
                items.into_iter().map(|item| self.without_unknown(&schema["items"], item)).collect()
            }
            (value, _) => value,
        }
    }

    /// Checks the query. Parameters that the document does not know are ignored, as the service does.
    pub(crate) fn check_query(&self, operation: &str, query: &[(String, String)]) -> Result<(), Refusal> {
        for parameter in self.shapes(operation).into_iter().flat_map(|shapes| &shapes.query) {
            let given = query.iter().filter(|(name, value)| *name == parameter.name && !value.trim().is_empty());
            let mut values = given.map(|(_, value)| value.as_str()).peekable();
            if parameter.required && values.peek().is_none() {
                return Err(Refusal::required(&parameter.name));
            }
            let fits = |value: &str| match parameter.kind.as_str() {
                "boolean" => matches!(value, "true" | "false"),
                "integer" => value.parse::<i64>().is_ok(),
                _ => true,
            };
            if !values.all(fits) {
                return Err(wrong_type(&parameter.name, &parameter.kind));
            }
        }
        Ok(())
    }

    /// Adds the empty arrays and maps that the service sends along and that serialising our types leaves out.
    pub(crate) fn fill_answer(&self, operation: &str, answer: &mut Value) {
        if let Some(schema) = self.shapes(operation).and_then(|shapes| shapes.answer.as_ref()) {
            self.fill(schema, answer, MAX_DEPTH);
        }
    }

    /// The members of a value that a schema has too.
    pub(crate) fn shared_with(&self, schema: &str, value: &Map<String, Value>) -> Map<String, Value> {
        let properties = self.schemas.get(schema).and_then(|schema| schema.get()["properties"].as_object());
        let known = |name: &str| properties.is_some_and(|properties| properties.contains_key(name));
        value.iter().filter(|(name, _)| known(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        for _ in 0..MAX_DEPTH {
            let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { break };
            let name = reference.rsplit('/').next().unwrap_or_default();
            let Some(target) = self.schemas.get(name) else { break };
            schema = target.get();
        }
        schema
    }

    fn check(&self, schema: &Value, value: Value, at: &str, depth: usize) -> Result<Value, Refusal> {
        if depth == 0 {
            return Err(malformed(format!("{at} is nested too deeply")));
        }
        let schema = self.resolve(schema);
        match (schema["type"].as_str(), value) {
            (Some("object"), Value::Object(fields)) => self.check_object(schema, fields, at, depth),
            (Some("array"), Value::Array(items)) => {
                let item = schema.get("items").unwrap_or(&Value::Null);
                let checked = items
                    .into_iter()
                    .enumerate()
                    .map(|(index, value)| self.check(item, value, &format!("{at}[{index}]"), depth - 1))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(Value::Array(checked))
            }
            (Some("string"), value) if is_digits(schema) => {
                integer(&value).map(Value::from).ok_or_else(|| wrong_type(at, "integer"))
            }
            (Some("string"), value @ Value::String(_))
            | (Some("boolean"), value @ Value::Bool(_))
            | (Some("number"), value @ Value::Number(_)) => Ok(value),
            (Some("integer"), value) => integer(&value).map(Value::from).ok_or_else(|| wrong_type(at, "integer")),
            (Some(kind), _) => Err(wrong_type(at, kind)),
            // A schema without a type takes anything, unless it lists alternatives.
            (None, value) => self.check_alternatives(schema, value, at, depth),
        }
    }

    fn check_alternatives(&self, schema: &Value, value: Value, at: &str, depth: usize) -> Result<Value, Refusal> {
        let alternatives = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(key).and_then(Value::as_array));
        let Some(alternatives) = alternatives else { return Ok(value) };
        let mut refused = None;
        for alternative in alternatives {
            match self.check(alternative, value.clone(), at, depth - 1) {
                Ok(checked) => return Ok(checked),
                Err(refusal) => refused = Some(refusal),
            }
        }
        refused.map_or(Ok(value), Err)
    }

    fn check_object(
        &self,
        schema: &Value,
        fields: Map<String, Value>,
        at: &str,
        depth: usize,
    ) -> Result<Value, Refusal> {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let others = schema.get("additionalProperties").filter(|others| **others != Value::Bool(false));
        let mut checked = Map::new();
        for (name, value) in fields {
            let known = if properties.contains_key(&name) {
                Some(name.as_str())
            } else {
                unalias(schema, &name).or_else(|| respelled(properties, &name))
            };
            let path = join(at, &name);
            if let Some(property) = known {
                // A null is as good as an absent field. Of two spellings of one field the document's own counts.
                if !value.is_null() && (property == name || !checked.contains_key(property)) {
                    let property_schema = properties.get(property).unwrap_or(&Value::Null);
                    checked.insert(property.to_owned(), self.check(property_schema, value, &path, depth - 1)?);
                }
            } else {
                match others {
                    Some(Value::Bool(_)) => {
                        checked.insert(name, value);
                    }
                    Some(schema) => {
                        let value = self.check(schema, value, &path, depth - 1)?;
                        checked.insert(name, value);
                    }
                    None => return Err(unknown_field(&path)),
                }
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            if checked.get(name).is_none_or(is_blank) {
                return Err(Refusal::required(&join(at, name)));
            }
        }
        Ok(Value::Object(checked))
    }

    fn fill(&self, schema: &Value, value: &mut Value, depth: usize) {
        let schema = self.resolve(schema);
        match value {
            Value::Object(fields) if depth > 0 => {
                for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                    let resolved = self.resolve(property);
                    if let Some(value) = fields.get_mut(name) {
                        self.fill(property, value, depth - 1);
                    } else if resolved["type"] == "array" {
                        fields.insert(name.clone(), Value::Array(Vec::new()));
                    } else if resolved["type"] == "object" && resolved.get("additionalProperties").is_some() {
                        fields.insert(name.clone(), Value::Object(Map::new()));
                    }
                }
            }
            Value::Number(number) if is_digits(schema) => *value = Value::String(number.to_string()),
            Value::Array(items) if depth > 0 => {
                if let Some(item) = schema.get("items") {
                    for value in items {
                        self.fill(item, value, depth - 1);
                    }
                }
            }
            _ => {}
        }
    }
}

impl From<Value> for Shapes {
    fn from(operation: Value) -> Self {
        let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
        Self {
            request: operation.get("requestBody").and_then(schema_of),
            form: operation["requestBody"]["content"].get(FORM).is_some(),
            answer: operation["responses"].as_object().and_then(|answers| answers.values().find_map(schema_of)),
            query: parameters.filter(|parameter| parameter["in"] == "query").map(Parameter::read).collect(),
        }
    }
}

impl Parameter {
    fn read(parameter: &Value) -> Self {
        Self {
            name: parameter["name"].as_str().unwrap_or_default().to_owned(),
            required: parameter["required"] == true,
            kind: parameter["schema"]["type"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

/// The schema of JSON where there is one, else that of a form.
fn schema_of(holder: &Value) -> Option<Value> {
    let content = holder.get("content")?.as_object()?;
    let is_json = |kind: &str| kind == "application/json" || kind.ends_with("+json");
    let json = content.iter().find(|(kind, _)| is_json(kind)).map(|(_, media)| media);
    json.or_else(|| content.get(FORM))?.get("schema").cloned()
}

/// Reads a JSON body; a blank one is none.
pub(crate) fn parse_json(body: &Bytes) -> Result<Option<Value>, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::new(&BAD_REQUEST, format!("The request body is not JSON: {error}")))?;
    check_depth(&value)?;
    Ok(Some(value))
}

/// Refuses what nests so deeply that it could not be read again where it stands deeper, as in the data file.
pub(crate) fn check_depth(value: &Value) -> Result<(), Refusal> {
    fn fits(value: &Value, depth: usize) -> bool {
        match value {
            Value::Array(items) => depth > 0 && items.iter().all(|item| fits(item, depth - 1)),
            Value::Object(fields) => depth > 0 && fields.values().all(|field| fits(field, depth - 1)),
            _ => true,
        }
    }
    if fits(value, MAX_DEPTH) {
        return Ok(());
    }
    Err(Refusal::new(&BAD_REQUEST, format!("The request body is nested more than {MAX_DEPTH} levels deep")))
}

/// The property that a further accepted spelling stands for.
fn unalias<'a>(schema: &'a Value, name: &str) -> Option<&'a str> {
    let aliases = schema.get("x-descope-aliases")?.as_object()?;
    let (property, _) = aliases.iter().find(|(_, alias)| match alias {
        Value::String(alias) => alias == name,
        Value::Array(aliases) => aliases.iter().any(|alias| alias == name),
        _ => false,
    })?;
    Some(property)
}

/// The property that is meant by another spelling, such as `redirect_url` or `redirectURL` for `redirectUrl`: the
/// service reads the names of its protocol buffers too.
fn respelled<'a>(properties: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let plain = |name: &str| name.chars().filter(|letter| *letter != '_').collect::<String>().to_ascii_lowercase();
    let wanted = plain(name);
    let mut fitting = properties.keys().filter(|known| plain(known) == wanted);
    let only = fitting.next()?;
    fitting.next().is_none().then_some(only)
}

/// Integers come as numbers, whole floating-point numbers or strings of digits.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

/// Whether the service writes an integer as a string of digits.
fn is_digits(schema: &Value) -> bool {
    schema["type"] == "string" && schema["format"] == "int64"
}

fn is_link_update(operation: &str) -> bool {
    ["magicLinkUpdate", "enchantedLinkUpdate"].iter().any(|kind| operation.starts_with(kind))
}

/// An empty string is the same as none for the service's encoding.
fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(&BAD_REQUEST, message)
}

fn unknown_field(field: &str) -> Refusal {
    malformed(format!("Unknown field \"{field}\""))
}

fn wrong_type(field: &str, expected: &str) -> Refusal {
    let field = if field.is_empty() { "request body" } else { field };
    malformed(format!("The {field} field must be of type {expected}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Document {
        let body = |name: &str| json!({"content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}}});
        let text = json!({
            "components": {"schemas": {
                "Request": {
                    "type": "object",
                    "required": ["loginId"],
                    "properties": {
                        "loginId": {"type": "string"},
                        "timeout": {"type": "integer", "format": "int64"},
                        "flag": {"type": "boolean"},
                        "claims": {"type": "object", "additionalProperties": true},
                        "words": {"type": "object", "additionalProperties": {"type": "string"}},
                        "tenants": {"type": "array", "items": {"$ref": "#/components/schemas/Tenant"}},
                        "user": {"$ref": "#/components/schemas/User"},
                        "any": {},
                    },
                },
                "Tenant": {"type": "object", "required": ["tenantId"], "properties": {"tenantId": {"type": "string"}}},
                "User": {
                    "type": "object",
                    "x-descope-aliases": {"givenName": "given_name", "name": ["displayName", "display_name"]},
                    "properties": {"givenName": {"type": "string"}, "name": {"type": "string"}},
                },
                "Answer": {"type": "object", "properties": {
                    "key": {"$ref": "#/components/schemas/Key"},
                    "n": {"type": "integer"},
                }},
                "Key": {"type": "object", "properties": {
                    "permittedIps": {"type": "array", "items": {"type": "string"}},
                    "claims": {"type": "object", "additionalProperties": true},
                    "name": {"type": "string"},
                }},
            }},
            "paths": {
                "/a": {"post": {"operationId": "a", "requestBody": body("Request"), "responses": {"200": body("Answer")}}},
                "/b": {"get": {"operationId": "b", "responses": {}, "parameters": [
                    {"name": "id", "in": "query", "required": true, "schema": {"type": "string"}},
                    {"name": "certs", "in": "query", "schema": {"type": "boolean"}},
                ]}},
            },
        });
        Document::parse(text.to_string().leak()).expect("parses")
    }

    fn refusal(body: Value) -> (String, String) {
        let refusal = document().check_value("a", Some(body)).expect_err("refused");
        (refusal.code.id.to_owned(), refusal.message)
    }

    #[test]
    fn a_body_that_fits_is_brought_to_one_form() {
        let body = json!({
            "loginId": "ada", "timeout": "60", "flag": null, "claims": {"a": null, "b": [1]}, "words": {"x": "y"},
            "tenants": [{"tenantId": "T1"}], "user": {"given_name": "Ada", "display_name": "Lady Lovelace"}, "any": 5,
        });
        let checked = document().check_value("a", Some(body)).expect("fits");
        assert_eq!(
            checked,
            json!({
                "loginId": "ada", "timeout": 60, "claims": {"a": null, "b": [1]}, "words": {"x": "y"},
                "tenants": [{"tenantId": "T1"}], "user": {"givenName": "Ada", "name": "Lady Lovelace"}, "any": 5,
            })
        );
    }

    #[test]
    fn the_documents_own_spelling_wins() {
        for body in [
            json!({"loginId": "a", "user": {"name": "right", "displayName": "wrong"}}),
            json!({"loginId": "a", "user": {"displayName": "wrong", "name": "right"}}),
        ] {
            assert_eq!(document().check_value("a", Some(body)).expect("fits")["user"], json!({"name": "right"}));
        }
    }

    #[test]
    fn missing_fields_are_named() {
        for body in [json!({}), json!({"loginId": null}), json!({"loginId": ""}), json!({"loginId": " \t"})] {
            let (code, message) = refusal(body);
            assert_eq!((code.as_str(), message.as_str()), ("E011003", "The loginId field is required"));
        }
        let (_, message) = refusal(json!({"loginId": "a", "tenants": [{"tenantId": "T"}, {}]}));
        assert_eq!(message, "The tenants[1].tenantId field is required");
        assert_eq!(document().check_value("a", None).expect_err("refused").code.id, "E011003");
    }

    #[test]
    fn unknown_fields_are_named() {
        let (code, message) = refusal(json!({"loginId": "a", "logonid": "b"}));
        assert_eq!(code, "E011001");
        assert!(message.contains("\"logonid\""), "{message}");
        let (_, message) = refusal(json!({"loginId": "a", "user": {"nick": null}}));
        assert!(message.contains("user.nick"), "{message}");
        assert!(document().check_value("b", Some(json!({"x": 1}))).is_err());
        assert!(document().check_value("b", Some(json!({}))).is_ok());
    }

    #[test]
    fn wrong_types_are_refused() {
        for body in [
            json!({"loginId": 5}),
            json!({"loginId": "a", "timeout": "soon"}),
            json!({"loginId": "a", "timeout": 1.5}),
            json!({"loginId": "a", "timeout": 1e300}),
            json!({"loginId": "a", "flag": "true"}),
            json!({"loginId": "a", "claims": []}),
            json!({"loginId": "a", "words": {"x": 1}}),
            json!({"loginId": "a", "tenants": {}}),
            json!({"loginId": "a", "tenants": ["T1"]}),
            json!([]),
            json!("text"),
        ] {
            assert_eq!(refusal(body.clone()).0, "E011001", "{body}");
        }
    }

    #[test]
    fn queries_are_checked() {
        let check = |pairs: &[(&str, &str)]| {
            let query: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            document().check_query("b", &query).is_ok()
        };
        assert!(check(&[("id", "1"), ("certs", "true"), ("extra", "x")]));
        assert!(!check(&[]) && !check(&[("id", " ")]) && !check(&[("id", "1"), ("certs", "yes")]));
        assert!(!check(&[("id", "1"), ("certs", "true"), ("certs", "yes")]), "each of several values is checked");
    }

    #[test]
    fn other_spellings_of_a_name_are_read_where_they_are_clear() {
        let checked = document().check_value("a", Some(json!({"login_id": "x", "LOGINID": "y"}))).expect("fits");
        assert!(checked["loginId"] == "x" || checked["loginId"] == "y");
        let checked = document().check_value("a", Some(json!({"login_id": "x", "loginId": "own"}))).expect("fits");
        assert_eq!(checked["loginId"], "own");
    }

    #[test]
    fn forms_are_read_by_the_schema() {
        let document = document();
        let schema = json!({"properties": {
            "scope": {"type": "array", "items": {"type": "string"}}, "flag": {"type": "boolean"}, "n": {"type": "integer"},
        }});
        let body = Bytes::from_static(b"scope=a&scope=b+c&flag=true&n=5&x=%2B");
        let read = document.read_form(Some(&schema), &body);
        assert_eq!(read, json!({"scope": ["a", "b c"], "flag": true, "n": "5", "x": "+"}));
    }

    #[test]
    fn empty_arrays_and_maps_are_sent_along() {
        let mut answer = json!({"key": {"name": "k"}});
        document().fill_answer("a", &mut answer);
        assert_eq!(answer, json!({"key": {"name": "k", "permittedIps": [], "claims": {}}}));
        let mut none = json!({});
        document().fill_answer("a", &mut none);
        assert_eq!(none, json!({}));
    }

    #[test]
    fn the_built_in_document_has_every_operation() {
        let document = Document::built_in().expect("parses");
        for operation in descope_api::OPERATIONS {
            assert!(document.has(operation.id), "{}", operation.id);
        }
    }
}
