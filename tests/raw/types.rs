//! Every generated type reads what the service may write.

use std::collections::BTreeSet;

use proptest::{
    collection,
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    generated::{SCHEMAS, with_type},
    support::{
        raw::TypeVisitor,
        spec::{BUNDLE, as_numbers, essence, is_digits, media, resolve, schema},
    },
};

/// Reads a value as the type, and writes it again.
struct RoundTrip<'a>(&'a Value);

impl TypeVisitor for RoundTrip<'_> {
    type Output = Result<Value, serde_json::Error>;

    fn visit<T: DeserializeOwned + Serialize + schemars::JsonSchema>(self, _: &str) -> Self::Output {
        serde_json::to_value(T::deserialize(self.0)?)
    }
}

fn round_trip(name: &str, value: &Value) -> Result<Value, serde_json::Error> {
    with_type(name, RoundTrip(value))
}

#[test]
fn every_example_survives_its_type_without_loss() {
    let mut seen = 0;
    for (path, item) in BUNDLE["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let answer = &operation["responses"]["200"]["content"];
            for content in [&operation["requestBody"]["content"], answer] {
                let Some((_, schema, example)) = media(content) else { continue };
                let Some(name) = schema["$ref"].as_str().and_then(|target| target.rsplit('/').next()) else { continue };
                let written = round_trip(name, example).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
                assert_eq!(essence(&written), essence(&as_numbers(schema, example)), "{method} {path}");
                seen += 1;
            }
        }
    }
    assert!(seen > 60, "only {seen} examples");
}

/// How a generated instance departs from the plain one.
#[derive(Clone, Copy, Debug)]
struct Bent {
    /// Optional properties may be `null` or absent.
    gaps: bool,
    /// Objects have members that nobody knows.
    unknown: bool,
    /// Integers may come as strings of digits.
    digits: bool,
}

fn text() -> BoxedStrategy<Value> {
    prop_oneof![Just(json!("")), "[a-zA-Z0-9@.+/=_ äß€😀-]{0,24}".prop_map(Value::from)].boxed()
}

/// Values that a schema allows, bent as told.
fn instance(schema: &'static Value, bent: Bent, depth: u32) -> BoxedStrategy<Value> {
    let schema = resolve(schema);
    if let Some(variants) = schema["oneOf"].as_array() {
        let variants = variants.iter().map(|variant| instance(variant, bent, depth)).collect::<Vec<_>>();
        return proptest::strategy::Union::new(variants).boxed();
    }
    match schema["type"].as_str() {
        Some("string") if is_digits(schema) => (0..=i64::MAX).prop_map(|number| json!(number.to_string())).boxed(),
        Some("string") => text(),
        Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
        Some("number") => (-1e9..1e9).prop_map(|number: f64| json!(number)).boxed(),
        Some("integer") => {
            let number = prop_oneof![Just(0), 0..=i64::from(i32::MAX), 0..=i64::MAX];
            let digits = if bent.digits { any::<bool>().boxed() } else { Just(false).boxed() };
            (number, digits)
                .prop_map(|(number, digits)| if digits { json!(number.to_string()) } else { json!(number) })
                .boxed()
        }
        Some("array") if depth == 0 => Just(json!([])).boxed(),
        Some("array") => {
            collection::vec(instance(&schema["items"], bent, depth - 1), 0..3).prop_map(Value::from).boxed()
        }
        Some("object") => object(schema, bent, depth),
        // A schema without a type is any value.
        _ => prop_oneof![text(), any::<i32>().prop_map(Value::from), any::<bool>().prop_map(Value::from)].boxed(),
    }
}

fn object(schema: &'static Value, bent: Bent, depth: u32) -> BoxedStrategy<Value> {
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
    let mut members: Vec<BoxedStrategy<Option<(String, Value)>>> = Vec::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if depth == 0 && !required(name) {
            continue;
        }
        let present = instance(property, bent, depth.saturating_sub(1)).prop_map({
            let name = name.clone();
            move |value| Some((name.clone(), value))
        });
        members.push(if bent.gaps && !required(name) {
            prop_oneof![3 => present, 1 => Just(None), 1 => Just(Some((name.clone(), Value::Null)))].boxed()
        } else {
            present.boxed()
        });
    }
    let open = &schema["additionalProperties"];
    let extra = if open.as_object().is_some_and(|schema| !schema.is_empty()) {
        collection::btree_map("[a-z]{1,8}", instance(open, bent, depth.saturating_sub(1)), 0..3).boxed()
    } else if *open == true || open.is_object() || bent.unknown {
        let value = prop_oneof![text(), Just(json!({"deep": [1, {"er": null}]})), Just(Value::Null), Just(json!(1.5))];
        collection::btree_map("zz[a-z]{1,8}", value, 1..3).boxed()
    } else {
        Just(std::collections::BTreeMap::new()).boxed()
    };
    (members, extra)
        .prop_map(|(members, extra)| {
            let mut object: Map<String, Value> = members.into_iter().flatten().collect();
            object.extend(extra);
            Value::Object(object)
        })
        .boxed()
}

