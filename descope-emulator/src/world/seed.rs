//! A state to begin with: what a file adds to a new project.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write as _,
};

use serde_json::Value;

use super::{
    Saved, Settings, State, is_project_id,
    located::{self, Problem, escape},
    references,
};

/// The same document in YAML, with comments.
pub(crate) const STARTER_YAML: &str = include_str!("starter.yaml");

/// A document for `--seed` that shows what can be in one.
pub(crate) const STARTER: &str = r#"{
  "version": 1,
  "projects": {
    "P2EmulatorProject0000000000A": {
      "state": {
        "settings": {"sessionSeconds": 600},
        "permissions": [{"id": "read", "name": "Read reports"}],
        "roles": [{"id": "reader", "name": "Reader", "permissions": ["Read reports"]}],
        "tenants": [{"id": "T2acme", "name": "Acme", "domains": ["acme.example"]}],
        "users": [
          {
            "id": "U2ada",
            "loginIds": ["ada@example.com"],
            "profile": {"name": "Ada", "email": "ada@example.com", "verifiedEmail": true},
            "status": "enabled",
            "roles": ["Reader"],
            "tenants": {"T2acme": {"roles": []}}
          }
        ],
        "accessKeys": [{"id": "K2ci", "name": "ci", "cleartext": "K2ci-secret", "roles": ["Reader"]}]
      }
    }
  }
}
"#;

/// Reads a seed, which is YAML or JSON: what it says is added to what every new project has.
///
/// # Errors
///
/// One text for each thing that is wrong, with its line and member: no YAML or JSON, an unknown member, an id that is there
/// twice, or a reference to something that is nowhere. `file` stands before the line.
pub(crate) fn read(file: &str, text: &str, seed: Option<u64>, settings: &Settings) -> Result<Saved, Vec<String>> {
    let mut document = located::value(text).map_err(|problem| vec![told(file, &problem)])?;
    let mut wrong = Wrong::default();
    let given = document.clone();
    match document.get_mut("projects").and_then(Value::as_object_mut) {
        None => wrong.add("", "there is no member \"projects\", or it is no object"),
        Some(projects) => {
            for (id, project) in projects {
                complete(id, project, seed, settings, &mut wrong);
            }
        }
    }
    if wrong.found.is_empty() {
        match fit::<Saved>(document) {
            Ok(saved) => return Ok(saved),
            Err((pointer, why)) => wrong.add(&pointer, why),
        }
    }
    Err(wrong.told(file, text, &given))
}

fn told(file: &str, problem: &Problem) -> String {
    format!("{file}:{}: {}", problem.line, problem.message)
}

/// What is wrong, by the pointers of the members.
#[derive(Default)]
struct Wrong {
    found: Vec<(String, String)>,
}

impl Wrong {
    fn add(&mut self, pointer: &str, why: impl Into<String>) {
        self.found.push((pointer.to_owned(), why.into()));
    }

    fn told(self, file: &str, text: &str, given: &Value) -> Vec<String> {
        let lines = located::lines(text);
        let mut problems: Vec<Problem> = self
            .found
            .into_iter()
            .map(|(pointer, why)| {
                let member = shown(&pointer, given);
                let message = if member.is_empty() { why } else { format!("{member}: {why}") };
                Problem::new(line_of(&lines, &pointer), message)
            })
            .collect();
        problems.sort_by_key(|problem| problem.line);
        problems.iter().map(|problem| told(file, problem)).collect()
    }
}

/// The line of a member, or of the nearest one around it that is there.
fn line_of(lines: &HashMap<String, usize>, pointer: &str) -> usize {
    let mut pointer = pointer;
    loop {
        if let Some(line) = lines.get(pointer) {
            return *line;
        }
        match pointer.rsplit_once('/') {
            Some((around, _)) => pointer = around,
            None => return 1,
        }
    }
}

/// A pointer as a reader writes it: `projects.P2a.state.users[0].roles[0]`.
fn shown(pointer: &str, given: &Value) -> String {
    let mut text = String::new();
    let mut value = Some(given);
    for segment in pointer.split('/').skip(1) {
        let name = segment.replace("~1", "/").replace("~0", "~");
        let next = match value {
            Some(Value::Array(items)) => {
                let _ = write!(text, "[{name}]");
                name.parse::<usize>().ok().and_then(|index| items.get(index))
            }
            other => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&name);
                other.and_then(|value| value.get(&name))
            }
        };
        value = next;
    }
    text
}

