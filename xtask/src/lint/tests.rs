//! Breaks each rule once, in an otherwise clean document.

use std::collections::BTreeSet;

use super::{RULES, run};
use crate::{
    document::Document,
    problem::{Failure, Problem},
};

const HEAD: &str = include_str!("../../tests/small/spec/openapi.yaml");
const PART: &str = include_str!("../../tests/small/spec/auth/otp.yaml");

fn lint(head: &str, part: &str) -> Vec<Problem> {
    let parts = [("spec/openapi.yaml".to_owned(), head.to_owned()), ("spec/auth/otp.yaml".to_owned(), part.to_owned())];
    let result = Document::join(&parts).and_then(|document| match run(&document) {
        Ok(()) => Ok(()),
        Err(Failure::Problems(problems)) => Err(problems),
        Err(other) => panic!("{other}"),
    });
    result.err().unwrap_or_default()
}

#[test]
fn the_base_document_is_clean() {
    assert_eq!(lint(HEAD, PART), []);
}

#[test]
fn a_body_that_asks_for_nothing_may_be_left_out() {
    let body = "        required: true\n        content";
    let part =
        PART.replacen(body, &body.replace("true", "false"), 1).replacen("      required: [loginId, code]\n", "", 1);
    assert_ne!(part, PART);
    assert_eq!(lint(HEAD, &part), []);
}

/// Rule, text of the part that is replaced, its replacement, and the line that has to be named (found by its text).
const CASES: &[(&str, &str, &str, &str)] = &[
    ("operation-id", "operationId: otpVerify\n", "operationId: OtpVerify\n", "operationId"),
    ("operation-id", "operationId: otpVerify\n", "operationId: otpVerifyAsync\n", "operationId"),
    ("operation-id", "operationId: otpVerify\n", "operationId: otpVerifySMS\n", "operationId"),
    ("operation-id", "operationId: otpVerify\n", "operationId: verify\n", "operationId"),
    ("operation-id", "      operationId: otpVerify\n", "", "post:"),
    (
        "operation-id",
        "schema: {$ref: '#/components/schemas/OtpVerifyRequest'}",
        "schema: {$ref: '#/components/schemas/OtpVerifyResponse'}",
        "operationId",
    ),
    ("tag", "tags: [otp]", "tags: []", "post:"),
    ("tag", "tags: [otp]", "tags: [otp, session]", "post:"),
    ("tag", "tags: [otp]", "tags: [sms]", "post:"),
    ("operation-prose", "summary: Redeem a one-time code", "summary: ''", "post:"),
    (
        "operation-prose",
        "description: Signs the user in with the code from the message, once and before it expires.",
        "description: ''",
        "post:",
    ),
    (
        "security",
        "        - ProjectId: []\n        - RefreshJwt: []",
        "        - {ProjectId: [], RefreshJwt: []}",
        "post:",
    ),
    ("security", "- RefreshJwt: []", "- Cookie: []", "post:"),
    ("responses", "        '429': *error\n", "", "responses:"),
    ("responses", "'500': *error", "default: *error", "responses:"),
    ("responses", "'500': *error", "4XX: *error", "responses:"),
    ("extensions", "x-descope-retry: never", "x-descope-retry: sometimes", "post:"),
    ("extensions", "x-descope-source: published", "x-descope-source: sdk", "post:"),
    ("extensions", "x-descope-retry: never", "x-descope-retry: never\n      x-meta: {}", "post:"),
    ("parameters", "- name: channel", "- name: chanel", "post:"),
    (
        "parameters",
        "        code:\n          type",
        "        channel: {type: string, description: How it came.}\n        code:\n          type",
        "post:",
    ),
    ("body", "        required: true\n        content", "        content", "requestBody:"),
    ("body", "        required: true\n        content", "        required: false\n        content", "requestBody:"),
    (
        "reference",
        "schema: {$ref: '#/components/schemas/OtpVerifyRequest'}",
        "schema: {$ref: '#/components/schemas/Nobody'}",
        "schemas/Nobody",
    ),
    (
        "reference",
        "schema: {$ref: '#/components/schemas/OtpVerifyRequest'}",
        "schema: {$ref: 'other.yaml#/X'}",
        "other.yaml",
    ),
    (
        "reference",
        "schema: {$ref: '#/components/schemas/OtpVerifyRequest'}",
        "schema: {$ref: '#/components/schemas/OtpVerifyRequest', nullable: true}",
        "nullable",
    ),
    (
        "unused",
        "    OtpVerifyRequest:\n",
        "    OtpOrphan: {type: string, description: Nobody needs it.}\n    OtpVerifyRequest:\n",
        "OtpOrphan",
    ),
    (
        "component-name",
        "    OtpVerifyRequest:\n",
        "    Option: {type: string, description: Nobody needs it.}\n    OtpVerifyRequest:\n",
        "Option:",
    ),
    (
        "component-name",
        "    OtpVerifyRequest:\n",
        "    OTPThing: {type: string, description: Nobody needs it.}\n    OtpVerifyRequest:\n",
        "OTPThing:",
    ),
    (
        "property-name",
        "        code:\n          type",
        "        login_id: {type: string, description: Again.}\n        code:\n          type",
        "login_id",
    ),
    (
        "property-name",
        "        code:\n          type",
        "        hasCode: {type: boolean, description: Whether there is one.}\n        code:\n          type",
        "hasCode",
    ),
    ("title", "        loginId:\n", "        loginId:\n          title: OtpVerifyResponse\n", "loginId:\n"),
    (
        "title",
        "        claims:\n",
        "        first: {type: string, title: Half, description: One.}\n        \
         last: {type: string, title: half, description: Other.}\n        claims:\n",
        "last:",
    ),
    ("schema-prose", "description: Name under which the user signs in.", "description: The login id.", "loginId:\n"),
    ("schema-prose", "          description: Six digits from the message.\n", "", "code:\n"),
    ("free-form", "          additionalProperties: true\n", "", "claims:"),
    ("free-form", "additionalProperties: true", "additionalProperties: false", "claims:"),
    ("default", "format: int64\n", "format: int64\n          default: false\n", "expires:\n"),
    ("default", "description: Name under", "default: ada\n          description: Name under", "loginId:\n"),
    ("format", "format: int64\n", "format: uint32\n", "expires:\n"),
    ("format", "          format: int64\n", "", "expires:\n"),
    ("closed-enum", "description: Name under", "enum: [ada]\n          description: Name under", "loginId:\n"),
    (
        "secret",
        "          format: password\n          description: Proves",
        "          description: Proves",
        "sessionJwt:\n",
    ),
    ("example", "            example: {loginId: ada@example.com, code: '123456'}\n", "", "application/json:"),
    ("example", "code: '123456'}", "code: 123456}", "code: 123456"),
    ("example", "code: '123456'}", "code: '123456', user: ada}", "user: ada"),
    ("example", "{loginId: ada@example.com, code", "{code", "{code"),
];