fn for_arbitrary_instances(bent: Bent, check: impl Fn(&str, &Value) -> Result<(), TestCaseError>) {
    for name in SCHEMAS {
        let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
        let result = runner.run(&instance(schema(name), bent, 3), |value| check(name, &value));
        if let Err(error) = result {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn every_type_reads_and_keeps_arbitrary_instances_of_its_schema() {
    for_arbitrary_instances(Bent { gaps: false, unknown: false, digits: false }, |name, value| {
        let written = round_trip(name, value).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(essence(&written), essence(&as_numbers(schema(name), value)));
        Ok(())
    });
}

#[test]
fn every_type_reads_nulls_gaps_unknown_members_and_digit_strings() {
    for_arbitrary_instances(Bent { gaps: true, unknown: true, digits: true }, |name, value| {
        round_trip(name, value).map(drop).map_err(|error| TestCaseError::fail(error.to_string()))
    });
}

#[test]
fn unknown_values_of_every_growing_vocabulary_survive() {
    let mut seen = 0;
    for name in SCHEMAS {
        for (property, value) in schema(name)["properties"].as_object().into_iter().flatten() {
            if value["x-extensible-enum"].is_array() && value["type"] == "string" {
                let mut object = required_members(name);
                object.insert(property.clone(), json!("tomorrow's value"));
                let written = round_trip(name, &Value::Object(object)).unwrap();
                assert_eq!(written[property], "tomorrow's value", "{name}.{property}");
                seen += 1;
            }
        }
    }
    assert!(seen > 0);
}

/// The least that a type takes.
fn required_members(name: &str) -> Map<String, Value> {
    least(schema(name))
}

fn least(schema: &'static Value) -> Map<String, Value> {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    required
        .map(|property| {
            let schema = resolve(&schema["properties"][property]);
            let value = match schema["type"].as_str() {
                Some("integer") => json!(1),
                Some("boolean") => json!(true),
                Some("array") => json!([]),
                Some("object") => Value::Object(least(schema)),
                _ => json!("x"),
            };
            (property.to_owned(), value)
        })
        .collect()
}

#[test]
fn every_required_property_is_asked_for_by_name() {
    for name in SCHEMAS {
        let whole = required_members(name);
        for property in whole.keys() {
            let mut object = whole.clone();
            object.remove(property);
            let error = round_trip(name, &Value::Object(object)).expect_err(name).to_string();
            assert!(error.contains(property.as_str()), "{name}: {error}");
        }
    }
}

#[test]
fn what_is_not_an_integer_is_absent_and_costs_nothing_else() {
    for wrong in
        [json!("12a"), json!(1.5), json!({}), json!([]), json!(true), json!(1e300), json!("99999999999999999999")]
    {
        let value = json!({ "expiration": wrong, "keyId": "K1" });
        assert_eq!(round_trip("AccessKeySession", &value).unwrap(), json!({"keyId": "K1"}), "{wrong}");
    }
    for right in [json!(7), json!("7"), json!(7.0)] {
        let value = round_trip("AccessKeySession", &json!({ "expiration": right })).unwrap();
        assert_eq!(value["expiration"], 7);
    }
    for nothing in [json!(null), json!("")] {
        let value = round_trip("AccessKeySession", &json!({ "expiration": nothing })).unwrap();
        assert_eq!(value, json!({}));
    }
}

#[test]
fn secrets_are_redacted_wherever_they_stand() {
    let response: descope_api::types::JwtResponse =
        serde_json::from_value(json!({"sessionJwt": "marked-secret", "refreshJwt": "marked-secret"})).unwrap();
    assert!(!format!("{response:?}").contains("marked"));
    assert_eq!(response.session_jwt.unwrap().expose(), "marked-secret");
}

#[test]
fn claims_at_the_root_of_a_validated_session_are_kept() {
    let wrapped = round_trip("SessionClaims", &json!({"parsedJWT": {"sub": "U1"}})).unwrap();
    assert_eq!(wrapped["parsedJWT"]["sub"], "U1");
    let bare = round_trip("SessionClaims", &json!({"sub": "U1", "exp": 1})).unwrap();
    assert_eq!(bare["sub"], "U1");
}

#[test]
fn both_spellings_of_an_aliased_property_are_read() {
    let documented = round_trip("SignUpUser", &json!({"givenName": "Ada"})).unwrap();
    assert_eq!(documented, round_trip("SignUpUser", &json!({"given_name": "Ada"})).unwrap());
    let both = json!({"given_name": "Grace", "givenName": "Ada"});
    assert_eq!(documented, round_trip("SignUpUser", &both).unwrap());
}

#[test]
fn what_is_needed_is_asked_for_by_its_path_and_not_by_its_value() {
    for (name, value, said) in [
        ("JwtResponse", json!("marked"), "is not an object"),
        ("OtpVerifyRequest", json!({"loginId": ["marked"], "code": "1"}), "loginId: is not a string"),
        ("OtpVerifyRequest", json!({"loginId": "a"}), "code: is missing"),
        ("AuthHistory", json!(["marked"]), "data did not match any variant"),
    ] {
        let error = round_trip(name, &value).expect_err(said).to_string();
        assert!(error.contains(said) && !error.contains("marked"), "{said}: {error}");
    }
}

#[test]
fn one_odd_member_costs_no_other() {
    for (odd, kept) in [
        (
            json!({"user": {"OAuth": {"google": null, "github": true}, "userId": "U1"}}),
            json!({"user": {"OAuth": {"github": true}, "userId": "U1"}}),
        ),
        (json!({"user": {"loginIds": "marked", "userId": "U1"}}), json!({"user": {"userId": "U1"}})),
        (json!({"user": {"loginIds": ["a", null, {"marked": 1}, "b"]}}), json!({"user": {"loginIds": ["a", "b"]}})),
        (json!({"user": {"createdTime": "2026-11-25T10:00:00Z", "userId": "U1"}}), json!({"user": {"userId": "U1"}})),
        (
            json!({"user": {"userTenants": [null, {"tenantId": "T1"}]}}),
            json!({"user": {"userTenants": [{"tenantId": "T1"}]}}),
        ),
        (json!({"user": ["marked"]}), json!({})),
        (json!({"firstSeen": "marked", "cookieMaxAge": []}), json!({})),
    ] {
        let tokens = json!({"sessionJwt": "a.b.c", "refreshJwt": "d.e.f"});
        let with_tokens = |value: &Value| {
            let mut all = tokens.as_object().unwrap().clone();
            all.extend(value.as_object().unwrap().clone());
            Value::Object(all)
        };
        assert_eq!(round_trip("JwtResponse", &with_tokens(&odd)).unwrap(), with_tokens(&kept), "{odd}");
    }
}

/// Something of any type.
fn anything() -> BoxedStrategy<Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        Just(json!(-1.5)),
        Just(json!("marked")),
        Just(json!(["marked"])),
        Just(json!({"marked": {"deep": [null, 1]}})),
        Just(json!(u64::MAX)),
    ]
    .boxed()
}

/// Where something stands in a value: a JSON pointer, and whether anything around it may be absent.
type Spot = (String, bool);

fn spots(schema: &'static Value, value: &Value, at: &Spot, found: &mut Vec<Spot>) {
    let schema = resolve(schema);
    let mut step = |name: &str, member: &'static Value, value: &Value, optional: bool| {
        let spot = (format!("{}/{name}", at.0), at.1 || optional);
        found.push(spot.clone());
        spots(member, value, &spot, found);
    };
    match value {
        // Which of several forms it is shows in the members.
        _ if schema["oneOf"].is_array() => {}
        Value::Object(members) => {
            let required =
                |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name));
            for (name, value) in members {
                match &schema["properties"][name] {
                    Value::Null if schema["additionalProperties"]["type"].is_string() => {
                        step(name, &schema["additionalProperties"], value, true);
                    }
                    Value::Null => {}
                    member => step(name, member, value, !required(name)),
                }
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                step(&index.to_string(), &schema["items"], value, true);
            }
        }
        _ => {}
    }
}

