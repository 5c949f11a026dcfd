//! What becomes of a generator that fails or panics on something that the lint let pass: a problem with a place.

use std::{
    cell::Cell,
    collections::BTreeSet,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use serde_json::{Map, Value};

use crate::{
    document::{Document, Operation, walk},
    problem::{Failure, Problem},
};

/// The last words of a report, as the lint should have found it.
const WHAT_TO_DO: &str = "describe it as its neighbours do, and add a rule to xtask/src/lint that says so beforehand";

/// Runs the generators, and when they fail names the operation that they fail on. `attempt` tries a smaller document.
pub(super) fn run<T>(
    document: &Document,
    work: impl FnOnce() -> Result<T, Failure>,
    attempt: impl Fn(&Value) -> Result<(), Failure>,
) -> Result<T, Failure> {
    let message = match quietly(work) {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(Failure::Generator(message))) | Err(message) => message,
        Ok(Err(other)) => return Err(other),
    };
    let fails = |operations: &[Operation<'_>]| match quietly(|| attempt(&part(document, operations))) {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure.to_string()),
        Err(message) => Some(message),
    };
    let mut suspects = document.operations();
    let mut why = fails(&suspects);
    while suspects.len() > 1 && why.is_some() {
        let second = suspects.split_off(suspects.len() / 2);
        why = fails(&suspects);
        if why.is_none() {
            why = fails(&second);
            suspects = second;
        }
    }
    let problem = if let ([operation], Some(why)) = (suspects.as_slice(), why) {
        let id = operation.id().unwrap_or("without an id");
        let message = format!("the generator cannot write `{id}`: {}; {WHAT_TO_DO}", first_line(&why));
        Problem::new(document.place(&operation.pointer()), "codegen", message)
    } else {
        let message = format!("the generator stopped: {}; {WHAT_TO_DO}", first_line(&message));
        Problem::new(document.place(""), "codegen", message)
    };
    Err(Failure::Problems(vec![problem]))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The document with some of its operations, and the schemas that they reach.
fn part(document: &Document, operations: &[Operation<'_>]) -> Value {
    let mut paths = Map::new();
    for operation in operations {
        let item = paths.entry(operation.path).or_insert_with(|| Value::Object(Map::new()));
        item[operation.method] = operation.value.clone();
    }
    let mut part = document.value.clone();
    part["paths"] = Value::Object(paths);
    let reached = reached(document, &part["paths"]);
    if let Some(schemas) = part["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| name == "ErrorResponse" || reached.contains(name));
    }
    part
}

fn reached(document: &Document, paths: &Value) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Value> = vec![paths, &document.value["components"]["schemas"]["ErrorResponse"]];
    while let Some(value) = open.pop() {
        walk(value, "", &mut |_, value| {
            let target = value.get("$ref").and_then(Value::as_str);
            if let Some(name) = target.and_then(|target| target.strip_prefix("#/components/schemas/"))
                && reached.insert(name.to_owned())
            {
                open.push(&document.value["components"]["schemas"][name]);
            }
        });
    }
    reached
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs something that may panic, and hands the words of the panic over instead of printing them.
fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
    let before = QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    result.map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
    })
}

/// Has the panics of this thread go unprinted too, as they are reported by the one that waits for it.
pub(super) fn quiet() {
    QUIET.set(true);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HEAD: &str = include_str!("../../tests/small/spec/openapi.yaml");
    const PART: &str = include_str!("../../tests/small/spec/auth/otp.yaml");

    fn two_operations() -> Document {
        let paths = PART.split("components:").next().unwrap_or_default();
        let again = paths.replace("otpVerify\n", "otpAgain\n").replace("{channel}/verify", "{channel}/again");
        let parts = [("spec/openapi.yaml", HEAD), ("spec/auth/otp.yaml", PART), ("spec/auth/two.yaml", &again)];
        Document::join(&parts.map(|(name, text)| (name.to_owned(), text.to_owned()))).expect("joins")
    }

    #[test]
    fn a_panic_on_one_operation_is_reported_with_its_name_and_line() {
        let document = two_operations();
        let attempt = |part: &Value| {
            assert!(!part.to_string().contains("otpAgain"), "not implemented: again\nand more");
            Ok(())
        };
        let failure = run(&document, || attempt(&document.value), attempt).expect_err("it panics");
        let text = failure.to_string();
        assert!(
            text.starts_with("spec/auth/two.yaml:3: [codegen] the generator cannot write `otpAgain`: not impl"),
            "{text}"
        );
        assert!(!text.contains("and more"), "{text}");
    }

    #[test]
    fn what_fails_for_all_of_them_together_is_reported_for_the_document() {
        let document = two_operations();
        let attempt = |part: &Value| match part["paths"].as_object().map(Map::len) {
            Some(2) => Err(Failure::Generator("two are too many".to_owned())),
            _ => Ok(()),
        };
        let failure = run(&document, || attempt(&document.value), attempt).expect_err("it fails");
        let text = failure.to_string();
        assert!(text.starts_with("spec/openapi.yaml:1: [codegen] the generator stopped: two are too many"), "{text}");
    }

    #[test]
    fn other_failures_pass_unchanged() {
        let document = two_operations();
        let drift = || Err::<(), _>(Failure::Drift(vec!["a".to_owned()]));
        let result = run(&document, drift, |_| Ok(()));
        assert!(matches!(result, Err(Failure::Drift(_))));
        assert_eq!(quietly(|| json!(1)), Ok(json!(1)));
    }
}
