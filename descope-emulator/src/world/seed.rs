//! A state to begin with: what a file adds to a new project.

use serde_json::Value;

use super::{Saved, Settings, State, is_project_id};

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

/// Reads a seed: what it says is added to what every new project has.
///
/// # Errors
///
/// A text that says where and why: no JSON, an unknown member, a name that is there twice, or a reference to a role or
/// tenant that is nowhere.
pub(crate) fn read(text: &str, seed: Option<u64>, settings: &Settings) -> Result<Saved, String> {
    let mut document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let Some(projects) = document.get_mut("projects").and_then(Value::as_object_mut) else {
        return Err("there is no member \"projects\"".to_owned());
    };
    for (id, project) in projects {
        if !is_project_id(id) {
            return Err(format!("{id:?} cannot be the id of a project"));
        }
        let Some(project) = project.as_object_mut() else { return Err(format!("project {id} is not an object")) };
        let mut new = State::new(seed, id);
        new.settings = settings.clone();
        let mut whole = serde_json::to_value(new).map_err(|error| error.to_string())?;
        if let Some(given) = project.remove("state") {
            let unknown =
                given.as_object().and_then(|given| given.keys().find(|name| whole.get(name).is_none()).cloned());
            if let Some(name) = unknown {
                return Err(format!("project {id}: there is no {name:?} in a state"));
            }
            add(&mut whole, given);
        }
        let state: State = serde_json::from_value(whole.clone()).map_err(|error| format!("project {id}: {error}"))?;
        check_references(&state).map_err(|why| format!("project {id}: {why}"))?;
        project.insert("state".to_owned(), whole);
    }
    serde_json::from_value(document).map_err(|error| error.to_string())
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

fn check_references(state: &State) -> Result<(), String> {
    use crate::area::{role, tenant};
    for user in state.users.iter() {
        let of = |why: crate::error::Refusal| format!("user {}: {}", user.id, why.message);
        role::require(state, &user.roles, None).map_err(of)?;
        for (id, tenancy) in &user.tenants {
            tenant::require_named(state, id).map_err(of)?;
            role::require(state, &tenancy.roles, Some(id)).map_err(of)?;
        }
    }
    for key in state.access_keys.iter() {
        let of = |why: crate::error::Refusal| format!("access key {}: {}", key.id, why.message);
        role::require(state, &key.roles, None).map_err(of)?;
        for (id, tenancy) in &key.tenants {
            tenant::require_named(state, id).map_err(of)?;
            role::require(state, &tenancy.roles, Some(id)).map_err(of)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(state: &Value) -> String {
        let document = json!({"version": 1, "projects": {"P2a": {"state": state}}});
        read(&document.to_string(), None, &Settings::default()).err().expect("refused")
    }

    #[test]
    fn the_starter_can_be_read() {
        assert!(read(STARTER, None, &Settings::default()).is_ok());
    }

    #[test]
    fn mistakes_are_named() {
        for (state, words) in [
            (json!({"usrs": []}), "\"usrs\""),
            (json!({"users": [{"id": "U1", "roles": ["Nobody"]}]}), "user U1: There is no role \"Nobody\""),
            (json!({"users": [{"id": "U1", "tenants": {"T9": {}}}]}), "There is no tenant \"T9\""),
            (json!({"accessKeys": [{"id": "K1", "roles": ["Nobody"]}]}), "access key K1"),
            (json!({"users": [{"id": "U1"}, {"id": "U1"}]}), "\"U1\", or one of its names, is there twice"),
            (json!({"roles": [{"id": "x", "name": "Tenant Admin"}]}), "twice"),
            (json!({"users": [{"id": "U1", "nick": "x"}]}), "nick"),
        ] {
            let why = refused(&state);
            assert!(why.contains(words) && why.contains("P2a"), "{why}");
        }
        let text = |error: Result<Saved, String>| error.err().unwrap_or_default();
        assert!(text(read("{", None, &Settings::default())).contains("line 1"));
        assert!(text(read("{}", None, &Settings::default())).contains("projects"));
        assert!(text(read(r#"{"version": 1, "projects": {"a b": {}}}"#, None, &Settings::default())).contains("a b"));
    }
}