#[test]
fn every_type_survives_anything_in_the_place_of_what_may_be_absent_at_any_depth() {
    let bent = Bent { gaps: false, unknown: false, digits: false };
    let (mut replaced, mut deep) = (0, 0);
    for name in SCHEMAS {
        let mut runner =
            TestRunner::new(Config { cases: 4, max_shrink_iters: 50, failure_persistence: None, ..Config::default() });
        let odd = collection::vec((any::<prop::sample::Index>(), anything()), 12);
        let counts = std::cell::Cell::new((replaced, deep));
        let result = runner.run(&(instance(schema(name), bent, 3), odd), |(value, odd)| {
            let mut all = Vec::new();
            spots(schema(name), &value, &(String::new(), false), &mut all);
            for (index, odd) in odd {
                let Some((pointer, optional)) = (!all.is_empty()).then(|| index.get(&all)) else { return Ok(()) };
                let mut bent = value.clone();
                *bent.pointer_mut(pointer).expect("it is there") = odd;
                match round_trip(name, &bent) {
                    Ok(_) => {}
                    Err(error) if *optional => return Err(TestCaseError::fail(format!("{pointer}: {error}"))),
                    Err(error) => prop_assert!(!error.to_string().contains("marked"), "{}: {}", pointer, error),
                }
                let (replaced, deep) = counts.get();
                counts.set((replaced + 1, deep + usize::from(pointer.matches('/').count() > 1)));
            }
            Ok(())
        });
        if let Err(error) = result {
            panic!("{name}: {error}");
        }
        (replaced, deep) = counts.get();
    }
    assert!(replaced > 10_000 && deep > 1_000, "{replaced} {deep}");
}

