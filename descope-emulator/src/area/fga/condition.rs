//! Conditions on attributes: what they say, in CEL, and whether they hold in the context that a caller gives.

use std::{net::IpAddr, sync::Arc};

use cel::{Context, ExecutionError, Program, extractors::This};
use descope_api::types::AuthzCondition;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    area::access_key::{in_range, is_range},
    error::Refusal,
};

/// The longest expression, in bytes.
const MAX_EXPRESSION: usize = 4096;
/// The most operators of an expression. Each may be a level of recursion when it is read and evaluated.
const MAX_SIGNS: usize = 64;
/// The stack that expressions are read and evaluated on, in bytes. Only what is used of it takes memory.
const STACK: usize = 64 << 20;
/// How deep brackets may be nested in an expression.
const MAX_BRACKETS: usize = 16;

/// A condition with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Condition {
    pub(super) name: String,
    /// Names of the variables with their types.
    pub(super) params: Vec<(String, String)>,
    pub(super) source: Source,
}

/// Where a condition comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Source {
    Cel(String),
    /// A kind that the service knows, with the values that the schema fixes.
    Constraint {
        kind: String,
        args: Vec<Value>,
    },
}

/// When a relation counts, by the names of conditions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Gate {
    Holds(String),
    Not(Box<Gate>),
    And(Vec<Gate>),
    Or(Vec<Gate>),
}

impl Gate {
    pub(super) fn names<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::Holds(name) => found.push(name),
            Self::Not(gate) => gate.names(found),
            Self::And(gates) | Self::Or(gates) => gates.iter().for_each(|gate| gate.names(found)),
        }
    }
}

/// What came of evaluating a condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Is(bool),
    /// It cannot be told without these variables.
    Missing(Vec<String>),
    Failed(String),
}

impl Outcome {
    pub(super) fn known(&self) -> Option<bool> {
        match self {
            Self::Is(is) => Some(*is),
            Self::Missing(_) | Self::Failed(_) => None,
        }
    }
}

/// The kinds of constraints with the variables that they take. The first is always asked of the caller; the others are
/// either fixed in the schema or asked as well.
const CONSTRAINTS: &[(&str, &[(&str, &str)])] = &[
    ("IpRange", &[("ip", "ipaddress"), ("ip_range", "string")]),
    ("IpList", &[("ip", "ipaddress"), ("allowed_ips", "list")]),
    ("DateExpiryEpochSeconds", &[("now_epoch_seconds", "int"), ("expiry_epoch_seconds", "int")]),
    ("StringMatchRegex", &[("str", "string")]),
    ("NumAtLeast", &[("num", "double"), ("min", "int")]),
    ("NumAtMost", &[("num", "double"), ("max", "int")]),
    ("NumRange", &[("num", "double"), ("min", "int"), ("max", "int")]),
    ("BoolCheck", &[("bool", "bool"), ("expected", "bool")]),
    ("GeoCountry", &[("country_code", "string"), ("allowed_countries", "list")]),
    ("IntList", &[("int", "int"), ("allowed_ints", "list")]),
    ("LabelList", &[("label", "string"), ("allowed_labels", "list")]),
];

/// The types that variables have.
const TYPES: &[&str] = &["int", "string", "bool", "double", "list", "ipaddress"];

impl Condition {
    /// A condition in CEL.
    pub(super) fn cel(name: String, params: Vec<(String, String)>, expression: String) -> Result<Self, String> {
        for (index, (param, kind)) in params.iter().enumerate() {
            if !TYPES.contains(&kind.as_str()) {
                return Err(format!("the type of {param:?} cannot be {kind:?}; it is one of {}", TYPES.join(", ")));
            }
            if params.iter().take(index).any(|(known, _)| known == param) {
                return Err(format!("the variable {param:?} is there twice"));
            }
        }
        let variables = apart(|| {
            let program = compile(&expression)?;
            let references = program.references();
            Ok(references.variables().into_iter().map(str::to_owned).collect::<Vec<_>>())
        })
        .and_then(|variables| variables)?;
        let unknown = |variable: &&String| {
            !TYPES.contains(&variable.as_str()) && !params.iter().any(|(param, _)| param == *variable)
        };
        if let Some(unknown) = variables.iter().find(unknown) {
            return Err(format!("the expression uses {unknown:?}, which is not among the variables"));
        }
        Ok(Self { name, params, source: Source::Cel(expression) })
    }