#[test]
fn every_rule_finds_what_it_is_for_and_names_the_line() {
    for (rule, from, to, line_of) in CASES {
        assert!(PART.contains(from), "the case does not apply: {from}");
        let broken = PART.replacen(from, to, 1);
        let problems = lint(HEAD, &broken);
        let line = 1 + broken[..broken.find(line_of).expect(line_of)].matches('\n').count();
        assert!(
            problems.iter().any(|p| p.rule == *rule && p.place.line == line && p.place.file == "spec/auth/otp.yaml"),
            "{rule} at line {line} of {to:?}: {problems:?}"
        );
    }
}

#[test]
fn the_head_is_held_to_its_rules() {
    for (rule, from, to) in [
        ("head", "openapi: 3.0.3", "openapi: 3.1.0"),
        ("head", "servers: [{url: 'https://api.example.com'}]\n", ""),
        ("tag", "description: One-time codes.", "description: ''"),
        ("tag", "  - name: otp\n", "  - name: nobody\n    description: Unused.\n  - name: otp\n"),
    ] {
        let problems = lint(&HEAD.replacen(from, to, 1), PART);
        assert!(problems.iter().any(|problem| problem.rule == rule), "{rule}: {problems:?}");
    }
}

#[test]
fn what_stands_in_two_parts_is_refused_with_both_places() {
    let second = PART.replace("otpVerify\n", "otpVerifyAgain\n").replace("{channel}/verify", "{channel}/again");
    for (rule, text) in [
        ("duplicate-path", PART.split("components:").next().unwrap_or_default().to_owned()),
        ("duplicate-component", second),
    ] {
        let parts = [
            ("spec/openapi.yaml".to_owned(), HEAD.to_owned()),
            ("spec/auth/otp.yaml".to_owned(), PART.to_owned()),
            ("spec/auth/two.yaml".to_owned(), text),
        ];
        let problems = Document::join(&parts).expect_err(rule);
        let problem = problems.iter().find(|problem| problem.rule == rule).expect(rule);
        assert_eq!(problem.place.file, "spec/auth/two.yaml");
        assert!(problem.message.contains("spec/auth/otp.yaml:"), "{problem}");
    }
}

#[test]
fn the_same_operation_id_in_two_parts_is_refused() {
    let paths = PART.split("components:").next().unwrap_or_default().replace("{channel}/verify", "{channel}/again");
    let parts = [
        ("spec/openapi.yaml".to_owned(), HEAD.to_owned()),
        ("spec/auth/otp.yaml".to_owned(), PART.to_owned()),
        ("spec/auth/two.yaml".to_owned(), paths),
    ];
    let document = Document::join(&parts).expect("joins");
    let Err(Failure::Problems(problems)) = run(&document) else { panic!("let pass") };
    assert!(problems.iter().any(|problem| problem.rule == "operation-id"), "{problems:?}");
}

#[test]
fn every_rule_has_a_case() {
    let covered: BTreeSet<&str> = CASES.iter().map(|case| case.0).chain(["head"]).collect();
    let rules: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(covered, rules);
}
