//! `cargo xtask freshness` on a small document and small packages.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

const DOCUMENT: &str = "spec/auth/otp.yaml";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(drop).unwrap() }
    }
}

/// A workspace with one operation, `POST /v1/auth/otp/verify/sms` or the like, and packages beside it.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/small"), folder.path());
        assert!(folder.path().join(DOCUMENT).exists());
        Self { folder }
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, folders: &[&str]) -> Output {
        let folders = folders.iter().map(|folder| self.folder.path().join(folder));
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("freshness")
            .args(folders)
            .arg("--root")
            .arg(self.folder.path())
            .output()
            .unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The path of the operation in the small document.
fn known_path() -> String {
    let document =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/small").join(DOCUMENT)).unwrap();
    let line = document.lines().find(|line| line.trim_start().starts_with("/v1/")).unwrap();
    line.trim().trim_end_matches(':').to_owned()
}

fn python(requests: &str) -> String {
    format!("class Thing:\n    def call(self):\n        {requests}\n")
}

#[test]
fn a_package_that_sends_what_is_described_is_fresh() {
    let world = World::new();
    world.write("sdk/thing.py", &python(&format!("self._http.post(\"{}\", body={{\"loginId\": 1}})", known_path())));
    let output = world.run(&["sdk"]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    let said = text(&output.stdout);
    assert!(said.contains("sdk (Python): 1 requests to 1 operations, 0 accepted gaps"), "{said}");
    assert!(said.ends_with("0 gaps that no row accepts, 0 stale rows\n"), "{said}");
}

#[test]
fn a_gap_names_file_and_line_until_a_row_accepts_it() {
    let world = World::new();
    let known = known_path();
    world.write("sdk/thing.py", &python(&format!("self._http.post(\"{known}\", body={{\"loginID\": 1}})")));
    world.write("web/package.json", "{\"name\": \"@descope/web-sdk\"}");
    world.write("web/dist/index.esm.js", "const a=e=>e.get(\"/v1/auth/pigeon\");");
    world.write("web/dist/cjs/index.cjs.js", "const a=e=>e.get(\"/v1/auth/twice\");");
    world.write("web/node_modules/other/index.js", "e.get('/v1/auth/other');");
    let output = world.run(&["sdk", "web"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    let first = format!("sdk/thing.py:3: sdk: POST {known}: the body member `loginID` is not in the document");
    assert!(said.contains(&first), "{said}");
    assert!(said.contains("index.esm.js:1: web-sdk: GET /v1/auth/pigeon is not in the document"), "{said}");
    assert!(!said.contains("twice") && !said.contains("other"), "{said}");

    let rows = format!(
        "accepted:\n- request: POST {known}\n  member: body loginID\n  packages: [sdk]\n  why: A mistake of the SDK.\n\
         - request: GET /v1/auth/pi*\n  packages: [web-sdk]\n  why: Not meant for others.\n"
    );
    world.write("spec/freshness.yaml", &rows);
    let output = world.run(&["sdk", "web"]);
    assert!(output.status.success(), "{}", text(&output.stdout));

    world.write("web/dist/index.esm.js", &format!("const a=e=>e.post(\"{known}\",{{loginId:1}});"));
    let output = world.run(&["sdk", "web"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("spec/freshness.yaml:6: stale: web-sdk"), "{said}");
    assert!(world.run(&["sdk"]).status.success(), "a package that is not scanned makes no row stale");
}

#[test]
fn folders_without_requests_and_rows_without_reasons_are_refused() {
    let world = World::new();
    world.write("empty/readme.txt", "nothing");
    for (folder, part) in [("empty", "no request was found"), ("missing", "No such file")] {
        let output = world.run(&[folder]);
        assert_eq!(output.status.code(), Some(1), "{folder}");
        assert!(text(&output.stderr).contains(part), "{folder}: {}", text(&output.stderr));
    }
    world.write("spec/freshness.yaml", "accepted:\n- request: GET /v1/a\n  packages: [sdk]\n");
    let output = world.run(&["empty"]);
    assert!(
        text(&output.stderr).contains("spec/freshness.yaml:2: [freshness] `why` is missing"),
        "{}",
        text(&output.stderr)
    );
}
