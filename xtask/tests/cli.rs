//! The command line on good and broken workspaces, each a copy of this one's spec in a folder of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// The document and the folders of what is generated from it.
const GENERATED: [&str; 6] = [
    "spec",
    "descope-api/src/generated",
    "descope-emulator/src/generated",
    "descope-httpmock/src/generated",
    "descope-sdk/src/generated",
    "tests/generated",
];

struct Workspace {
    folder: TempDir,
}

impl Workspace {
    /// A copy of spec/ and of everything that is generated from it.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for part in GENERATED {
            copy(&here.join(part), &folder.path().join(part));
        }
        Self { folder }
    }

    /// One operation, which is enough where the document is not what matters, and a good deal faster.
    fn small() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/small"), folder.path());
        Self { folder }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .arg("--root")
            .arg(self.folder.path())
            .output()
            .unwrap()
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{file} does not hold {from}");
        fs::write(self.path(file), text.replacen(from, to, 1)).unwrap();
    }

    /// Every file below the folder, by path.
    fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut contents = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    contents.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
        contents
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The files that only one of them has, or that are not the same in both.
fn differing<'a>(one: &'a BTreeMap<PathBuf, Vec<u8>>, other: &'a BTreeMap<PathBuf, Vec<u8>>) -> Vec<&'a Path> {
    let paths: BTreeSet<&PathBuf> = one.keys().chain(other.keys()).collect();
    paths.into_iter().filter(|path| one.get(*path) != other.get(*path)).map(PathBuf::as_path).collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_committed_files_are_what_codegen_writes() {
    let output = Workspace::new().run(&["codegen", "--check"]);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn codegen_twice_writes_the_same_bytes() {
    let workspace = Workspace::new();
    fs::remove_dir_all(workspace.path("descope-api/src/generated")).unwrap();
    fs::remove_dir_all(workspace.path("spec/bundle")).unwrap();
    assert!(workspace.run(&["codegen"]).status.success());
    let first = workspace.contents();
    let committed = Workspace::new().contents_below(workspace.folder.path());
    assert_eq!(differing(&first, &committed), [] as [&Path; 0], "differs from what is committed");
    assert!(workspace.run(&["codegen"]).status.success());
    let second = workspace.contents();
    assert_eq!(differing(&first, &second), [] as [&Path; 0]);
}

impl Workspace {
    /// The same as [`Self::contents`], as if the files lay in another folder.
    fn contents_below(&self, folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        self.contents()
            .into_iter()
            .map(|(path, bytes)| (folder.join(path.strip_prefix(self.folder.path()).unwrap()), bytes))
            .collect()
    }
}

#[test]
fn check_names_what_drifted_and_writes_nothing() {
    let workspace = Workspace::new();
    workspace.edit("spec/auth/otp.yaml", "operationId: otpVerifyEmail", "operationId: otpVerifyByEmail");
    fs::write(workspace.path("descope-api/src/generated/left_over.rs"), "").unwrap();
    let before = workspace.contents();
    let output = workspace.run(&["codegen", "--check"]);
    assert_eq!(output.status.code(), Some(1));
    for drifted in
        ["spec/bundle/descope.openapi.json is out of date", "left_over.rs is no longer generated", "without `--check`"]
    {
        assert!(stderr(&output).contains(drifted), "{}", stderr(&output));
    }
    assert_eq!(before, workspace.contents());
}

#[test]
fn a_generated_file_that_was_edited_is_drift() {
    let workspace = Workspace::new();
    workspace.edit("descope-api/src/generated/mod.rs", "pub mod types;", "pub mod types; ");
    let output = workspace.run(&["codegen", "--check"]);
    assert!(stderr(&output).contains("generated/mod.rs is out of date"), "{}", stderr(&output));
}

#[test]
fn a_broken_part_ends_with_file_line_and_reason_and_changes_nothing() {
    type Case<'a> = (&'a str, &'a dyn Fn(&Workspace), &'a str, &'a str);
    let cases: &[Case<'_>] = &[
        (
            "bad YAML",
            &|w| w.edit("spec/auth/otp.yaml", "      tags: [otp]", "      tags: [otp"),
            "spec/auth/otp.yaml:",
            "[yaml]",
        ),
        (
            "a duplicate path",
            &|w| w.edit("spec/auth/magic-link.yaml", "/v1/auth/magiclink/verify:", "/v1/auth/otp/verify/email:"),
            "spec/auth/",
            "[duplicate-path]",
        ),
        (
            "a duplicate schema",
            &|w| w.edit("spec/auth/magic-link.yaml", "    MagicLinkVerifyRequest:\n", "    OtpVerifyRequest:\n"),
            "spec/auth/",
            "[duplicate-component]",
        ),
        (
            "a duplicate operationId",
            &|w| w.edit("spec/auth/otp.yaml", "operationId: otpSignInSms", "operationId: otpSignInEmail"),
            "spec/auth/otp.yaml:",
            "[operation-id]",
        ),
        (
            "a dangling reference",
            &|w| w.edit("spec/auth/otp.yaml", "#/components/schemas/OtpVerifyRequest", "#/components/schemas/Nothing"),
            "spec/auth/otp.yaml:",
            "[reference]",
        ),
        (
            "an example that does not validate",
            &|w| w.edit("spec/auth/enchanted-link.yaml", "linkId: '42'", "linkId: 42"),
            "spec/auth/enchanted-link.yaml:",
            "[example]",
        ),
        ("a missing tag", &|w| w.edit("spec/auth/otp.yaml", "tags: [otp]", "tags: []"), "spec/auth/otp.yaml:", "[tag]"),
        (
            "a default of the wrong type",
            &|w| {
                w.edit(
                    "spec/shared/login.yaml",
                    "        stepup:\n          type: boolean\n",
                    "        stepup:\n          type: boolean\n          default: 'no'\n",
                );
            },
            "spec/shared/login.yaml:",
            "[default]",
        ),
        (
            "not UTF-8",
            &|w| fs::write(w.path("spec/auth/otp.yaml"), b"a: b\nc: \xff\n").unwrap(),
            "spec/auth/otp.yaml:2:",
            "not UTF-8",
        ),
        ("an empty part", &|w| fs::write(w.path("spec/auth/otp.yaml"), "").unwrap(), "spec/auth/otp.yaml:1:", "empty"),
    ];
    for (what, break_it, file, reason) in cases {
        let workspace = Workspace::new();
        break_it(&workspace);
        let before = workspace.contents();
        let output = workspace.run(&["codegen"]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{what}: {text}");
        assert!(text.contains(file) && text.contains(reason), "{what}: {text}");
        assert_eq!(before, workspace.contents(), "{what}");
    }
}

#[test]
fn wrong_usage_exits_with_2_and_lists_the_commands() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("codegen"), "{}", stderr(&output));
}

#[test]
fn a_missing_spec_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_xtask")).args(["lint", "--root"]).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("spec"), "{}", stderr(&output));
}

