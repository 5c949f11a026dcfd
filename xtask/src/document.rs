//! The parts of `spec/`, joined to one document.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use crate::{
    errors::{self, Row},
    problem::{Failure, Place, Problem},
    text,
    yaml::{self, escape},
};

/// HTTP methods that a path may have.
pub(crate) const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// Files of spec/ that are not parts of the document.
const NOT_PARTS: [&str; 5] = ["README.md", "deviations.yaml", "errors.yaml", "freshness.yaml", "upstream.lock.json"];

/// How a line begins that a merge left behind.
const CONFLICT_MARKERS: [&str; 2] = ["<<<<<<< ", ">>>>>>> "];

/// The joined document, and where each value stands.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) value: Value,
    places: BTreeMap<String, Place>,
    root: Place,
    /// The codes of refusals, in a file of their own.
    pub(crate) errors: Vec<Row>,
}

/// One operation with what the rules ask of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation<'a> {
    pub(crate) path: &'a str,
    pub(crate) method: &'a str,
    pub(crate) value: &'a Value,
}

impl<'a> Operation<'a> {
    pub(crate) fn pointer(&self) -> String {
        format!("/paths/{}/{}", escape(self.path), self.method)
    }

    pub(crate) fn id(&self) -> Option<&'a str> {
        self.value["operationId"].as_str()
    }

    pub(crate) fn tag(&self) -> Option<&'a str> {
        self.value["tags"][0].as_str()
    }
}

impl Document {
    /// Reads every part below `spec/` (the bundle left aside) and joins them.
    pub(crate) fn load(workspace: &Path) -> Result<Self, Failure> {
        let spec = workspace.join("spec");
        let mut parts = Vec::new();
        let mut strays = Vec::new();
        for path in files(&spec)? {
            let name = path.strip_prefix(workspace).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            if path.extension().is_some_and(|extension| extension == "yaml") {
                let text = text::read(&path, &name)?;
                parts.push((name, text));
            } else if is_meant_for_a_part(&name) {
                let message = "is not read: the name of a part ends in `.yaml`; rename it, or take it out of spec/";
                strays.push(Problem::new(Place { file: name, line: 1 }, "part", message));
            }
        }
        match Self::join(&parts) {
            Ok(document) if strays.is_empty() => Ok(Self { errors: errors::read(workspace)?, ..document }),
            Ok(_) => Err(Failure::Problems(strays)),
            Err(problems) => Err(Failure::Problems([strays, problems].concat())),
        }
    }

