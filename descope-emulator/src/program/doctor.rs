//! `doctor`: looks at the variables that SDKs read, and asks the emulator about them.

use std::{
    env,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use url::Url;

use super::http;

/// The variables by which SDKs find the service, in both spellings.
const BASE_URLS: [&str; 2] = ["DESCOPE_BASE_URL", "DESCOPE_BASE_URI"];

/// What is to be told, and whether calls would fail.
#[derive(Default)]
struct Report {
    lines: Vec<String>,
    failed: bool,
}

impl Report {
    fn error(&mut self, text: impl std::fmt::Display) {
        self.failed = true;
        self.lines.push(format!("error: {text}"));
    }

    fn warning(&mut self, text: impl std::fmt::Display) {
        self.lines.push(format!("warning: {text}"));
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Tells what is wrong on stdout. The exit code is 1 when calls would fail.
pub(crate) fn run(base_url: Option<&str>) -> ExitCode {
    let mut report = Report::default();
    examine(base_url, &mut report);
    if report.lines.is_empty() {
        report.lines.push("Everything is set as it has to be.".to_owned());
    }
    for line in &report.lines {
        println!("{line}");
    }
    if report.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn examine(base_url: Option<&str>, report: &mut Report) {
    let set: Vec<(&str, String)> = BASE_URLS.into_iter().filter_map(|name| Some((name, variable(name)?))).collect();
    match &set[..] {
        [(_, one), (_, other)] if one.trim_end_matches('/') != other.trim_end_matches('/') => {
            report.error(format!("DESCOPE_BASE_URL is {one} and DESCOPE_BASE_URI is {other}; set both to the same"));
        }
        [(name, value)] => {
            let missing = BASE_URLS.into_iter().find(|other| other != name).unwrap_or_default();
            report.warning(format!("some SDKs read {missing}, which is not set; set {missing}={value}"));
        }
        _ => {}
    }
    for name in ["DESCOPE_PUBLIC_KEY", "DESCOPE_AUTH_MANAGEMENT_KEY"] {
        if variable(name).is_some() {
            report.warning(format!("{name} is set, and is hardly one of the emulator; unset {name}"));
        }
    }
    let project_id = variable("DESCOPE_PROJECT_ID");
    let Some(base_url) = base_url.map(str::to_owned).or_else(|| set.first().map(|(_, value)| value.clone())) else {
        let host = region_host(project_id.as_deref());
        report.error(format!(
            "no base URL is set, so that SDKs call {host}; set DESCOPE_BASE_URL and DESCOPE_BASE_URI to that of the emulator, \
             such as http://127.0.0.1:8080"
        ));
        return;
    };
    let found = Url::parse(&base_url).ok().filter(|url| url.host_str().is_some());
    let Some(mut url) = found else {
        report.error(format!("{base_url:?} is no URL; set DESCOPE_BASE_URL to one such as http://127.0.0.1:8080"));
        return;
    };
    let host = url.host_str().unwrap_or_default().to_owned();
    if host == "descope.com" || host.ends_with(".descope.com") {
        report.error(format!(
            "the base URL leads to the service at {host}; set DESCOPE_BASE_URL and DESCOPE_BASE_URI to that of the emulator"
        ));
        return;
    }
    if url.scheme() != "http" {
        report.error(format!("the emulator speaks http; set DESCOPE_BASE_URL to http://{host}:PORT"));
        return;
    }
    proxy(&host, report);
    url.set_path("/_emulator/doctor");
    url.set_query(None);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let asked = json!({
        "baseUrl": base_url, "projectId": project_id, "managementKey": variable("DESCOPE_MANAGEMENT_KEY"), "now": now,
    });
    match http::post(&url, &asked) {
        Ok(answer) => tell(&answer, report),
        Err(why) => report.error(format!(
            "no emulator answers ({why}); start one, or set DESCOPE_BASE_URL to the address that it prints at its start"
        )),
    }
}

/// Where SDKs go that are told nothing else.
fn region_host(project_id: Option<&str>) -> String {
    match project_id.filter(|id| id.len() >= 32).and_then(|id| id.get(1..5)) {
        Some(region) => format!("https://api.{region}.descope.com, the region of the project id"),
        None => "https://api.descope.com".to_owned(),
    }
}

/// A proxy for a host of this computer leads nowhere.
fn proxy(host: &str, report: &mut Report) {
    let proxied =
        ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].into_iter().find(|name| variable(name).is_some());
    let spared = ["no_proxy", "NO_PROXY"].into_iter().filter_map(variable).any(|hosts| {
        hosts.split(',').map(str::trim).any(|spared| spared == "*" || host.ends_with(spared.trim_start_matches('.')))
    });
    if let Some(name) = proxied.filter(|_| !spared) {
        report.warning(format!("{name} is set, and NO_PROXY does not name {host}; set NO_PROXY={host}"));
    }
}

fn tell(answer: &Value, report: &mut Report) {
    for finding in answer["findings"].as_array().into_iter().flatten() {
        let message = finding["message"].as_str().unwrap_or_default();
        let advice = match (finding["variable"].as_str(), finding["value"].as_str()) {
            (Some(variable), Some(value)) => format!("; set {variable}={value}"),
            (Some(variable), None) => format!("; set {variable}"),
            _ => String::new(),
        };
        let line = format!("{message}{advice}");
        if finding["level"] == "error" { report.error(line) } else { report.warning(line) }
    }
}
