//! Tests that need a process of their own: this binary is started once more, with one test only.

use std::{
    io::{Read, Write},
    process::{Command, Stdio},
};

use serde_json::Value;

/// Names the test for which this process was started.
const ROLE: &str = "DESCOPE_TESTS_ROLE";

/// Runs the test `name` in another process, which finds `job` there, and gives what it printed. Fails when it fails.
pub(crate) async fn run(name: &'static str, job: Value) -> String {
    run_in(name, job, Vec::new()).await
}

/// The same with these variables in the environment of the other process.
pub(crate) async fn run_in(name: &'static str, job: Value, environment: Vec<(&'static str, String)>) -> String {
    let run = move || {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args([name, "--exact", "--nocapture"])
            .envs(environment)
            .env(ROLE, name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        child.stdin.take().expect("a pipe").write_all(job.to_string().as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("1 passed"), "there is no test {name}: {text}");
        text
    };
    tokio::task::spawn_blocking(run).await.expect("it can be waited for")
}

/// The job, when this process was started for the test `name`.
pub(crate) fn job(name: &str) -> Option<Value> {
    if std::env::var(ROLE).ok()? != name {
        return None;
    }
    let mut job = String::new();
    std::io::stdin().read_to_string(&mut job).expect("a job");
    Some(serde_json::from_str(&job).expect("JSON"))
}