#[test]
fn required_member_of_another_type_is_named_and_not_quoted() {
    let wrong = |schema: &Value| match schema["type"].as_str() {
        Some("string") if is_digits(schema) => {
            vec![json!("marked"), json!({"marked": 1}), json!(["marked"]), json!(true)]
        }
        Some("string") => vec![json!(5), json!({"marked": 1}), json!(["marked"]), json!(true), json!(null)],
        Some("boolean") => vec![json!("marked"), json!(1), json!(["marked"]), json!(null)],
        Some("integer" | "number") => vec![json!("marked"), json!({"marked": 1}), json!(["marked"]), json!(null)],
        Some("array") => vec![json!("marked"), json!({"marked": 1}), json!(5)],
        Some("object") => vec![json!("marked"), json!(["marked"]), json!(5)],
        _ => Vec::new(),
    };
    let mut seen = 0;
    for name in SCHEMAS.iter().filter(|name| !schema(name)["oneOf"].is_array()) {
        let whole = required_members(name);
        for property in whole.keys() {
            for value in wrong(resolve(&schema(name)["properties"][property])) {
                let mut object = whole.clone();
                object.insert(property.clone(), value.clone());
                let error = round_trip(name, &Value::Object(object)).expect_err(&format!("{name}.{property} {value}"));
                let error = error.to_string();
                assert!(error.starts_with(property.as_str()) && !error.contains("marked"), "{name}: {error}");
                seen += 1;
            }
        }
    }
    assert!(seen > 500, "{seen}");
}

/// The names of the schemas that a part of the document refers to, and those that they refer to.
fn referred(value: &'static Value, found: &mut BTreeSet<&'static str>) {
    if let Some(name) = value["$ref"].as_str().and_then(|target| target.strip_prefix("#/components/schemas/"))
        && found.insert(name)
    {
        referred(schema(name), found);
    }
    match value {
        Value::Object(members) => members.values().for_each(|member| referred(member, found)),
        Value::Array(items) => items.iter().for_each(|item| referred(item, found)),
        _ => {}
    }
}

#[test]
fn what_is_read_and_written_back_keeps_members_that_nobody_knows() {
    let (mut sent, mut answered) = (BTreeSet::new(), BTreeSet::new());
    for (_, item) in BUNDLE["paths"].as_object().unwrap() {
        for (_, operation) in item.as_object().unwrap() {
            referred(&operation["requestBody"], &mut sent);
            let answers = operation["responses"].as_object().unwrap();
            answers.iter().filter(|(code, _)| code.starts_with('2')).for_each(|(_, it)| referred(it, &mut answered));
        }
    }
    let both: Vec<&str> = sent.intersection(&answered).copied().collect();
    assert!(both.len() > 60, "only {} schemas", both.len());
    for name in both.into_iter().filter(|name| schema(name)["properties"].is_object()) {
        let mut value = Map::new();
        for required in schema(name)["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let property = resolve(&schema(name)["properties"][required]);
            let plain = match property["type"].as_str() {
                Some("string") => json!("text"),
                Some("array") => json!(["text"]),
                Some("object") => json!({}),
                _ => json!(1),
            };
            value.insert(required.to_owned(), plain);
        }
        value.insert("memberOfTomorrow".to_owned(), json!({ "deep": [1, null] }));
        let written = round_trip(name, &Value::Object(value.clone())).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(written, Value::Object(value), "{name}");
    }
}
