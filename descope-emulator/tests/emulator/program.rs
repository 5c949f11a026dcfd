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

#[test]
fn a_command_runs_with_the_variables_and_passes_its_exit_code_on() {
    let run = |script: &str| {
        Command::new(env!("CARGO_BIN_EXE_descope-emulator"))
            .env_remove("DESCOPE_PROJECT_ID")
            .args(["exec", "--project-id", "P2Exec", "--", "sh", "-c", script])
            .output()
            .expect("runs")
    };
    let output = run("echo $DESCOPE_PROJECT_ID $DESCOPE_BASE_URL; test -n \"$DESCOPE_MANAGEMENT_KEY\"; exit 7");
    assert_eq!(output.status.code(), Some(7));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("P2Exec http://127.0.0.1:"));
    assert!(!run("exit 0; ").stdout.starts_with(b"{"));
}

#[test]
fn a_seed_is_written_checked_and_used() {
    let folder = std::env::temp_dir().join(format!("descope-emulator-seed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let program = || Command::new(env!("CARGO_BIN_EXE_descope-emulator"));
    let starter = program().arg("init").output().expect("runs").stdout;
    let file = folder.join("seed.json");
    std::fs::write(&file, &starter).expect("written");
    assert!(program().arg("check").arg(&file).status().expect("runs").success());
    let load = "curl -sf -H \"Authorization: Bearer $DESCOPE_PROJECT_ID:$DESCOPE_MANAGEMENT_KEY\" \
                \"$DESCOPE_BASE_URL/v1/mgmt/user?loginId=ada@example.com\"";
    let mut exec = program();
    exec.env_remove("DESCOPE_PROJECT_ID").arg("exec").arg("--seed").arg(&file);
    let output = exec.args(["--", "sh", "-c", load]).output().expect("runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("U2ada"), "{output:?}");
    let yaml = folder.join("seed.yaml");
    assert!(program().arg("init").arg(&yaml).status().expect("runs").success());
    let again = program().arg("init").arg(&yaml).output().expect("runs");
    assert!(!again.status.success(), "nothing is written over");
    let check = program().args(["--check", "--seed"]).arg(&yaml).output().expect("runs");
    assert!(check.status.success() && check.stdout.is_empty(), "{check:?}");
    let mut exec = program();
    exec.env_remove("DESCOPE_PROJECT_ID").env("DESCOPE_EMULATOR_SEED", &yaml).arg("exec");
    let output = exec.args(["--", "sh", "-c", load]).output().expect("runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("U2ada"), "{output:?}");
    let text = std::fs::read_to_string(&yaml).expect("read").replace("[Reader]", "[Nobody]").replace("T2acme:", "T9:");
    std::fs::write(&yaml, text).expect("written");
    for arguments in [&["check"][..], &["--check", "--seed"], &["--seed"]] {
        let output = program().args(arguments).arg(&yaml).output().expect("runs");
        assert!(!output.status.success());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        for part in ["seed.yaml:24: ", "users[0].roles[0]", "seed.yaml:26: ", "users[0].tenants.T9", "\"Nobody\""] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
    assert!(!program().arg("--check").output().expect("runs").status.success(), "there is nothing to check");
    std::fs::remove_dir_all(&folder).expect("removed");
}

/// The program with a ready file; it is told to end when it is dropped.
struct Running {
    program: std::process::Child,
    base_url: String,
    ready: std::path::PathBuf,
}

impl Running {
    fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let ready = std::env::temp_dir().join(format!("descope-emulator-{name}-{}.json", std::process::id()));
        let mut program = Command::new(env!("CARGO_BIN_EXE_descope-emulator"))
            .env("DESCOPE_EMULATOR_READY_FILE", &ready)
            .env("DESCOPE_EMULATOR_PORT", "0")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut stdout = BufReader::new(program.stdout.take().expect("stdout"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let line: Value = serde_json::from_str(&line).expect("JSON");
        Self { program, base_url: line["baseUrl"].as_str().expect("a URL").to_owned(), ready }
    }

    /// Asks the program to end, and gives what it has written to stderr.
    fn end(mut self) -> String {
        let ended = Command::new("kill").args(["-TERM", &self.program.id().to_string()]).status().expect("kill");
        assert!(ended.success());
        assert!(self.program.wait().expect("ends").success());
        let mut told = String::new();
        self.program.stderr.take().expect("stderr").read_to_string(&mut told).expect("stderr");
        told
    }
}

#[cfg(unix)]
#[test]
fn variables_are_read_and_the_log_tells_of_requests() {
    let variables = [
        ("DESCOPE_EMULATOR_HOST", "localhost"),
        ("DESCOPE_EMULATOR_LOG", "1"),
        ("DESCOPE_EMULATOR_RANDOM_SEED", "7"),
        ("DESCOPE_PROJECT_ID", "P2Read"),
        ("DESCOPE_MANAGEMENT_KEY", "K2read"),
    ];
    let running = Running::start("read", &variables);
    let port = running.base_url.strip_prefix("http://localhost:").expect("the name that was given").to_owned();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let status = |host: &str, path: &str| {
        let url = format!("http://{host}:{port}{path}");
        runtime.block_on(async { reqwest::get(url).await.map(|answer| answer.status().as_u16()) })
    };
    assert_eq!(status("localhost", "/v2/keys/P2Read").expect("an answer"), 200);
    assert_eq!(status("127.0.0.1", "/v2/keys/P2Read").expect("an answer"), 200);
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        assert_eq!(status("[::1]", "/v2/keys/P2Read").expect("an answer"), 200);
    }
    assert_eq!(status("localhost", "/v1/auth/me").expect("an answer"), 401);
    let ready = running.ready.clone();
    let line: Value = serde_json::from_slice(&std::fs::read(&ready).expect("a ready file")).expect("JSON");
    assert_eq!((&line["baseUrl"], &line["managementKey"]), (&Value::from(running.base_url.as_str()), &"K2read".into()));
    let told = running.end();
    assert!(told.contains("200 GET /v2/keys/P2Read sessionKeys\n"), "{told}");
    assert!(told.contains("401 GET /v1/auth/me ") && told.contains("Authorization header"), "{told}");
    assert!(!ready.exists(), "it goes with the emulator");
}

#[cfg(unix)]
#[test]
fn a_call_that_is_under_way_is_finished_when_the_program_is_asked_to_end() {
    let running = Running::start("finish", &[("DESCOPE_PROJECT_ID", "P2Finish")]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let base = running.base_url.clone();
    let http = reqwest::Client::new();
    let fault = serde_json::json!({"operation": "sessionKeys", "latencyMillis": 1500});
    let added = runtime.block_on(http.post(format!("{base}/_emulator/faults")).json(&fault).send()).expect("an answer");
    assert_eq!(added.status().as_u16(), 200);
    let late = runtime.spawn(http.get(format!("{base}/v2/keys/P2Finish")).send());
    // It is under way when the fault has been taken.
    while runtime.block_on(async {
        let faults = http.get(format!("{base}/_emulator/faults")).send().await.expect("an answer");
        faults.text().await.expect("a body").contains("sessionKeys")
    }) {}
    running.end();
    let answer = runtime.block_on(late).expect("a task").expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
}

#[test]
fn a_command_gets_no_keys_of_the_service() {
    let output = Command::new(env!("CARGO_BIN_EXE_descope-emulator"))
        .env("DESCOPE_PUBLIC_KEY", "{}")
        .env("DESCOPE_AUTH_MANAGEMENT_KEY", "K2service")
        .args(["exec", "--", "sh", "-c", "echo ${DESCOPE_PUBLIC_KEY-none} ${DESCOPE_AUTH_MANAGEMENT_KEY-none}"])
        .output()
        .expect("runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "none none\n");
}

#[cfg(unix)]
#[test]
fn a_command_is_asked_to_end_with_the_program() {
    let script = "trap 'echo cleared; exit 5' TERM; echo begun; while :; do sleep 0.1; done";
    let mut program = Command::new(env!("CARGO_BIN_EXE_descope-emulator"))
        .args(["exec", "--", "sh", "-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdout = BufReader::new(program.stdout.take().expect("stdout"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    assert_eq!(line, "begun\n");
    assert!(Command::new("kill").args(["-TERM", &program.id().to_string()]).status().expect("kill").success());
    assert_eq!(program.wait().expect("ends").code(), Some(5));
    line.clear();
    stdout.read_line(&mut line).expect("a line");
    assert_eq!(line, "cleared\n");
}