    /// Joins parts given as (name, text). The part called `openapi.yaml` is the head.
    pub(crate) fn join(parts: &[(String, String)]) -> Result<Self, Vec<Problem>> {
        let mut document = Self {
            value: Value::Object(Map::new()),
            places: BTreeMap::new(),
            root: Place { file: "spec/openapi.yaml".to_owned(), line: 1 },
            errors: Vec::new(),
        };
        let mut problems = Vec::new();
        for (file, text) in parts {
            let conflict = text.lines().position(|line| CONFLICT_MARKERS.iter().any(|mark| line.starts_with(mark)));
            if let Some(index) = conflict {
                let place = Place { file: file.clone(), line: index + 1 };
                problems.push(Problem::new(place, "part", "a conflict of a merge is not resolved"));
                continue;
            }
            match yaml::parse(file, text) {
                Ok(located) => document.add(file, located, &mut problems),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() && document.value["openapi"].is_null() {
            problems.push(Problem::new(document.root.clone(), "part", "no part holds the head of the document"));
        }
        document.value.sort_all_objects();
        if problems.is_empty() { Ok(document) } else { Err(problems) }
    }

    fn add(&mut self, file: &str, located: yaml::Located, problems: &mut Vec<Problem>) {
        let place =
            |pointer: &str| Place { file: file.to_owned(), line: located.lines.get(pointer).copied().unwrap_or(1) };
        let head = file.ends_with("openapi.yaml");
        let Value::Object(members) = located.value else { return };
        for (name, value) in members {
            match (name.as_str(), value) {
                ("paths", Value::Object(paths)) => {
                    for (path, item) in paths {
                        let pointer = format!("/paths/{}", escape(&path));
                        self.insert(&["paths"], &path, item, "duplicate-path", &place(&pointer), problems);
                    }
                }
                ("components", Value::Object(kinds)) => {
                    for (kind, components) in kinds {
                        let Value::Object(components) = components else {
                            let at = place(&format!("/components/{}", escape(&kind)));
                            problems.push(Problem::new(at, "part", format!("`components.{kind}` is not a mapping")));
                            continue;
                        };
                        if components.is_empty() && self.value["components"][&kind].is_null() {
                            // Kept, so that a misspelt kind is found.
                            self.value["components"][&kind] = Value::Object(Map::new());
                        }
                        for (component, value) in components {
                            let at = place(&format!("/components/{}/{}", escape(&kind), escape(&component)));
                            self.insert(
                                &["components", &kind],
                                &component,
                                value,
                                "duplicate-component",
                                &at,
                                problems,
                            );
                        }
                    }
                }
                ("paths" | "components", other) => {
                    let what = if other.is_null() { "empty" } else { "not a mapping" };
                    problems.push(Problem::new(
                        place(&format!("/{name}")),
                        "part",
                        format!("`{name}` is {what}; give it members or take it out"),
                    ));
                }
                (_, value) if head => {
                    self.insert(&[], &name, value, "duplicate-key", &place(&format!("/{}", escape(&name))), problems);
                }
                _ => problems.push(Problem::new(
                    place(&format!("/{}", escape(&name))),
                    "part",
                    format!("a part holds `paths` and `components`; `{name}` belongs into spec/openapi.yaml"),
                )),
            }
        }
        for (pointer, line) in located.lines {
            self.places.entry(pointer).or_insert(Place { file: file.to_owned(), line });
        }
    }

    fn insert(
        &mut self,
        parents: &[&str],
        key: &str,
        value: Value,
        rule: &'static str,
        at: &Place,
        problems: &mut Vec<Problem>,
    ) {
        let mut target = &mut self.value;
        let mut pointer = String::new();
        for parent in parents {
            target = &mut target[*parent];
            if target.is_null() {
                *target = Value::Object(Map::new());
            }
            pointer = format!("{pointer}/{}", escape(parent));
        }
        let Value::Object(map) = target else { return };
        if map.contains_key(key) {
            let first = self
                .places
                .get(&format!("{pointer}/{}", escape(key)))
                .map_or_else(String::new, |place| format!(", first at {place}"));
            problems.push(Problem::new(at.clone(), rule, format!("`{key}` is defined twice{first}")));
        } else {
            map.insert(key.to_owned(), value);
        }
    }

    /// Where the value behind a JSON pointer stands; its nearest known ancestor otherwise.
    pub(crate) fn place(&self, pointer: &str) -> Place {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.places.get(pointer).filter(|_| !pointer.is_empty()) {
                return place.clone();
            }
            match pointer.rfind('/') {
                Some(0) | None => return self.root.clone(),
                Some(end) => pointer = &pointer[..end],
            }
        }
    }

    /// Every operation, by path and method.
    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let mut operations = Vec::new();
        for (path, item) in members(&self.value["paths"]) {
            for (method, value) in members(item) {
                if METHODS.contains(&method) {
                    operations.push(Operation { path, method, value });
                }
            }
        }
        operations
    }

    /// The component schemas.
    pub(crate) fn schemas(&self) -> Vec<(&str, &Value)> {
        members(&self.value["components"]["schemas"])
    }

    /// Follows a document-internal `$ref`, if the value is one.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|target| target.strip_prefix('#')) {
            Some(pointer) => self.value.pointer(pointer).unwrap_or(value),
            None => value,
        }
    }
}

/// The members of an object in the order of their names; none for anything else.
pub(crate) fn members(value: &Value) -> Vec<(&str, &Value)> {
    let mut members: Vec<_> = value.as_object().into_iter().flatten().map(|(k, v)| (k.as_str(), v)).collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    members
}

/// Calls `visit` for every value below `value`, with its JSON pointer.
pub(crate) fn walk<'a>(value: &'a Value, pointer: &str, visit: &mut dyn FnMut(&str, &'a Value)) {
    visit(pointer, value);
    match value {
        Value::Object(_) => {
            for (name, child) in members(value) {
                walk(child, &format!("{pointer}/{}", escape(name)), visit);
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                walk(child, &format!("{pointer}/{index}"), visit);
            }
        }
        _ => {}
    }
}

/// Whether a file that is not read looks as if it should be.
fn is_meant_for_a_part(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".yml", ".yaml", ".json"].iter().any(|ending| name.ends_with(ending)) || !name.contains('.')
}

/// Every file below spec/ but those of the bundle, which is made from the parts.
fn files(spec: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = BTreeSet::new();
    let mut folders = vec![spec.to_owned()];
    while let Some(folder) = folders.pop() {
        let io = |source| Failure::Io { path: folder.display().to_string(), source };
        for entry in fs::read_dir(&folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.is_dir() {
                if path != spec.join("bundle") {
                    folders.push(path);
                }
            } else if !NOT_PARTS.iter().any(|name| path == spec.join(name)) {
                files.insert(path);
            }
        }
    }
    Ok(files.into_iter().collect())
}
