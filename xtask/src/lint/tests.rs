//! Breaks each rule once, in an otherwise clean document.

use std::collections::BTreeSet;

use super::{
    mistakes::{self, Case},
    rules, run,
};
use crate::{
    document::Document,
    errors,
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
        "schema: {$ref: '#/components/schemas/OtpSession'}",
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
        "- {ProjectId",
    ),
    ("security", "- RefreshJwt: []", "- Cookie: []", "- Cookie"),
    ("responses", "        '429': *error\n", "", "responses:"),
    ("responses", "'500': *error", "default: *error", "default:"),
    ("responses", "'500': *error", "4XX: *error", "4XX:"),
    ("extensions", "x-descope-retry: never", "x-descope-retry: sometimes", "post:"),
    ("extensions", "x-descope-source: published", "x-descope-source: sdk", "post:"),
    ("member", "x-descope-retry: never", "x-descope-retry: never\n      x-meta: {}", "x-meta"),
    ("unit", "          x-descope-unit: epoch-seconds\n", "", "expires:\n"),
    ("unit", "x-descope-unit: epoch-seconds", "x-descope-unit: seconds", "expires:\n"),
    ("unit", "x-descope-unit: epoch-seconds", "x-descope-unit: fortnights", "expires:\n"),
    ("unit", "End of the session in epoch seconds.", "End of the session.", "expires:\n"),
    ("sdk", "x-descope-retry: never", "x-descope-retry: never\n      x-descope-sdk: {verb: verify}", "x-descope-sdk"),
    (
        "sdk",
        "description: The code and whose it is.",
        "description: The code and whose it is.\n      x-descope-sdk: {hidden: [cod]}",
        "x-descope-sdk",
    ),
    (
        "sdk",
        "description: The code and whose it is.",
        "description: The code and whose it is.\n      x-descope-sdk: {hidden: [code]}",
        "x-descope-sdk",
    ),
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
    ("title", "        loginId:\n", "        loginId:\n          title: OtpSession\n", "loginId:\n"),
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
    let mut missed = Vec::new();
    for (rule, from, to, line_of) in &cases() {
        let broken = broken(from, to);
        let problems = lint(HEAD, &broken);
        let line = 1 + broken[..broken.find(line_of).expect(line_of)].matches('\n').count();
        if !problems.iter().any(|p| p.rule == *rule && p.place.line == line && p.place.file == "spec/auth/otp.yaml") {
            missed.push(format!("{rule} at line {line} of {to:?}: {problems:#?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

fn cases() -> Vec<Case> {
    let here = CASES.iter().map(|(rule, from, to, line_of)| (*rule, *from, (*to).to_owned(), *line_of));
    here.chain(mistakes::all()).collect()
}

/// The part with a text replaced that it holds.
fn broken(from: &str, to: &str) -> String {
    assert!(PART.contains(from), "the case does not apply: {from}");
    PART.replacen(from, to, 1)
}

#[test]
fn a_mistake_in_the_form_is_one_problem_with_one_place() {
    for (rule, from, to, _) in cases().iter().filter(|case| ["member", "type", "known-values"].contains(&case.0)) {
        let problems = lint(HEAD, &broken(from, to));
        assert!(problems.len() <= 2, "{rule} of {to:?}: {problems:#?}");
    }
}

/// Even a document that nobody linted ends the generators with a place, not with a panic.
#[test]
fn codegen_reports_what_it_cannot_write() {
    for (rule, from, to, _) in &cases() {
        let parts =
            [("spec/openapi.yaml".to_owned(), HEAD.to_owned()), ("spec/auth/otp.yaml".to_owned(), broken(from, to))];
        let Ok(document) = Document::join(&parts) else { continue };
        match crate::codegen::outputs(&document) {
            Ok(_) => {}
            Err(Failure::Problems(problems)) => {
                assert!(problems.iter().all(|problem| problem.rule == "codegen"), "{rule} {to:?}: {problems:?}");
            }
            Err(other) => panic!("{rule} {to:?}: {other}"),
        }
    }
}

#[test]
fn the_head_is_held_to_its_rules() {
    for (rule, from, to) in [
        ("head", "openapi: 3.0.3", "openapi: 3.1.0"),
        ("head", "servers: [{url: 'https://api.example.com'}]\n", ""),
        ("head", "https://api.example.com", "api.example.com"),
        ("head", "https://api.example.com", "https://api.{region}.example.com"),
        ("head", "'https://api.example.com'", "'https://api.example.com', variables: {region: {default: euc1}}"),
        ("head", "description: One-time codes.", "description: One-time codes.\n    externalDocs: {url: docs/otp}"),
        ("security", "ProjectId: {type: http, scheme: bearer}", "ProjectId: {type: http, scheme: bearr}"),
        ("security", "ProjectId: {type: http, scheme: bearer}", "ProjectId: {type: htp, scheme: bearer}"),
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
    let covered: BTreeSet<&str> = cases().iter().map(|case| case.0).chain(["errors", "head", "partial"]).collect();
    // Merge keys are refused as the part is read.
    let rules: BTreeSet<&str> = rules().map(|rule| rule.id).chain(["yaml"]).collect();
    assert_eq!(covered, rules);
}

#[test]
fn what_an_operation_says_of_the_sdk_has_to_exist() {
    let head = HEAD.replacen(
        "    description: One-time codes.",
        "    description: One-time codes.\n    x-descope-sdk: {area: code, handle: codes}",
        1,
    );
    let head = head.replacen("    ProjectId:", "    ManagementKey: {type: http, scheme: bearer}\n    ProjectId:", 1);
    let managed = PART.replacen("- RefreshJwt: []", "- ManagementKey: []", 1);
    let head = head.replacen("    RefreshJwt: {type: http, scheme: bearer}\n", "", 1);
    let more = "        tries: {type: integer, format: int64, description: How often it was tried.}\n        hint: \
                {type: string, description: What helps to remember.}\n        code:\n          type";
    let managed = managed.replacen("        code:\n          type", more, 1);
    let with = |sdk: &str| {
        let line = format!("x-descope-retry: never\n      x-descope-sdk: {sdk}");
        managed.replacen("x-descope-retry: never", &line, 1)
    };
    let found = |head: &str, part: &str| -> Vec<String> {
        lint(head, part).into_iter().map(|problem| format!("{}: {}", problem.rule, problem.message)).collect()
    };
    for good in [
        "{verb: verify}",
        "{verb: verify, user: [loginId], returns: sessionJwt}",
        "{verb: verify, args: [code, loginId], holds: [sessionJwt, expires]}",
        "{handwritten: the answer becomes a session}",
    ] {
        assert_eq!(found(&head, &with(good)), [] as [&str; 0], "{good}");
    }
    for (bad, words) in [
        ("{}", "is no name of a function"),
        ("{verb: Verify}", "is no name of a function"),
        ("{verb: clone}", "is no name of a function"),
        ("{verb: async}", "is no name of a function"),
        ("{verb: verify, hidden: [code]}", "is required, so it cannot be hidden"),
        ("{verb: verify, user: [tries]}", "`tries` is not a text"),
        ("{verb: verify, some_of: [tries]}", "`tries` is neither a text nor a list"),
        ("{verb: verify, lines: [tries]}", "`tries` is not a text"),
        ("{verb: verify, sets: {tries: yes}}", "`tries` cannot be set to \"yes\""),
        ("{verb: verify, sets: {hint: 1}}", "`hint` cannot be set to 1"),
        ("{verb: verify, page: {number: hint, size: tries, items: claims}}", "`hint` is not a whole number"),
        ("{verb: replace}", "only then"),
        ("{verb: verify, replaces: true}", "only then"),
        ("{verb: replace, replaces: true, modify: load}", "no function of the area"),
        ("{verb: verify, modify: verify}", "no function of the area"),
        ("{verb: verify, modify: by_hand}", "no function of the area"),
        ("{verb: replace, replaces: true, modify: replace, within: [user]}", "has no `user` with members"),
        ("{verb: replace, replaces: true, modify: replace, leaves: [secret]}", "no `secret` to leave"),
        ("{verb: replace, replaces: true, modify: by_hand, leaves: [code]}", "which loads nothing here"),
        ("{verb: verify, cache: always}", "neither `read` nor `write`"),
        ("{verb: verify, returns: user}", "the answer has no `user`"),
        ("{verb: verify, holds: [sessionJwt, user]}", "the answer has no `user`"),
        ("{verb: verify, user: [userId]}", "the request has no `userId`"),
        ("{verb: verify, user: [loginId, code, sessionJwt]}", "in one of two"),
        ("{verb: verify, named: [code]}", "`named` has two members"),
        ("{verb: verify, named: [loginId, code]}", "none of them required"),
        ("{verb: verify, named: [loginId, id]}", "the request has no `id`"),
        ("{verb: verify, hidden: [identifier]}", "the request has no `identifier`"),
        ("{verb: verify, filters: [code]}", "`code` is not a list"),
        ("{verb: verify, some_of: [name]}", "the request has no `name`"),
        ("{verb: verify, empty: [code]}", "`code` is not a list"),
        ("{verb: verify, sets: {test: true}}", "the request has no `test`"),
        ("{verb: verify, args: [code]}", "`loginId` is required"),
        ("{verb: verify, page: {number: page, size: code, items: claims}}", "the request has no `page`"),
        ("{verb: verify, page: {number: code, size: code, items: found}}", "the answer has no `found`"),
        ("{verb: verify, handwritten: the answer becomes a session}", "stands alone"),
        ("{handwritten: because}", "says why"),
        ("{verb: verify, area: code}", "the area stands at the tag"),
        ("{verbs: verify}", "`verbs`"),
    ] {
        let found = found(&head, &with(bad));
        assert!(found.iter().any(|problem| problem.contains(words)), "{bad}: {found:?}");
    }
    assert!(found(&head, &managed).iter().any(|problem| problem.contains("has no x-descope-sdk")));
    let nameless = head.replacen("    x-descope-sdk: {area: code, handle: codes}\n", "", 1);
    assert!(found(&nameless, &with("{verb: verify}")).iter().any(|problem| problem.contains("which names the area")));
    let handless = head.replacen(", handle: codes", "", 1);
    assert!(
        found(&handless, &with("{verb: verify}")).iter().any(|problem| problem.contains("0 handles instead of one"))
    );
}

#[test]
fn lists_and_maps_of_a_call_that_changes_what_is_sent_may_be_null() {
    let list = "lists: {type: array, items: {type: string}, description: Some of them.}";
    let map = "maps: {type: object, additionalProperties: true, description: Some of them.}";
    let markers = [
        ("operationId: otpVerify\n", "operationId: otpVerify\n      x-descope-partial: true\n"),
        ("operationId: otpVerify\n", "operationId: otpPatchVerify\n"),
        ("    post:\n", "    patch:\n"),
        ("OtpVerifyRequest", "OtpPatchRequest"),
    ];
    let code = "        code:\n          type";
    for property in [list, map] {
        let with_property = PART.replacen(code, &format!("        {property}\n{code}"), 1);
        assert_eq!(lint(HEAD, &with_property), [], "another call may have it");
        for (from, to) in markers {
            let part = with_property.replace(from, to);
            let problems = lint(HEAD, &part);
            let line = 1 + part[..part.find(property).expect("holds it")].matches('\n').count();
            assert!(
                matches!(&problems[..], [one] if one.rule == "partial" && one.place.line == line),
                "{to}: {problems:?}"
            );
            assert_eq!(lint(HEAD, &part.replacen("description: Some", "nullable: true, description: Some", 1)), []);
        }
        let required = with_property
            .replace(markers[0].0, markers[0].1)
            .replace("[loginId, code]", "[loginId, code, lists, maps]");
        let required = required.replace(
            if property == list { ", maps]" } else { "lists, maps]" },
            if property == list { "]" } else { "maps]" },
        );
        assert!(
            !lint(HEAD, &required).iter().any(|problem| problem.rule == "partial"),
            "what is required is always sent"
        );
    }
}

#[test]
fn codes_of_refusals_are_checked() {
    const TABLE: &str = include_str!("../../tests/small/spec/errors.yaml");
    let lint = |table: &str| {
        let parts =
            [("spec/openapi.yaml".to_owned(), HEAD.to_owned()), ("spec/auth/otp.yaml".to_owned(), PART.to_owned())];
        let mut document = Document::join(&parts).expect("joins");
        document.errors = errors::parse(table).expect("is read");
        run(&document).err().map(|failure| failure.to_string()).unwrap_or_default()
    };
    assert_eq!(lint(TABLE), "");
    let again = TABLE.trim_start_matches("errors:\n");
    for (table, words) in [
        (TABLE.replace("E061102", "E06110"), ":2: [errors] `E06110` is not `E` and six digits"),
        (TABLE.replace("E061102", "e061102"), ":2: [errors] `e061102` is not `E` and six digits"),
        (TABLE.replace("E061102", "E0611O2"), ":2: [errors] `E0611O2` is not `E` and six digits"),
        (TABLE.replace("name: WRONG_CODE", "name: wrongCode"), ":2: [errors] the name `wrongCode` is not in UPPER"),
        (TABLE.replace("kind: WrongCode", "kind: Wrong"), ":2: [errors] the kind `Wrong` is none of"),
        (TABLE.replace("sent.", "sent"), ":2: [errors] the meaning is not a sentence"),
        (TABLE.replace("sent.", "`SENT`."), ":2: [errors] the meaning names `SENT`"),
        (TABLE.replace("confidence: high", "confidence: sure"), ":2: [errors] the confidence `sure` is none of"),
        (
            TABLE.replace("otpVerify]", "otpVerifi]"),
            ":2: [errors] `otpVerifi` in `from` is neither a tag nor an operation",
        ),
        (TABLE.replace("status: 401", "status: 200"), ":2: [errors] the status of the emulator"),
        (TABLE.replace("E061102", "E990501"), ":2: [errors] `E990501` is one of the emulator's own"),
        (format!("{TABLE}{again}"), ":10: [errors] `E061102` stands here twice, first at spec/errors.yaml:2"),
        (format!("{TABLE}{again}"), ":10: [errors] `WRONG_CODE` stands here twice"),
        (format!("{TABLE}{}", again.replace("E061102", "E061101")), ":10: [errors] `E061101` stands below `E061102`"),
    ] {
        let found = lint(&table);
        assert!(found.contains(&format!("spec/errors.yaml{words}")), "{words}: {found}");
    }
}

#[test]
fn a_typo_that_an_anchor_repeats_is_one_problem() {
    let problems = lint(HEAD, &PART.replacen("#/components/responses/Error", "#/components/responses/Eror", 1));
    let [problem] = &problems[..] else { panic!("{problems:#?}") };
    assert!(problem.message.ends_with("does not exist (and 5 more in this file)"), "{problem}");
}

#[test]
fn a_conflict_of_a_merge_is_called_so() {
    let part = PART.replacen("      tags:", "<<<<<<< HEAD\n      tags:", 1);
    let problems = lint(HEAD, &part);
    let [problem] = &problems[..] else { panic!("{problems:#?}") };
    assert_eq!(problem.to_string(), "spec/auth/otp.yaml:5: [part] a conflict of a merge is not resolved");
}

#[test]
fn paths_and_components_are_mappings() {
    for (text, line, words) in [
        ("paths: [1]\n", 1, "`paths` is not a mapping"),
        ("paths:\n", 1, "`paths` is empty"),
        ("paths: {}\ncomponents: a\n", 2, "`components` is not a mapping"),
    ] {
        let problems = lint(HEAD, text);
        assert!(problems.iter().any(|p| p.place.line == line && p.message.contains(words)), "{text}: {problems:?}");
    }
}