/// Reads a value, or says where and why it does not fit.
fn fit<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, (String, String)> {
    // The way without paths is a good deal faster, and goes well most of the time.
    if let Ok(fits) = serde_json::from_value(value.clone()) {
        return Ok(fits);
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            use serde_path_to_error::Segment;
            match segment {
                Segment::Seq { index } => drop(write!(pointer, "/{index}")),
                Segment::Map { key } => drop(write!(pointer, "/{}", escape(key))),
                Segment::Enum { variant } => drop(write!(pointer, "/{}", escape(variant))),
                Segment::Unknown => {}
            }
        }
        let why = error.into_inner().to_string();
        // The parser stops at the object that has the unknown member.
        if let Some((name, _)) = why.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
            let end = format!("/{}", escape(name));
            if !pointer.ends_with(&end) {
                pointer.push_str(&end);
            }
        }
        (pointer, why)
    })
}

/// Puts what a seed says of a project on top of what every new project has.
fn complete(id: &str, project: &mut Value, seed: Option<u64>, settings: &Settings, wrong: &mut Wrong) {
    let at = format!("/projects/{}", escape(id));
    if !is_project_id(id) {
        return wrong.add(&at, format!("{id:?} cannot be the id of a project"));
    }
    let Some(members) = project.as_object_mut() else { return wrong.add(&at, "is not an object") };
    let mut new = State::new(seed, id);
    new.settings = settings.clone();
    let base = match serde_json::to_value(new) {
        Ok(base) => base,
        Err(error) => return wrong.add(&at, error.to_string()),
    };
    let mut whole = base.clone();
    let at = format!("{at}/state");
    let given = members.remove("state").unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let Some(fields) = given.as_object() else { return wrong.add(&at, "is not an object") };
    let unknown: Vec<&String> = fields.keys().filter(|name| base.get(*name).is_none()).collect();
    for name in &unknown {
        wrong.add(&format!("{at}/{}", escape(name)), format!("there is no {name:?} in a state"));
    }
    if !unknown.is_empty() {
        return;
    }
    let before = wrong.found.len();
    twice(&base, &given, &at, wrong);
    if wrong.found.len() > before {
        return;
    }
    add(&mut whole, given);
    let place = |pointer: &str| format!("{at}{}", in_seed(pointer, &base));
    match fit::<State>(whole.clone()) {
        Err((pointer, why)) => return wrong.add(&place(&pointer), why),
        Ok(state) => {
            if let Err(refusal) = state.settings.check() {
                let member = refusal.message.split(' ').next().unwrap_or_default().to_owned();
                wrong.add(&format!("{at}/settings/{member}"), refusal.message);
            }
            if !state.settings.lenient {
                for (pointer, why) in references::missing(&whole) {
                    wrong.add(&place(&pointer), why);
                }
            }
        }
    }
    members.insert("state".to_owned(), whole);
}

/// Ids that are there twice, in the seed or with what every project has.
fn twice(base: &Value, given: &Value, at: &str, wrong: &mut Wrong) {
    let ids = |records: &Value| -> Vec<Option<String>> {
        let records = records.as_array().into_iter().flatten();
        records.map(|record| record.get("id").and_then(Value::as_str).map(str::to_owned)).collect()
    };
    for (name, records) in given.as_object().into_iter().flatten() {
        let mut seen: BTreeSet<String> = ids(&base[name]).into_iter().flatten().collect();
        for (index, id) in ids(records).into_iter().enumerate() {
            if let Some(id) = id.filter(|id| !seen.insert(id.clone())) {
                wrong.add(&format!("{at}/{}/{index}/id", escape(name)), format!("{id:?} is there twice"));
            }
        }
    }
}

/// The pointer of a member in the seed, which does not have the items that every project begins with.
fn in_seed(pointer: &str, base: &Value) -> String {
    let mut base = Some(base);
    let mut text = String::new();
    for segment in pointer.split('/').skip(1) {
        let name = segment.replace("~1", "/").replace("~0", "~");
        match (base, name.parse::<usize>()) {
            (Some(Value::Array(items)), Ok(index)) if index >= items.len() => {
                let _ = write!(text, "/{}", index - items.len());
                base = None;
            }
            (known, _) => {
                let _ = write!(text, "/{segment}");
                base = known.and_then(|value| value.get(&name));
            }
        }
    }
    text
}

