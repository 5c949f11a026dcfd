//! The emulator as a process of its own, so that what this one holds is the SDK's.

#![allow(dead_code, reason = "each program that starts it uses a part")]

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use descope_sdk::{Descope, session::Clock};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::Done;

pub(crate) struct Process {
    child: Child,
    http: reqwest::Client,
    base_url: String,
    project_id: String,
    management_key: String,
    /// What its clock shows, which stands still between two steps.
    now: Arc<AtomicU64>,
}

impl Process {
    pub(crate) async fn start() -> Done<Self> {
        let program = std::env::var_os("DESCOPE_EMULATOR").unwrap_or_else(|| "descope-emulator".into());
        let mut command = Command::new(program);
        let child = command.args(["--port", "0", "--random-seed", "7"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = child.kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let said: Value = serde_json::from_str(&lines.next_line().await?.ok_or("the emulator has ended")?)?;
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let process = Self {
            child,
            http: reqwest::Client::new(),
            base_url: text("baseUrl"),
            project_id: text("projectId"),
            management_key: text("managementKey"),
            now: Arc::default(),
        };
        process.move_clock(json!({"frozen": true})).await?;
        Ok(process)
    }

    /// A client by the emulator's clock. Every unknown key is asked for: a day lasts less than the usual pause between two
    /// such questions here.
    pub(crate) fn descope(&self) -> Done<Descope> {
        let now = Arc::clone(&self.now);
        let clock = Clock::from_fn(move || UNIX_EPOCH + Duration::from_secs(now.load(Ordering::SeqCst)));
        let builder = Descope::builder(&self.project_id).management_key(self.management_key.as_str());
        let builder = builder.base_url(&self.base_url).without_license();
        Ok(builder.session_validator(|it| it.clock(clock).key_cool_down(Duration::ZERO)).build()?)
    }

    pub(crate) fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    pub(crate) async fn advance(&self, seconds: u64) -> Done {
        self.move_clock(json!({"advanceSeconds": seconds})).await
    }

    async fn move_clock(&self, how: Value) -> Done {
        let shown: Value = self.http.post(self.at("clock")).json(&how).send().await?.error_for_status()?.json().await?;
        let now = shown["now"].as_u64().ok_or_else(|| format!("the clock shows {shown}"))?;
        self.now.store(now, Ordering::SeqCst);
        Ok(())
    }

    pub(crate) async fn settings(&self, settings: Value) -> Done {
        self.http.post(self.at("settings")).json(&settings).send().await?.error_for_status()?;
        Ok(())
    }

    /// How often an operation was called.
    pub(crate) async fn count(&self, operation: &str) -> Done<u64> {
        let url = self.at(&format!("requests/count?operation={operation}"));
        let said: Value = self.http.get(url).send().await?.error_for_status()?.json().await?;
        said["count"].as_u64().ok_or_else(|| format!("the count is {said}").into())
    }

    /// The code that was sent to an address.
    pub(crate) async fn code(&self, to: &str) -> Done<String> {
        let asked = self.http.get(self.at("inbox")).query(&[("to", to)]);
        let said: Value = asked.send().await?.error_for_status()?.json().await?;
        said["messages"][0]["code"].as_str().map(str::to_owned).ok_or_else(|| format!("no code for {to}").into())
    }

    /// The states of all sessions.
    pub(crate) async fn sessions(&self) -> Done<Vec<String>> {
        let said: Value = self.http.get(self.at("sessions")).send().await?.error_for_status()?.json().await?;
        let sessions = said["sessions"].as_array().ok_or("no sessions")?;
        Ok(sessions.iter().filter_map(|session| session["status"].as_str().map(str::to_owned)).collect())
    }

    /// How much memory it holds, in KiB, where the system tells as Linux does.
    pub(crate) fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    fn at(&self, path: &str) -> String {
        format!("{}/_emulator/{path}", self.base_url)
    }
}
