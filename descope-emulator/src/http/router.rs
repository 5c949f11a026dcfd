//! From method and path to an operation of the specification.

use std::collections::HashMap;

use descope_api::Operation;
use percent_encoding::percent_decode_str;

/// What is found at a path.
#[derive(Debug)]
pub(crate) enum Found {
    Operation(&'static Operation, HashMap<String, String>),
    /// The path exists, with other methods.
    OtherMethod(Vec<&'static str>),
    Nothing,
}

impl Found {
    pub(crate) fn operation(&self) -> Option<&'static Operation> {
        match self {
            Self::Operation(operation, _) => Some(operation),
            _ => None,
        }
    }
}

#[derive(Debug)]
enum Segment {
    Literal(&'static str),
    Parameter(&'static str),
}

/// Every path of the specification.
#[derive(Debug)]
pub(crate) struct Routes {
    plain: HashMap<&'static str, Vec<&'static Operation>>,
    /// Paths with parameters, those with more literal segments first.
    patterns: Vec<(Vec<Segment>, &'static Operation)>,
}

impl Routes {
    pub(crate) fn new(operations: &'static [Operation]) -> Self {
        let mut plain: HashMap<_, Vec<_>> = HashMap::new();
        let mut patterns = Vec::new();
        for operation in operations {
            if operation.path.contains('{') {
                patterns.push((
                    operation.path.split('/').filter(|text| !text.is_empty()).map(segment).collect::<Vec<_>>(),
                    operation,
                ));
            } else {
                plain.entry(operation.path).or_default().push(operation);
            }
        }
        let literals =
            |segments: &[Segment]| segments.iter().filter(|segment| matches!(segment, Segment::Literal(_))).count();
        patterns.sort_by_key(|(segments, _)| std::cmp::Reverse(literals(segments)));
        Self { plain, patterns }
    }

    /// How many operations there are.
    pub(crate) fn count(&self) -> usize {
        self.plain.values().map(Vec::len).sum::<usize>() + self.patterns.len()
    }

    /// The operation at a path. Slashes are merged and one at the end does not count, so that a base URL may end with
    /// one; percent-encoded letters are those letters. `HEAD` is `GET` without a body.
    pub(crate) fn find(&self, method: &str, path: &str) -> Found {
        let method = if method == "HEAD" { "GET" } else { method };
        let decoded = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8().map(std::borrow::Cow::into_owned));
        let Ok(given) = decoded.collect::<Result<Vec<String>, _>>() else { return Found::Nothing };
        // A slash in a segment is a letter of that segment.
        let plain = given.iter().all(|segment| !segment.contains('/')).then(|| format!("/{}", given.join("/")));
        let mut others = Vec::new();
        for operation in plain.and_then(|path| self.plain.get(path.as_str())).into_iter().flatten() {
            if operation.method == method {
                return Found::Operation(operation, HashMap::new());
            }
            others.push(operation.method);
        }
        for (segments, operation) in &self.patterns {
            let Some(parameters) = parameters(segments, &given) else { continue };
            if operation.method == method {
                return Found::Operation(operation, parameters);
            }
            others.push(operation.method);
        }
        others.sort_unstable();
        others.dedup();
        if others.is_empty() { Found::Nothing } else { Found::OtherMethod(others) }
    }
}

fn segment(text: &'static str) -> Segment {
    match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        Some(name) => Segment::Parameter(name),
        None => Segment::Literal(text),
    }
}

fn parameters(segments: &[Segment], given: &[String]) -> Option<HashMap<String, String>> {
    if segments.len() != given.len() {
        return None;
    }
    let mut parameters = HashMap::new();
    for (segment, given) in segments.iter().zip(given) {
        match segment {
            Segment::Literal(text) if text == given => {}
            Segment::Parameter(name) => {
                parameters.insert((*name).to_owned(), given.clone());
            }
            Segment::Literal(_) => return None,
        }
    }
    Some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(method: &str, path: &str) -> String {
        match Routes::new(descope_api::OPERATIONS).find(method, path) {
            Found::Operation(operation, parameters) => {
                format!("{} {}", operation.id, parameters.get("projectId").map_or("", String::as_str))
            }
            Found::OtherMethod(methods) => methods.join(","),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn paths_lead_to_operations() {
        assert_eq!(find("POST", "/v1/auth/otp/verify/email"), "otpVerifyEmail ");
        assert_eq!(find("GET", "/v2/keys/P%32a"), "sessionKeys P2a");
        assert_eq!(find("GET", "/v1/auth/security-questions/verify"), "securityQuestionsGet ");
        assert_eq!(find("POST", "/v1/auth/security-questions/verify"), "securityQuestionsVerify ");
        assert_eq!(find("GET", "/v1/auth/otp/verify/email"), "POST");
        assert_eq!(find("POST", "/v2/keys/P2a"), "GET");
        assert_eq!(find("HEAD", "/v2/keys/P2a/"), "sessionKeys P2a");
        assert_eq!(find("POST", "//v1/auth//otp/verify/e%6dail/"), "otpVerifyEmail ");
        for nothing in ["/v2/keys/", "/v2/keys", "/v2/keys/a/b", "/", "", "/v2/keys/%ff", "/v1/auth/otp%2fverify/email"]
        {
            assert_eq!(find("GET", nothing), "nothing", "{nothing}");
        }
    }
}