/// Lists grow, objects gain members, anything else is replaced.
fn add(to: &mut Value, given: Value) {
    match (to, given) {
        (Value::Array(items), Value::Array(more)) => items.extend(more),
        (Value::Object(fields), Value::Object(more)) => {
            for (name, value) in more {
                match fields.get_mut(&name) {
                    Some(known) => add(known, value),
                    None => {
                        fields.insert(name, value);
                    }
                }
            }
        }
        (to, given) => *to = given,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(text: &str) -> Vec<String> {
        read("seed.yaml", text, None, &Settings::default()).err().expect("refused")
    }

    #[test]
    fn the_starters_can_be_read_and_say_the_same() {
        assert!(read("a", STARTER, None, &Settings::default()).is_ok());
        assert!(read("a", STARTER_YAML, None, &Settings::default()).is_ok());
        assert_eq!(located::value(STARTER), located::value(STARTER_YAML));
    }

    #[test]
    fn mistakes_are_named_with_line_and_member() {
        for (state, line, words) in [
            ("usrs: []", 5, "state.usrs: there is no \"usrs\""),
            ("users:\n- id: U1\n  roles: [Nobody]", 7, "users[0].roles[0]: there is no role \"Nobody\""),
            ("users:\n- id: U1\n  tenants:\n    T9: {}", 8, "users[0].tenants.T9: there is no tenant \"T9\""),
            ("users:\n- id: U1\n  tenants:\n    T1: {roles: [x]}\ntenants: [{id: T1, name: T1}]", 8, "role \"x\""),
            ("accessKeys:\n- id: K1\n  boundUserId: U9", 7, "accessKeys[0].boundUserId: there is no user \"U9\""),
            ("roles:\n- {id: r, name: r,\n   permissions: [x]}", 7, "roles[0].permissions[0]: there is no permission"),
            ("roles:\n- {id: r, name: r, tenantId: T9}", 6, "roles[0].tenantId"),
            ("tenants:\n- id: T1\n  name: a\n  parent: T9", 8, "tenants[0].parent"),
            ("users:\n- {id: U1}\n- {id: U1}", 7, "users[1].id: \"U1\" is there twice"),
            ("roles:\n- {id: x, name: Tenant Admin}", 5, "twice"),
            ("users:\n- id: U1\n  nick: x", 7, "users[0].nick: unknown field"),
            ("users:\n- id: U1\n  profile:\n    name: 5", 8, "users[0].profile.name: invalid type"),
            ("roles:\n- {id: a, name: a}\n- id: b\n  name: [b]", 8, "roles[1].name: invalid type"),
            ("settings:\n  sessionSeconds: 0", 6, "settings.sessionSeconds: sessionSeconds is in seconds"),
            ("settings:\n  sesionSeconds: 5", 6, "settings.sesionSeconds: unknown field"),
        ] {
            let state = state.replace('\n', "\n      ");
            let text = format!("version: 1\nprojects:\n  P2a:\n    state:\n      {state}\n");
            let why = refused(&text);
            assert_eq!(why.len(), 1, "{why:?}");
            assert!(why[0].starts_with(&format!("seed.yaml:{line}: projects.P2a.")), "{line} {why:?}");
            assert!(why[0].contains(words), "{words} {why:?}");
        }
        let two = "version: 1\nprojects:\n  P2a:\n    state:\n      users:\n      - id: U1\n        roles: [a, b]\n";
        assert_eq!(refused(two).len(), 2, "each of them is told");
    }

    #[test]
    fn mistakes_outside_of_a_state_are_named_too() {
        for (text, begins, part) in [
            ("{", "seed.yaml:1: ", "EOF"),
            ("a: [", "seed.yaml:", ""),
            ("{}", "seed.yaml:1: ", "projects"),
            ("version: 1\nprojects: []", "seed.yaml:1: ", "projects"),
            ("version: 1\nprojects:\n  a b: {}", "seed.yaml:3: projects.a b: ", "a b"),
            ("version: 1\nprojects:\n  P2a: []", "seed.yaml:3: projects.P2a: ", "object"),
            ("version: 1\nprojects:\n  P2a:\n    sate: {}", "seed.yaml:4: projects.P2a.sate: ", "unknown"),
            ("version: x\nprojects: {}", "seed.yaml:1: version: ", "invalid type"),
            ("projects: {}", "seed.yaml:1: ", "version"),
        ] {
            let why = refused(text);
            assert!(why[0].starts_with(begins) && why[0].contains(part), "{text}: {why:?}");
        }
    }

    #[test]
    fn a_lenient_project_takes_what_is_nowhere() {
        let state = json!({"settings": {"lenient": true}, "users": [{"id": "U1", "roles": ["Nobody"]}]});
        let text = json!({"version": 1, "projects": {"P2a": {"state": state}}}).to_string();
        assert!(read("a", &text, None, &Settings::default()).is_ok());
    }
}