    /// A constraint of a kind that the service knows.
    pub(super) fn constraint(name: String, kind: &str, args: Vec<Value>) -> Result<Self, String> {
        let Some((_, all)) = CONSTRAINTS.iter().find(|(known, _)| *known == kind) else {
            let kinds: Vec<&str> = CONSTRAINTS.iter().map(|(kind, _)| *kind).collect();
            return Err(format!("there is no constraint {kind:?}; there are {}", kinds.join(", ")));
        };
        let fits = match kind {
            "StringMatchRegex" => args.len() == 1 && args.iter().all(Value::is_string),
            _ if args.is_empty() => true,
            "IpRange" => args.len() == 1 && args.iter().all(|arg| arg.as_str().is_some_and(is_range)),
            "IpList" => args.iter().all(|arg| arg.as_str().is_some_and(|ip| ip.parse::<IpAddr>().is_ok())),
            "GeoCountry" => args.iter().all(|arg| {
                arg.as_str().is_some_and(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
            }),
            "LabelList" => args.iter().all(Value::is_string),
            "IntList" => args.iter().all(Value::is_i64),
            "BoolCheck" => args.len() == 1 && args.iter().all(Value::is_boolean),
            "NumRange" => {
                let ends: Vec<i64> = args.iter().filter_map(Value::as_i64).collect();
                args.len() == 2 && ends.len() == 2 && ends.is_sorted()
            }
            _ => args.len() == 1 && args.iter().all(Value::is_i64),
        };
        if !fits {
            return Err(format!("the values given to {kind} are not what it takes"));
        }
        let asked = if args.is_empty() { *all } else { all.get(..1).unwrap_or_default() };
        let params = asked.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect();
        let condition = Self { name, params, source: Source::Constraint { kind: kind.to_owned(), args } };
        apart(|| compile(&condition.expression()).map(drop)).and_then(|compiled| compiled)?;
        Ok(condition)
    }

    pub(super) fn from_api(condition: &AuthzCondition) -> Result<Self, Refusal> {
        let given = |field: &str, value: &Option<String>| {
            value.clone().filter(|value| !value.trim().is_empty()).ok_or_else(|| Refusal::required(field))
        };
        let name = given("conditions.name", &condition.name)?;
        let mut params = Vec::new();
        for param in &condition.params {
            params.push((given("params.name", &param.name)?, given("params.type", &param.type_)?));
        }
        let expression = given("conditions.expression", &condition.expression)?;
        Self::cel(name.clone(), params, expression)
            .map_err(|why| Refusal::invalid(format!("In the condition {name:?}, {why}")))
    }

    pub(super) fn is_builtin(&self) -> bool {
        matches!(self.source, Source::Constraint { .. })
    }

    /// What is evaluated, in CEL.
    pub(super) fn expression(&self) -> String {
        let (kind, args) = match &self.source {
            Source::Cel(expression) => return expression.clone(),
            Source::Constraint { kind, args } => (kind.as_str(), args),
        };
        let arg = |index: usize, name: &str| args.get(index).map_or_else(|| name.to_owned(), Value::to_string);
        let list = |name: &str| {
            if args.is_empty() { name.to_owned() } else { Value::Array(args.clone()).to_string() }
        };
        match kind {
            "IpRange" => format!("ip.in_cidr({})", arg(0, "ip_range")),
            "IpList" => format!("ip in {}", list("allowed_ips")),
            "DateExpiryEpochSeconds" => format!("now_epoch_seconds < {}", arg(0, "expiry_epoch_seconds")),
            "StringMatchRegex" => format!("str.matches({})", arg(0, "str")),
            "NumAtLeast" => format!("num >= double({})", arg(0, "min")),
            "NumAtMost" => format!("num <= double({})", arg(0, "max")),
            "NumRange" => format!("num >= double({}) && num <= double({})", arg(0, "min"), arg(1, "max")),
            "BoolCheck" => format!("bool == {}", arg(0, "expected")),
            "GeoCountry" => format!("country_code in {}", list("allowed_countries")),
            "IntList" => format!("int in {}", list("allowed_ints")),
            _ => format!("label in {}", list("allowed_labels")),
        }
    }

    /// Whether it holds with these values.
    pub(super) fn evaluate(&self, values: &Map<String, Value>) -> Outcome {
        apart(|| self.evaluate_here(values)).unwrap_or_else(Outcome::Failed)
    }

    fn evaluate_here(&self, values: &Map<String, Value>) -> Outcome {
        let program = match compile(&self.expression()) {
            Ok(program) => program,
            Err(why) => return Outcome::Failed(why),
        };
        let mut context = Context::default();
        let in_cidr = |This(ip): This<Arc<String>>, range: Arc<String>| -> Result<bool, ExecutionError> {
            let failed = |what: &str| ExecutionError::function_error("in_cidr", what);
            let ip = ip.parse().map_err(|_| failed("not an address"))?;
            if is_range(&range) { Ok(in_range(ip, &range)) } else { Err(failed("not a network")) }
        };
        if context.add_function("in_cidr", in_cidr).is_err() {
            return Outcome::Failed("in_cidr is not available".to_owned());
        }
        let mut missing = Vec::new();
        for (name, kind) in &self.params {
            match values.get(name) {
                None | Some(Value::Null) => missing.push(name.clone()),
                Some(value) => match typed(value, kind) {
                    Some(value) => context.add_variable_from_value(name.as_str(), value),
                    None => return Outcome::Failed(format!("The value of {name:?} is not of type {kind}")),
                },
            }
        }
        // Two constraints have variables with the names of types, and would be told that of the type.
        if missing.iter().any(|name| TYPES.contains(&name.as_str())) {
            return Outcome::Missing(missing);
        }
        match program.execute(&context) {
            Ok(cel::Value::Bool(is)) => Outcome::Is(is),
            Ok(_) => Outcome::Failed(format!("The condition {:?} does not answer true or false", self.name)),
            Err(_) if !missing.is_empty() => Outcome::Missing(missing),
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }
}

/// Does something with an expression on a stack of its own: reading and evaluating are recursive, and each level takes
/// more of a stack than a worker thread can spare.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| format!("no thread could be started: {error}"))?;
        thread.join().map_err(|_| "the expression cannot be evaluated".to_owned())
    })
}