/// Requests as official clients send them, of our own making; nulls, aliases and digits in strings among them.
const REQUESTS: &str = include_str!("requests.jsonl");

#[test]
fn requests_of_official_clients_are_described() {
    let workspace = Workspace::new();
    fs::write(workspace.path("requests.jsonl"), REQUESTS).unwrap();
    let file = workspace.path("requests.jsonl");
    let output = workspace.run(&["requests", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_request_that_does_not_fit_is_told_with_its_line() {
    let workspace = Workspace::new();
    let file = workspace.path("requests.jsonl");
    for (from, to, reason) in [
        ("/v1/auth/otp/verify/sms", "/v1/auth/otp/verify/pigeon", "no such operation"),
        ("\"code\": \"123456\"", "\"pin\": \"123456\"", "'pin' was unexpected"),
        ("\"code\": \"123456\"", "\"code\": 123456", "123456 is not of type"),
        ("{\"loginId\": \"ada@example.com\"}, \"auth", "{\"login\": \"ada@example.com\"}, \"auth", "the query `login`"),
        ("\"Bearer <project_id>:<access_key>\"", "\"Bearer <project_id>:<session_jwt>\"", "the credential SessionJwt"),
        ("\"timeout\": \"60\"", "\"timeout\": \"soon\"", "soon"),
        ("\"body\": [\"U2", "\"body\": [1, \"U2", "1 is not of type"),
        ("\"displayName\": \"Engineers\"", "\"displayName\": ", "expected value"),
    ] {
        assert!(REQUESTS.contains(from), "{from}");
        let broken = REQUESTS.replacen(from, to, 1);
        let line = 1 + broken[..broken.find(to).unwrap()].matches('\n').count();
        fs::write(&file, broken).unwrap();
        let output = workspace.run(&["requests", file.to_str().unwrap()]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{reason}");
        assert!(text.contains(&format!("requests.jsonl:{line}: ")) && text.contains(reason), "{reason}: {text}");
    }
}

#[test]
fn every_difference_from_the_published_document_is_explained() {
    let output = Workspace::new().run(&["upstream"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", stderr(&output));
    assert!(text.ends_with("0 unexplained, 0 stale\n"), "{text}");
}

#[test]
fn a_new_operation_upstream_an_unexplained_difference_and_a_stale_row_are_told() {
    let workspace = Workspace::new();
    let lock = workspace.path("spec/upstream.lock.json");
    let theirs = workspace.path("theirs.json");
    let published = fs::read_to_string(&lock).unwrap();
    let changed = published.replace("\"/v1/auth/otp/verify/email\": {", "\"/v1/auth/otp/verify/pigeon\": {");
    assert_ne!(published, changed);
    fs::write(&theirs, changed).unwrap();
    let deviations = "  - {change: enum-closed, subject: schema Nobody, theirs: a, ours: b, why: c, evidence: d}\n";
    let before = fs::read_to_string(workspace.path("spec/deviations.yaml")).unwrap();
    let with_stale = before.replacen("deviations:\n", &format!("deviations:\n{deviations}"), 1);
    assert_ne!(before, with_stale);
    fs::write(workspace.path("spec/deviations.yaml"), with_stale).unwrap();

    let output = workspace.run(&["upstream", theirs.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    for told in [
        "new upstream: /v1/auth/otp/verify/pigeon",
        "unexplained: /v1/auth/otp/verify/pigeon",
        "stale: spec/deviations.yaml:",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert_eq!(published, fs::read_to_string(&lock).unwrap(), "nothing was accepted");
    let output = workspace.run(&["upstream", "--accept", theirs.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("upstream.lock.json stays as it is"), "unexplained");
    assert_eq!(published, fs::read_to_string(&lock).unwrap(), "nothing is accepted that is not explained");
}

#[test]
fn a_stale_row_alone_fails_and_keeps_a_document_from_being_accepted() {
    let workspace = Workspace::new();
    let lock = workspace.path("spec/upstream.lock.json");
    let stale =
        "deviations:\n  - {change: enum-closed, subject: schema Nobody, theirs: a, ours: b, why: c, evidence: d}\n";
    workspace.edit("spec/deviations.yaml", "deviations:\n", stale);
    let published = fs::read_to_string(&lock).unwrap();
    let theirs = workspace.path("theirs.json");
    fs::write(&theirs, &published).unwrap();
    for arguments in [&["upstream"][..], &["upstream", "--accept", theirs.to_str().unwrap()]] {
        let output = workspace.run(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
        assert!(text.ends_with("0 unexplained, 1 stale\n"), "{arguments:?}: {text}");
    }
    assert_eq!(published, fs::read_to_string(&lock).unwrap());
}

#[test]
fn what_is_new_and_explained_is_accepted() {
    let workspace = Workspace::new();
    let lock = workspace.path("spec/upstream.lock.json");
    let published = fs::read_to_string(&lock).unwrap();
    let renamed = published.replace("LoadAllMcpServersResponse\"", "LoadedServers\"");
    assert_ne!(published, renamed, "names of schemas are ours to choose");
    let theirs = workspace.path("theirs.json");
    fs::write(&theirs, &renamed).unwrap();
    let output = workspace.run(&["upstream", "--accept", theirs.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", stderr(&output));
    assert!(text.contains("new upstream: ") && text.contains("wrote spec/upstream.lock.json"), "{text}");
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(json(&fs::read_to_string(&lock).unwrap()), json(&renamed), "facts of facts are the same");
}

#[test]
fn a_document_that_is_not_descopes_is_not_accepted() {
    let workspace = Workspace::new();
    let before = workspace.contents();
    let outside = tempfile::tempdir().unwrap();
    let theirs = outside.path().join("theirs.json");
    let published = fs::read_to_string(workspace.path("spec/upstream.lock.json")).unwrap();
    let with = |member: &str| published.replacen('{', &format!("{{{member},"), 1);
    for (text, reason) in [
        (r#"{"openapi": "3.0.3", "info": {"title": "Pets"}, "paths": {"/pets": {}}}"#.to_owned(), "title is `Pets`"),
        (r#"{"openapi": "3.0.3", "paths": {"/pets": {}}}"#.to_owned(), "it has 0 of the "),
        (r#"{"openapi": "3.0.3", "paths": {"/v1/auth/otp/verify/email": {}}}"#.to_owned(), "it has 1 of the "),
        (with(r#""info": {"title": "Pets"}"#), "title is `Pets`"),
        (with(r#""servers": [{"url": "https://pets.example"}]"#), "servers are https://pets.example"),
    ] {
        fs::write(&theirs, text).unwrap();
        let output = workspace.run(&["upstream", "--accept", theirs.to_str().unwrap()]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{reason}: {said}");
        assert!(
            said.contains("theirs.json:1: [upstream] not the document that Descope") && said.contains(reason),
            "{said}"
        );
    }
    assert_eq!(before, workspace.contents());
}

#[test]
fn diff_judges_and_fails_as_asked() {
    let workspace = Workspace::new();
    let bundle = workspace.path("spec/bundle/descope.openapi.json");
    let changed = workspace.path("changed.json");
    let text = fs::read_to_string(&bundle).unwrap();
    fs::write(&changed, text.replacen("\"operationId\": \"otpVerifyEmail\"", "\"operationId\": \"otpCheckEmail\"", 1))
        .unwrap();
    let run = |arguments: &[&str]| {
        let files = [bundle.to_str().unwrap(), changed.to_str().unwrap()];
        Command::new(env!("CARGO_BIN_EXE_xtask")).arg("diff").args(files).args(arguments).output().unwrap()
    };
    assert_eq!(run(&["--fail-on", "breaking"]).status.code(), Some(0), "no name of a function is on the wire");
    let run = |arguments: &[&str]| run(&[arguments, &["--generated-code"]].concat());
    let plain = run(&[]);
    assert!(plain.status.success());
    assert!(String::from_utf8_lossy(&plain.stdout).contains("[operation-id-renamed]"));
    assert_eq!(run(&["--fail-on", "breaking"]).status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&run(&["--format", "json"]).stdout).unwrap();
    assert_eq!(json["counts"]["breaking"], 1);
    assert!(String::from_utf8_lossy(&run(&["--format", "markdown"]).stdout).contains("### Breaking"));
    let yaml = workspace.path("spec/bundle/descope.openapi.yaml");
    let same = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("diff").arg(&bundle).arg(yaml).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&same.stdout), "0 breaking, 0 compatible, 0 docs\n");
}

/// What a document can be that none of the commands can use: the file, its bytes, and what is told of it.
fn bad_documents() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let many = "openapi: 3.0.3\npaths:\n".to_owned() + &"  /a: {}\n".repeat(100_000);
    let endless = "openapi: 3.0.3\npaths:\n".to_owned() + &"  - a\n".repeat(100_000) + "  b: [";
    vec![
        ("empty.json", Vec::new(), "empty.json:1: [yaml] the file is empty"),
        ("list.json", b"[1, 2]".into(), "list.json:1: [yaml] the document is not a mapping"),
        ("cut.json", b"{\"openapi\": ".into(), "cut.json:1: "),
        ("new.json", b"{\"openapi\": \"4.0.0\"}".into(), "new.json:1: [document] version 4.0.0 is neither 3.0 nor 3.1"),
        ("old.yaml", b"swagger: '2.0'\n".into(), "old.yaml:1: [document] Swagger 2.0 is not supported; convert"),
        ("number.yaml", b"openapi: 3.0\n".into(), "number.yaml:1: [document] `openapi` is the number 3"),
        ("twice.json", b"{\"openapi\": \"3.0.3\",\n\"a\": 1,\n\"a\": 2}".into(), "twice.json:3: "),
        ("paths.yaml", b"openapi: 3.0.3\npaths: [1]\n".into(), "paths.yaml:2: [document] `paths` is not a mapping"),
        (
            "item.yaml",
            b"openapi: 3.0.3\npaths: {/a: 1}\n".into(),
            "item.yaml:2: [document] `paths./a` is not a mapping",
        ),
        ("merge.yaml", b"openapi: 3.0.3\nx: &x {a: 1}\ny:\n  <<: *x\n".into(), "merge.yaml:4: [yaml] merge keys"),
        (
            "part.yaml",
            b"openapi: 3.0.3\npaths:\n  /a:\n    $ref: parts.yaml#/a\n".into(),
            "part.yaml:4: [document] `parts.yaml#/a` leads to ",
        ),
        ("other.yaml", b"a: 1\n".into(), "other.yaml:1: [document] not an OpenAPI document"),
        ("bytes.yaml", b"openapi: 3.0.3\nx: \xff\n".into(), "bytes.yaml:2: [text] not UTF-8"),
        ("deep.json", format!("{{\"openapi\": {}", "[".repeat(100_000)).into(), "deep.json:1: "),
        ("deep.yaml", format!("openapi: {}", "[".repeat(100_000)).into(), "deep.yaml:1: [yaml] recursion limit"),
        ("tabs.yaml", b"openapi: 3.0.3\npaths:\n\t/a: {}\n".into(), "tabs.yaml:"),
        ("many.yaml", many.into(), "many.yaml:4: [yaml] the key `/a` stands here twice"),
        ("endless.yaml", endless.into(), "endless.yaml:100003: "),
    ]
}

#[test]
fn bad_files_end_with_one_line_that_names_them() {
    let workspace = Workspace::small();
    assert!(workspace.run(&["bundle"]).status.success());
    let good = workspace.path("spec/bundle/descope.openapi.json");
    let published =
        [("\"otpVerify\"", "\"VerifyOtp\""), ("\"T\"", "\"Descope\""), ("api.example.com", "api.descope.com")];
    for (ours, theirs) in published {
        let text = fs::read_to_string(&good).unwrap();
        assert!(text.contains(ours), "{ours}");
        fs::write(&good, text.replace(ours, theirs)).unwrap();
    }
    let accepted = workspace.run(&["upstream", "--accept", good.to_str().unwrap()]);
    assert!(accepted.status.success(), "{}", String::from_utf8_lossy(&accepted.stdout));
    assert!(workspace.path("spec/upstream.lock.json").exists());
    let before = workspace.contents();
    for command in ["diff", "upstream", "upstream --accept"] {
        let run = |file: &Path| {
            let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
            xtask.args(command.split(' ')).arg("--root").arg(workspace.folder.path()).arg(file);
            if command == "diff" {
                xtask.arg(&good);
            }
            xtask.output().unwrap()
        };
        let outside = tempfile::tempdir().unwrap();
        for (name, bytes, told) in bad_documents() {
            let file = outside.path().join(name);
            fs::write(&file, bytes).unwrap();
            let output = run(&file);
            let text = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{command} {name}: {text}");
            assert!(text.contains(told), "{command} {name}: {text}");
            assert!(text.lines().count() <= 2, "{command} {name}: {text}");
        }
        let output = run(&outside.path().join("missing.json"));
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("missing.json: No such file"), "{}", stderr(&output));
        let output = run(outside.path());
        assert_eq!(output.status.code(), Some(1), "a folder");
    }
    assert_eq!(before, workspace.contents(), "nothing was written");
}

#[test]
fn references_in_a_circle_and_a_hundred_thousand_lines_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let diff = |old: &str, new: &str| {
        let files = [old, new].map(|text| {
            let file = folder.path().join(format!("{}.json", text.len()));
            fs::write(&file, text).unwrap();
            file
        });
        let output = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("diff").args(files).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let circle = r##"{"openapi": "3.0.3",
        "paths": {"/a": {"get": {"responses": {"200": {"$ref": "#/paths/~1a/get/responses/200"}}},
                         "post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}},
                                  "responses": {"200": {"description": "x"}}}}},
        "components": {"schemas": {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}}}}"##;
    assert!(diff(circle, &circle.replace("/a\"", "/b\" ")).contains("breaking"));

    let schema = |index: usize, kind: &str| {
        format!(
            "\"S{index}\": {{\n\"type\": \"object\",\n\"properties\": {{\n\"a\": {{\n\"type\": \"{kind}\"\n}}\n}}\n}}"
        )
    };
    let document = |last: &str| {
        let schemas: Vec<String> = (0..12_500).map(|n| schema(n, if n == 12_499 { last } else { "string" })).collect();
        let uses: Vec<String> =
            (0..12_500).map(|n| format!("\"{n}\": {{\"$ref\": \"#/components/schemas/S{n}\"}}")).collect();
        format!(
            "{{\"openapi\": \"3.0.3\", \"paths\": {{\"/a\": {{\"post\": {{\"responses\": {{}}, \"requestBody\": {{\"content\": \
             {{\"application/json\": {{\"schema\": {{\"type\": \"object\", \"properties\": {{{}}}}}}}}}}}}}}}}},\n\
             \"components\": {{\"schemas\": {{\n{}\n}}}}}}",
            uses.join(","),
            schemas.join(",\n"),
        )
    };
    let old = document("string");
    assert!(old.lines().count() >= 100_000, "{}", old.lines().count());
    assert!(diff(&old, &document("integer")).contains("1 breaking, 0 compatible"));
}

/// Every command that begins with the parts of the document.
const ON_PARTS: [&[&str]; 7] = [
    &["lint"],
    &["bundle"],
    &["codegen"],
    &["upstream"],
    &["coverage"],
    &["coverage", "--write"],
    &["requests", "tests/requests.jsonl"],
];

#[test]
fn every_command_tells_what_is_wrong_with_a_part_and_writes_nothing() {
    let part = "spec/auth/otp.yaml";
    let head = "spec/openapi.yaml";
    let many = "paths:\n".to_owned() + &"  /a: {}\n".repeat(100_000);
    let schemas: String = (0..50_000).map(|n| format!("    S{n}:\n      tipe: object\n")).collect::<Vec<_>>().concat();
    let circle =
        "components:\n  schemas:\n    A: {$ref: '#/components/schemas/B'}\n    B: {$ref: '#/components/schemas/A'}\n";
    let new = include_str!("small/spec/openapi.yaml").replace("openapi: 3.0.3", "openapi: 3.1.0");
    let misspelt = include_str!("small/spec/auth/otp.yaml").replace("    post:", "    psot:");
    let cases: [(&str, Option<Vec<u8>>, &str); 13] = [
        (head, None, "no part holds the head of the document"),
        (part, Some(Vec::new()), "spec/auth/otp.yaml:1: [yaml] the file is empty"),
        (part, Some(b"{\"paths\": {}}".into()), "spec/auth/otp.yaml:1: [yaml] JSON"),
        (part, Some(b"a: b\nc: \xff\n".into()), "spec/auth/otp.yaml:2: [text] not UTF-8"),
        (part, Some(format!("paths: {}", "[".repeat(100_000)).into()), "spec/auth/otp.yaml:1: [yaml] recursion limit"),
        (part, Some(b"paths:\n\t/a: {}\n".into()), "spec/auth/otp.yaml:2: [yaml]"),
        (part, Some(many.into()), "spec/auth/otp.yaml:3: [yaml] the key `/a` stands here twice"),
        (part, Some(format!("components:\n  schemas:\n{schemas}").into()), "… and "),
        (part, Some(circle.into()), "spec/auth/otp.yaml:3: [reference] `#/components/schemas/B` leads back"),
        (head, Some(new.into()), "spec/openapi.yaml:1: [head] version 3.1.0 is not 3.0"),
        (
            part,
            Some(misspelt.into()),
            "spec/auth/otp.yaml:3: [member] `psot` is not a member of a path; did you mean `post`?",
        ),
        ("spec/auth/extra.yml", Some(b"paths: {}\n".into()), "spec/auth/extra.yml:1: [part] is not read"),
        ("spec/auth/session", Some(b"paths: {}\n".into()), "spec/auth/session:1: [part] is not read"),
    ];
    for (file, bytes, told) in cases {
        let workspace = Workspace::small();
        fs::create_dir_all(workspace.path("docs/src")).unwrap();
        fs::write(workspace.path("docs/src/coverage.md"), "").unwrap();
        match bytes {
            Some(bytes) => fs::write(workspace.path(file), bytes).unwrap(),
            None => fs::remove_file(workspace.path(file)).unwrap(),
        }
        let before = workspace.contents();
        for command in ON_PARTS {
            let output = workspace.run(command);
            let text = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{command:?}: {text}");
            assert!(text.contains(told), "{command:?} {told}: {}", &text[..text.len().min(2000)]);
            assert!(text.lines().count() <= 102, "{command:?} {told}");
        }
        assert_eq!(before, workspace.contents(), "{told}");
    }
}

#[test]
fn a_bad_file_of_requests_is_told() {
    let workspace = Workspace::small();
    let file = workspace.path("requests.jsonl");
    let run = || workspace.run(&["requests", file.to_str().unwrap()]);
    assert!(stderr(&run()).contains("requests.jsonl: No such file"));
    let cases: [(&[u8], &str); 4] = [
        (b"", "requests.jsonl:1: [request] the file holds no request"),
        (b"\n\xff\n", "requests.jsonl:2: [text] not UTF-8"),
        (b"path: /v1/auth\n", "requests.jsonl:1: [request] expected"),
        (b"[]\n", "requests.jsonl:1: [request]"),
    ];
    for (bytes, told) in cases {
        fs::write(&file, bytes).unwrap();
        let output = run();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(stderr(&output).contains(told), "{told}: {}", stderr(&output));
    }
    let one = r#"{"http_method": "POST", "path": "/v1/auth/otp/sms/verify", "query": {}, "authorization": "", "body": {"loginId": "ada@example.com", "code": "123456"}}"#;
    fs::write(&file, format!("{one}\n").repeat(100_000)).unwrap();
    let output = run();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("100000 requests are described"));
}

#[test]
fn a_mistake_of_an_sdk_without_a_reason_is_told() {
    let workspace = Workspace::small();
    let mistake = "sdkMistakes:\n  - request: GET /v1/mgmt/list\n    fault: no such operation\ndeviations: []\n";
    fs::write(workspace.path("spec/deviations.yaml"), mistake).unwrap();
    fs::write(workspace.path("requests.jsonl"), "").unwrap();
    let output = workspace.run(&["requests", workspace.path("requests.jsonl").to_str().unwrap()]);
    assert!(stderr(&output).contains("spec/deviations.yaml:2: [deviation]"), "{}", stderr(&output));
}

#[test]
fn wrong_arguments_exit_with_2() {
    for arguments in [
        &["nothing"][..],
        &["diff", "one.json"],
        &["diff", "a", "b", "--fail-on", "sometimes"],
        &["upstream", "--accept"],
        &["requests"],
        &["coverage", "--check"],
        &["coverage", "--write", "--format", "markdown"],
        &["lint", "--wrong"],
        &["polyglot", "slow"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains("error: "), "{arguments:?}");
    }
}

#[test]
fn the_page_of_the_book_gets_the_table_of_today() {
    const PAGE: &str = "docs/src/coverage.md";
    let workspace = Workspace::new();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for folder in ["descope-sdk/src", "descope-emulator/src", "tests"] {
        copy(&here.join(folder), &workspace.path(folder));
    }
    fs::create_dir_all(workspace.path("docs/src")).unwrap();
    fs::write(workspace.path(PAGE), "# A\n").unwrap();
    let output = workspace.run(&["coverage", "--write"]);
    let told = "docs/src/coverage.md:1: [coverage] no `<!-- cargo xtask coverage --write -->`";
    assert!(stderr(&output).contains(told), "{}", stderr(&output));

    fs::copy(here.join(PAGE), workspace.path(PAGE)).unwrap();
    let output = workspace.run(&["coverage", "--write", "--check"]);
    assert!(output.status.success(), "the committed table is old: {}", stderr(&output));
    workspace.edit(PAGE, "| otp | 25 |", "| otp | 24 |");
    let output = workspace.run(&["coverage", "--write", "--check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("docs/src/coverage.md is out of date"), "{}", stderr(&output));
    assert!(workspace.run(&["coverage", "--write"]).status.success());
    assert_eq!(fs::read_to_string(workspace.path(PAGE)).unwrap(), fs::read_to_string(here.join(PAGE)).unwrap());
}

#[test]
fn polyglot_without_its_script_is_told() {
    let output = Workspace::small().run(&["polyglot"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("tests/polyglot/run: No such file"), "{}", stderr(&output));
}
