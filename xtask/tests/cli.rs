//! The command line on good and broken workspaces, each a copy of this one's spec in a folder of its own.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

struct Workspace {
    folder: TempDir,
}

impl Workspace {
    /// A copy of spec/ and of everything that is generated from it.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for part in ["spec", "descope-api/src/generated", "descope-emulator/src/generated"] {
            copy(&here.join(part), &folder.path().join(part));
        }
        fs::create_dir(folder.path().join("tests")).unwrap();
        fs::copy(here.join("tests/generated.rs"), folder.path().join("tests/generated.rs")).unwrap();
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
    assert_eq!(first, Workspace::new().contents_below(workspace.folder.path()), "differs from what is committed");
    assert!(workspace.run(&["codegen"]).status.success());
    assert_eq!(first, workspace.contents());
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
    for drifted in [
        "spec/bundle/descope.openapi.json is out of date",
        "left_over.rs is no longer generated",
        "cargo xtask codegen",
    ] {
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
        for command in ["codegen", "bundle", "lint"] {
            let output = workspace.run(&[command]);
            let text = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{what}: {text}");
            assert!(text.contains(file) && text.contains(reason), "{what}: {text}");
        }
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