/// A program, when the expression is not too large to be read.
/// What goes through a list. One of them takes as long as the list; several within one another would take for ever, and
/// nobody else could call meanwhile.
const MACROS: [&str; 5] = ["all", "exists", "exists_one", "filter", "map"];

fn compile(expression: &str) -> Result<Program, String> {
    if expression.len() > MAX_EXPRESSION {
        return Err(format!("the expression is longer than {MAX_EXPRESSION} bytes"));
    }
    let (mut depth, mut signs, mut quote) = (0_usize, 0_usize, None);
    let mut unquoted = String::new();
    let mut letters = expression.chars();
    while let Some(letter) = letters.next() {
        if quote.is_none() {
            unquoted.push(letter);
        }
        match (quote, letter) {
            (Some(_), '\\') => {
                letters.next();
            }
            (Some(open), letter) if letter == open => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(' | '[' | '{') => (depth, signs) = (depth + 1, signs + 1),
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, '+' | '-' | '*' | '/' | '%' | '<' | '>' | '!' | '&' | '|' | '?' | '.') => signs += 1,
            _ => {}
        }
        if depth > MAX_BRACKETS {
            return Err(format!("the expression is nested more than {MAX_BRACKETS} levels deep"));
        }
        if signs > MAX_SIGNS {
            return Err(format!("the expression has more than {MAX_SIGNS} operators"));
        }
    }
    let bare: String = unquoted.chars().filter(|letter| !letter.is_whitespace()).collect();
    let loops = MACROS.iter().map(|name| bare.matches(&format!(".{name}(")).count()).sum::<usize>();
    if loops > 1 {
        return Err("the expression goes through more than one list".to_owned());
    }
    Program::compile(expression).map_err(|error| {
        let text = error.to_string();
        format!("the expression is not CEL: {}", text.lines().next().unwrap_or_default())
    })
}

/// A value as CEL knows it, when it is of the type.
fn typed(value: &Value, kind: &str) -> Option<cel::Value> {
    match kind {
        "int" => value.as_i64().map(cel::Value::Int),
        "double" => value.as_f64().map(cel::Value::Float),
        "bool" => value.as_bool().map(cel::Value::Bool),
        "string" => value.as_str().map(cel::Value::from),
        "ipaddress" => {
            let ip: IpAddr = value.as_str()?.trim().parse().ok()?;
            Some(cel::Value::from(ip.to_string()))
        }
        _ => value.as_array().map(|_| plain(value)),
    }
}

/// A value of an element of a list, whose type nothing says.
fn plain(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(is) => cel::Value::Bool(*is),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| cel::Value::Float(number.as_f64().unwrap_or_default()), cel::Value::Int)
        }
        Value::String(text) => cel::Value::from(text.as_str()),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(plain).collect())),
        Value::Object(members) => {
            let members: std::collections::HashMap<String, cel::Value> =
                members.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
            cel::Value::from(members)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn evaluate(condition: &Condition, values: &Value) -> Outcome {
        condition.evaluate(values.as_object().expect("an object"))
    }

    #[test]
    fn every_constraint_tells_what_holds_from_what_does_not() {
        let cases = [
            ("IpRange", json!(["10.0.0.0/8"]), json!({"ip": "10.1.2.3"}), json!({"ip": "11.1.2.3"})),
            ("IpRange", json!([]), json!({"ip": "::1", "ip_range": "::1"}), json!({"ip": "::2", "ip_range": "::1"})),
            ("IpList", json!(["1.2.3.4"]), json!({"ip": "1.2.3.4"}), json!({"ip": "1.2.3.5"})),
            (
                "DateExpiryEpochSeconds",
                json!([100]),
                json!({"now_epoch_seconds": 99}),
                json!({"now_epoch_seconds": 100}),
            ),
            ("StringMatchRegex", json!(["^a.*"]), json!({"str": "abc"}), json!({"str": "bc"})),
            ("NumAtLeast", json!([18]), json!({"num": 18}), json!({"num": 17.5})),
            ("NumAtMost", json!([18]), json!({"num": 18}), json!({"num": 18.5})),
            ("NumRange", json!([1, 3]), json!({"num": 2.5}), json!({"num": 3.5})),
            ("NumRange", json!([]), json!({"num": 2, "min": 1, "max": 2}), json!({"num": 3, "min": 1, "max": 2})),
            ("BoolCheck", json!([true]), json!({"bool": true}), json!({"bool": false})),
            ("GeoCountry", json!(["US", "GB"]), json!({"country_code": "GB"}), json!({"country_code": "KP"})),
            ("IntList", json!([1, 2]), json!({"int": 2}), json!({"int": 3})),
            ("IntList", json!([]), json!({"int": 2, "allowed_ints": [2]}), json!({"int": 2, "allowed_ints": []})),
            ("LabelList", json!(["a\"b"]), json!({"label": "a\"b"}), json!({"label": "c"})),
        ];
        for (kind, args, good, bad) in cases {
            let args = args.as_array().expect("a list").clone();
            let condition = Condition::constraint("Name".into(), kind, args).expect("a constraint");
            assert_eq!(evaluate(&condition, &good), Outcome::Is(true), "{kind} {good}");
            assert_eq!(evaluate(&condition, &bad), Outcome::Is(false), "{kind} {bad}");
            let asked: Vec<String> = condition.params.iter().map(|(name, _)| name.clone()).collect();
            assert_eq!(evaluate(&condition, &json!({})), Outcome::Missing(asked), "{kind}");
        }
    }

    #[test]
    fn constraints_refuse_values_that_they_do_not_take() {
        for (kind, args) in [
            ("Nothing", json!([])),
            ("IpRange", json!(["x"])),
            ("IpList", json!([5])),
            ("StringMatchRegex", json!([])),
            ("NumRange", json!([3, 1])),
            ("NumRange", json!([3])),
            ("BoolCheck", json!([1])),
            ("GeoCountry", json!(["usa"])),
            ("NumAtLeast", json!([1.5])),
        ] {
            let args = args.as_array().expect("a list").clone();
            assert!(Condition::constraint("Name".into(), kind, args.clone()).is_err(), "{kind} {args:?}");
        }
    }

    #[test]
    fn what_decides_without_a_variable_needs_it_not() {
        let params = vec![("a".to_owned(), "int".to_owned()), ("b".to_owned(), "bool".to_owned())];
        let condition = Condition::cel("Either".into(), params, "a > 5 || b".into()).expect("CEL");
        assert_eq!(evaluate(&condition, &json!({"a": 6})), Outcome::Is(true));
        assert_eq!(evaluate(&condition, &json!({"a": 5})), Outcome::Missing(vec!["b".into()]));
        assert_eq!(evaluate(&condition, &json!({"a": 5, "b": null})), Outcome::Missing(vec!["b".into()]));
        assert!(matches!(evaluate(&condition, &json!({"a": "six"})), Outcome::Failed(_)));
    }

    #[test]
    fn expressions_that_cannot_be_evaluated_are_refused_or_reported() {
        let params = || vec![("a".to_owned(), "int".to_owned())];
        let cel = |expression: &str| Condition::cel("Name".into(), params(), expression.into());
        assert!(cel("a >").is_err() && cel("b > 1").is_err() && cel("").is_err());
        assert!(cel(&"(".repeat(5000)).is_err() && cel(&format!("{}a{}", "(".repeat(40), ")".repeat(40))).is_err());
        assert!(Condition::cel("N".into(), vec![("a".into(), "date".into())], "true".into()).is_err());
        assert!(matches!(evaluate(&cel("a + 1").expect("CEL"), &json!({"a": 1})), Outcome::Failed(_)));
        assert!(matches!(evaluate(&cel("1 / a > 0").expect("CEL"), &json!({"a": 0})), Outcome::Failed(_)));
    }

    #[test]
    fn long_expressions_are_evaluated_or_refused_and_no_stack_ends() {
        for (start, part, end) in [
            ("", "!", "(a > 1)"),
            ("a", " + a", " > 1"),
            ("a", " - a * 2", " > 1"),
            ("a > 1", " && a > 1", ""),
            ("", "a > 5 ? false : ", "true"),
            ("a", ".b", ""),
            ("a", "[0]", ""),
            ("1 > 0 || ", "-", "1 > 0"),
        ] {
            let cel = |times: usize| {
                let expression = format!("{start}{}{end}", part.repeat(times));
                Condition::cel("Name".into(), vec![("a".into(), "int".into())], expression)
            };
            assert!(cel(200).expect_err(part).contains("operators"));
            // The longest that is taken.
            let longest = (1..200).rev().find_map(|times| cel(times).ok()).expect("one is taken");
            assert!(!matches!(evaluate(&longest, &json!({"a": 2})), Outcome::Missing(_)), "{part}");
        }
        let texts: Vec<Value> = (0..200).map(|number| json!(format!("1.2.3.{number}"))).collect();
        assert!(Condition::constraint("Name".into(), "LabelList", texts).is_ok(), "signs in texts do not count");
    }

    #[test]
    fn an_expression_goes_through_one_list_at_most() {
        assert!(compile("names.exists(name, name == 'ada')").is_ok());
        assert!(compile("text == 'a.all(b.all(c'").is_ok(), "what is quoted is text");
        let why = compile("[1, 2].all(a, [1, 2] . all (b, a < b))").err().unwrap_or_default();
        assert!(why.contains("more than one list"), "{why}");
    }
}
