//! Growing vocabularies: what is known has constants, and what is not known passes through.

use std::collections::{BTreeMap, BTreeSet};

use descope_api::{
    types,
    vocabulary::{OidcPrompt, UserStatus},
};
use serde_json::{Value, json};

use crate::{
    generated::each_vocabulary,
    support::{
        raw::{Vocabulary, VocabularyVisitor},
        spec::BUNDLE,
    },
};

/// The values of every vocabulary as the document has them, and how many texts with known values have no name.
fn documented() -> (BTreeMap<&'static str, &'static Value>, usize) {
    fn walk(value: &'static Value, found: &mut BTreeMap<&'static str, &'static Value>, nameless: &mut usize) {
        if value["x-extensible-enum"].is_array() && value["type"] == "string" {
            match value["x-descope-vocabulary"].as_str() {
                Some(name) => {
                    let values = &value["x-extensible-enum"];
                    assert_eq!(*found.entry(name).or_insert(values), values, "{name}");
                }
                None => *nameless += 1,
            }
        }
        match value {
            Value::Object(members) => members.values().for_each(|member| walk(member, found, nameless)),
            Value::Array(items) => items.iter().for_each(|item| walk(item, found, nameless)),
            _ => {}
        }
    }
    let (mut found, mut nameless) = (BTreeMap::new(), 0);
    walk(&BUNDLE, &mut found, &mut nameless);
    (found, nameless)
}

/// Holds every vocabulary against the document.
struct Checked {
    documented: BTreeMap<&'static str, &'static Value>,
    seen: BTreeSet<&'static str>,
}

impl VocabularyVisitor for Checked {
    fn visit<T: Vocabulary>(&mut self, name: &'static str, constants: &[(&'static str, T)], known: &[T]) {
        assert!(self.seen.insert(name), "{name} comes twice");
        let texts: Vec<&str> = constants.iter().map(|(_, value)| value.as_ref()).collect();
        assert_eq!(json!(texts), *self.documented[name], "{name}");
        assert_eq!(constants.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>(), known, "{name}");
        let names: BTreeSet<&str> = constants.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), constants.len(), "{name}: {names:?}");
        for (_, value) in constants {
            survives(name, value.as_ref(), value);
        }
        for unknown in ["tomorrow's value", "", "Ünïcode \"quoted\"\n"] {
            let value = T::from(unknown);
            assert!(!known.contains(&value), "{name}: {unknown}");
            survives(name, unknown, &value);
        }
        for odd in [json!(1), json!(null), json!(["a"]), json!({ "a": "b" })] {
            assert!(serde_json::from_value::<T>(odd).is_err(), "{name}");
        }
    }
}

/// Whether a text and the value that stands for it become each other, whichever way they go.
fn survives<T: Vocabulary>(name: &str, text: &str, value: &T) {
    assert_eq!(T::from(text), *value, "{name}");
    assert_eq!(T::from(text.to_owned()), *value, "{name}");
    assert!(*value == *text && *value == text, "{name}: {text}");
    assert_eq!(value.to_string(), text, "{name}");
    assert_eq!(Into::<String>::into(value.clone()), text, "{name}");
    assert_eq!(serde_json::to_value(value).expect("JSON"), json!(text), "{name}");
    assert_eq!(serde_json::from_value::<T>(json!(text)).expect("a text"), *value, "{name}");
}

#[test]
fn every_vocabulary_has_a_constant_for_each_documented_value_and_keeps_all_others() {
    let (documented, nameless) = documented();
    assert_eq!(nameless, 0);
    assert!(documented.len() > 50, "{}", documented.len());
    let names: BTreeSet<_> = documented.keys().copied().collect();
    let mut checked = Checked { documented, seen: BTreeSet::new() };
    each_vocabulary(&mut checked);
    assert_eq!(checked.seen, names);
}

#[test]
fn known_values_are_told_from_unknown_ones() {
    assert!(UserStatus::from("enabled").is_known());
    assert!(!UserStatus::from("Enabled").is_known());
    assert_eq!(UserStatus::INVITED.as_str(), "invited");
    assert_eq!(format!("{:>8}|{:?}", UserStatus::EXPIRED, UserStatus::EXPIRED), " expired|UserStatus(\"expired\")");
}

#[test]
fn members_and_lists_take_constants_and_texts_alike() {
    let user = |user: types::User| serde_json::to_value(user).expect("JSON");
    let expected = json!({ "status": "disabled" });
    let by_constant = user(types::User::new().status(UserStatus::DISABLED));
    assert_eq!(by_constant["status"], expected["status"]);
    assert_eq!(user(types::User::new().status("disabled")), by_constant);
    assert_eq!(user(types::User::new().status("disabled".to_owned())), by_constant);

    let search = types::UserSearchRequest::new().statuses([UserStatus::ENABLED, "on holiday".into()]);
    let search = serde_json::to_value(search).expect("JSON");
    assert_eq!(search["statuses"], json!(["enabled", "on holiday"]));
}

#[test]
fn odd_value_costs_neither_its_neighbours_nor_the_answer() {
    for odd in [json!(5), json!({ "name": "enabled" }), json!(["enabled"]), json!(null)] {
        let user: types::User =
            serde_json::from_value(json!({ "userId": "U2ada", "status": odd, "name": "Ada" })).expect("it is read");
        assert_eq!(user.status, None, "{odd}");
        assert_eq!((user.user_id.as_deref(), user.name.as_deref()), (Some("U2ada"), Some("Ada")));
    }
    let application: types::OutboundApplication =
        serde_json::from_value(json!({ "prompt": ["login", 5, null, "tomorrow", {}] })).expect("it is read");
    let prompts: Vec<OidcPrompt> = application.prompt.into_iter().collect();
    assert_eq!(prompts, [OidcPrompt::LOGIN, "tomorrow".into()]);
}
