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
