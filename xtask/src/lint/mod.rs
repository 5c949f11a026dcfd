//! The rules that every part of the document obeys.
//!
//! A rule is data: its id, why it exists, and the function that finds what breaks it. `tests.rs` breaks each of them.

mod errors;
mod examples;
mod form;
#[cfg(test)]
mod mistakes;
mod names;
mod operations;
mod references;
mod schemas;
mod sdk;
mod shapes;
#[cfg(test)]
mod tests;
mod vocabulary;

pub(crate) use examples::Checker;

use crate::{
    document::Document,
    problem::{Failure, Place, Problem},
};

/// One rule.
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) reason: &'static str,
    check: fn(&Document, &mut Report<'_>),
}

/// The rules that the others build on: while one of these is broken, only they are checked, so that one misspelt word
/// is one problem. The same goes for the next list.
const FORM: &[Rule] = &[
    Rule {
        id: "head",
        reason: "generators of Rust and other languages read OpenAPI 3.0 and nothing newer",
        check: operations::head,
    },
    Rule {
        id: "member",
        reason: "what no reader knows is dropped by all of them: a misspelt method takes its operation with it",
        check: form::check,
    },
    Rule {
        id: "reference",
        reason: "references stay inside the document, resolve, and have no siblings, which 3.0 ignores",
        check: references::resolve,
    },
];

/// What each schema is, once its members are known.
const TYPES: &[Rule] = &[
    Rule {
        id: "type",
        reason: "a schema says what it is, in words that the generated code reads without refusing an answer",
        check: schemas::kind,
    },
    Rule {
        id: "known-values",
        reason: "the values that are known today are of the type of the schema, each once",
        check: schemas::known_values,
    },
    Rule {
        id: "vocabulary",
        reason: "a vocabulary is one type in Rust, with a constant for each value: the same name wherever it is used",
        check: vocabulary::check,
    },
];

/// What is checked once the document is well formed.
const CONTENT: &[Rule] = &[
    Rule {
        id: "operation-id",
        reason: "the id becomes a function in every language: lowerCamelCase, unique in snake_case, without a suffix \
                 that generators add themselves",
        check: names::operation_id,
    },
    Rule {
        id: "tag",
        reason: "the tag names the module, the file and the feature; exactly one, declared in the head",
        check: operations::tag,
    },
    Rule {
        id: "operation-prose",
        reason: "summary and description are the documentation of every generated client",
        check: operations::prose,
    },
    Rule {
        id: "security",
        reason: "an Authorization header holds one bearer, so the schemes are alternatives, one in each entry",
        check: operations::security,
    },
    Rule {
        id: "responses",
        reason: "one success, and the shared error on the codes that the service uses: `default` panics progenitor and \
                 `4XX` breaks TypeScript generators",
        check: operations::responses,
    },
    Rule {
        id: "extensions",
        reason: "retries and provenance are read from the document, nowhere else",
        check: operations::extensions,
    },
    Rule {
        id: "parameters",
        reason: "a path parameter is declared once, described, and not repeated in the body",
        check: operations::parameters,
    },
    Rule {
        id: "body",
        reason: "one media type for each body, required unless clients leave it out",
        check: operations::body,
    },
    Rule {
        id: "sdk",
        reason: "every operation with a management key is a function of the SDK, made from what it says of itself",
        check: sdk::check,
    },
    Rule {
        id: "unused",
        reason: "a component that nothing refers to is dead weight in every generated client",
        check: references::unused,
    },
    Rule {
        id: "component-name",
        reason: "schema names become types in every language and must not hide built-in ones",
        check: names::components,
    },
    Rule {
        id: "title",
        reason: "the title of an inline schema becomes a type, which needs a name of its own",
        check: names::titles,
    },
    Rule {
        id: "property-name",
        reason: "two names that differ only in case, underscores or hyphens cannot both become fields, nor `hasX` one beside `x` in Go",
        check: names::properties,
    },
    Rule {
        id: "schema-prose",
        reason: "a property whose description only restates its name is not described",
        check: schemas::prose,
    },
    Rule {
        id: "free-form",
        reason: "a bare object loses its content in some generators, and a closed answer breaks when it grows",
        check: schemas::free_form,
    },
    Rule {
        id: "default",
        reason: "generators send defaults for fields that the caller left out, which overwrites what the service holds",
        check: schemas::default,
    },
    Rule {
        id: "format",
        reason: "an unknown format is read differently by every generator, and a 32-bit time ends in 2038",
        check: schemas::format,
    },
    Rule {
        id: "unit",
        reason: "seconds that are read as milliseconds are 17 minutes for one; the unit of a time stands where generators see it",
        check: schemas::unit,
    },
    Rule {
        id: "closed-enum",
        reason: "vocabularies grow; a closed enum in a client refuses tomorrow's value (use x-extensible-enum)",
        check: schemas::closed_enum,
    },
    Rule {
        id: "partial",
        reason: "generators send an empty list for one that was not set, which clears it where only what is sent changes",
        check: schemas::partial,
    },
    Rule {
        id: "secret",
        reason: "what is marked as a password is redacted in logs and wiped from memory",
        check: schemas::secret,
    },
    Rule {
        id: "example",
        reason: "every body has an example, and it validates against the schema with no unknown member",
        check: examples::check,
    },
    Rule {
        id: "errors",
        reason: "every code of a refusal is known once, by a name of its own, with operations that exist",
        check: errors::check,
    },
];

/// Every rule, in the order in which `cargo xtask lint --rules` lists them.
pub(crate) fn rules() -> impl Iterator<Item = &'static Rule> {
    [FORM, TYPES, CONTENT].into_iter().flatten()
}

/// Collects what the rules find.
pub(crate) struct Report<'a> {
    document: &'a Document,
    rule: &'static str,
    problems: Vec<Problem>,
}

impl Report<'_> {
    /// Notes a problem with what is not part of the document.
    fn place(&mut self, place: &Place, message: impl Into<String>) {
        self.problems.push(Problem::new(place.clone(), self.rule, message));
    }

    /// Notes a problem with the value behind a JSON pointer.
    fn at(&mut self, pointer: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(self.document.place(pointer), self.rule, message));
    }
}

/// Holds the document against every rule.
pub(crate) fn run(document: &Document) -> Result<(), Failure> {
    for rules in [FORM, TYPES, CONTENT] {
        let mut report = Report { document, rule: "", problems: Vec::new() };
        for rule in rules {
            report.rule = rule.id;
            (rule.check)(document, &mut report);
        }
        let mut problems = report.problems;
        problems.sort();
        // An anchor used in several places is one mistake.
        problems.dedup();
        if !problems.is_empty() {
            return Err(Failure::Problems(problems));
        }
    }
    Ok(())
}
