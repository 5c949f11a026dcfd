//! The emulator as a program.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Stdio},
};

use serde_json::Value;

#[test]
fn the_program_says_where_it_serves_and_ends_when_asked() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_descope-emulator"))
        .args(["--port", "0", "--project-id", "P2Program", "--management-key", "K2key"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdout = BufReader::new(program.stdout.take().expect("stdout"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((line["projectId"].as_str(), line["managementKey"].as_str()), (Some("P2Program"), Some("K2key")));
    let base_url = line["baseUrl"].as_str().expect("a URL").to_owned();
    let status = tokio::runtime::Runtime::new()
        .expect("a runtime")
        .block_on(async { reqwest::get(format!("{base_url}/v2/keys/P2Program")).await.expect("an answer").status() });
    assert_eq!(status.as_u16(), 200);
    #[cfg(unix)]
    {
        let ended = Command::new("kill").args(["-INT", &program.id().to_string()]).status().expect("kill");
        assert!(ended.success());
        assert!(program.wait().expect("ends").success());
    }
    #[cfg(not(unix))]
    program.kill().expect("ends");
    let mut more = String::new();
    stdout.read_to_string(&mut more).expect("stdout");
    assert_eq!(more, "", "nothing but the one line");
    let mut exports = String::new();
    program.stderr.take().expect("stderr").read_to_string(&mut exports).expect("stderr");
    for variable in ["PROJECT_ID=P2Program", "MANAGEMENT_KEY=K2key", "BASE_URL=http", "BASE_URI=http"] {
        assert!(exports.contains(&format!("export DESCOPE_{variable}")), "{exports}");
    }
}

#[test]
fn the_program_reports_a_bad_start() {
    let output = Command::new(env!("CARGO_BIN_EXE_descope-emulator"))
        .args(["--port", "0", "--project-id", "P:2"])
        .output()
        .expect("runs");
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("project id"));
}
