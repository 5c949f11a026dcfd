//! Documents as they come from outside: JSON or YAML, in one file or several.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Component, Path, PathBuf},
};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::{
    problem::{Failure, Place, Problem},
    text,
    yaml::{self, escape},
};

/// The member of a document that holds the files it refers to. No document has a member of this name.
const FILES: &str = "\u{0}files";

/// Members whose content is data, in which a `$ref` is not a reference.
const DATA: [&str; 5] = ["example", "examples", "default", "enum", "const"];

/// Members whose own members carry names that their author chose.
const NAMED: [&str; 9] = [
    "$defs",
    "definitions",
    "headers",
    "parameters",
    "patternProperties",
    "properties",
    "responses",
    "schemas",
    "variables",
];

/// A document with every file that it refers to.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) value: Value,
    /// References that were not followed, since they lead into the network.
    pub(crate) not_followed: BTreeSet<String>,
}

/// Reads a document and the files that it refers to.
pub(crate) fn read(path: &Path) -> Result<Input, Failure> {
    let name = path.display().to_string();
    let (text, mut value) = parse(path, &name)?;
    check_version(&value).map_err(|message| failure(&name, 1, message))?;
    check_paths(&value).map_err(|message| failure(&name, line_of(&text, "paths"), message))?;
    let mut files = Files { root: normal(path), ..Files::default() };
    files.rewrite(&mut value, &normal(path), &text, None)?;
    while let Some(next) = files.open.pop() {
        let name = next.display().to_string();
        let (text, mut value) = parse(&next, &name)?;
        files.rewrite(&mut value, &next, &text, None)?;
        files.read.insert(name, value);
    }
    if !files.read.is_empty() {
        value[FILES] = Value::Object(files.read);
    }
    Ok(Input { value, not_followed: files.not_followed })
}

fn failure(file: &str, line: usize, message: impl Into<String>) -> Failure {
    Failure::Problems(vec![Problem::new(Place { file: file.to_owned(), line }, "document", message)])
}

/// The line on which a text first occurs in quotes or as it is.
fn line_of(text: &str, wanted: &str) -> usize {
    text.lines().position(|line| line.contains(wanted)).map_or(1, |index| index + 1)
}

fn parse(path: &Path, name: &str) -> Result<(String, Value), Failure> {
    let text = text::read(path, name)?;
    let in_yaml = |text: &str| yaml::value(name, text).map_err(|problem| Failure::Problems(vec![problem]));
    let value = if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
        let json = text.trim_start_matches('\u{feff}');
        let mut deserializer = serde_json::Deserializer::from_str(json);
        match Unique.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value)) {
            Ok(value) => value,
            // JSON is YAML as well, and that reader has a higher limit of its own.
            Err(error) if error.to_string().starts_with("recursion limit") => in_yaml(json)?,
            Err(error) => return Err(failure(name, error.line().max(1), error.to_string())),
        }
    } else {
        in_yaml(&text)?
    };
    Ok((text, value))
}

fn check_version(value: &Value) -> Result<(), String> {
    match (&value["openapi"], &value["swagger"]) {
        (Value::String(version), _) if version.starts_with("3.0.") || version.starts_with("3.1.") => Ok(()),
        (Value::String(version), _) => Err(format!("version {version} is neither 3.0 nor 3.1")),
        (Value::Null, Value::Null) => Err("not an OpenAPI document: `openapi` is missing".to_owned()),
        (Value::Null, version) => Err(format!(
            "Swagger {} is not supported; convert the document to OpenAPI 3 first",
            version.as_str().map_or_else(|| version.to_string(), str::to_owned)
        )),
        (Value::Number(number), _) => {
            Err(format!("`openapi` is the number {number}; write the whole version as a string, such as \"3.0.3\""))
        }
        (_, _) => Err("`openapi` is not a string".to_owned()),
    }
}

fn check_paths(value: &Value) -> Result<(), String> {
    for member in ["paths", "components", "webhooks"] {
        if !value[member].is_null() && !value[member].is_object() {
            return Err(format!("`{member}` is not a mapping"));
        }
    }
    for (path, item) in value["paths"].as_object().into_iter().flatten() {
        if !item.is_object() && !item.is_null() && !path.starts_with("x-") {
            return Err(format!("`paths.{path}` is not a mapping"));
        }
    }
    Ok(())
}

#[derive(Default)]
struct Files {
    root: PathBuf,
    known: BTreeSet<PathBuf>,
    open: Vec<PathBuf>,
    read: Map<String, Value>,
    not_followed: BTreeSet<String>,
}

impl Files {
    /// Makes every reference one into the root document, and remembers the files that are still to be read.
    fn rewrite(&mut self, value: &mut Value, file: &Path, text: &str, parent: Option<&str>) -> Result<(), Failure> {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(target)) = map.get_mut("$ref") {
                    self.reference(target, file, text)?;
                }
                let named = parent.is_some_and(|parent| NAMED.contains(&parent));
                for (name, child) in map {
                    if named || !(DATA.contains(&name.as_str()) || name.starts_with("x-")) {
                        // Below a map of names, a name says nothing about what its value is.
                        self.rewrite(child, file, text, if named { None } else { Some(name) })?;
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.rewrite(item, file, text, None)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn reference(&mut self, target: &mut String, file: &Path, text: &str) -> Result<(), Failure> {
        let (place, pointer) = target.split_once('#').unwrap_or((target.as_str(), ""));
        if place.contains("://") {
            self.not_followed.insert(target.clone());
            return Ok(());
        }
        if place.is_empty() && file == self.root {
            return Ok(());
        }
        let wanted = if place.is_empty() {
            file.to_owned()
        } else {
            normal(&file.parent().unwrap_or(Path::new("")).join(percent_decoded(place)))
        };
        if wanted == self.root {
            *target = format!("#{pointer}");
            return Ok(());
        }
        if self.known.insert(wanted.clone()) && wanted != file {
            if !wanted.is_file() {
                let name = file.display().to_string();
                let message = format!("`{target}` leads to {}, which does not exist", wanted.display());
                return Err(failure(&name, line_of(text, target), message));
            }
            self.open.push(wanted.clone());
        }
        *target = format!("#/{FILES}/{}{pointer}", escape(&wanted.display().to_string()));
        Ok(())
    }
}

/// The path without `.` and `..`, so that two ways to one file are one.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(normal.components().next_back(), Some(Component::Normal(_))) => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// `%7B` as `{`; anything that is not an escape stays as it is.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%')
            .then(|| after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// A JSON value in which no object names a member twice.
struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(Unique)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(Unique)?;
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the member `{key}` is here twice")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
