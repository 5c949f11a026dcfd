//! What is said to a client that is set up wrongly.

use std::process::Command;

use descope_emulator::Emulator;
use serde_json::{Value, json};

use crate::support::{ADA, Api, session_of, text};

async fn ask(api: &Api, body: Value) -> Value {
    api.send(api.http.post(format!("{}/_emulator/doctor", api.emulator.base_url())).json(&body)).await.ok()
}

/// What the findings are about, with the variables to set.
fn about(answer: &Value) -> Vec<(String, Option<String>)> {
    let one = |finding: &Value| (text(&finding["about"]).to_owned(), finding["variable"].as_str().map(str::to_owned));
    answer["findings"].as_array().expect("a list").iter().map(one).collect()
}

fn seconds() -> i64 {
    i64::try_from(std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs()).expect("a time")
}

#[tokio::test]
async fn the_doctor_names_what_is_wrong_and_the_variable_to_set() {
    let api = Api::start().await;
    let (id, key, url) = (api.emulator.project_id(), api.emulator.management_key(), api.emulator.base_url());
    let good = json!({"baseUrl": url, "projectId": id, "managementKey": key, "now": seconds()});
    let answer = ask(&api, good.clone()).await;
    assert_eq!((&answer["ok"], &answer["findings"]), (&json!(true), &json!([])));
    let regional = "Puse12aAc4T2V93bddihGEx2Ryhc8e5Z";
    for (member, value, what, variable, part) in [
        ("baseUrl", json!("https://api.descope.com"), "baseUrl", Some("DESCOPE_BASE_URL"), "service"),
        ("baseUrl", json!("https://api.euc1.descope.com"), "baseUrl", Some("DESCOPE_BASE_URL"), "region"),
        ("baseUrl", json!("localhost:8080"), "baseUrl", Some("DESCOPE_BASE_URL"), "no URL"),
        ("baseUrl", json!(format!("{url}/v1")), "baseUrl", Some("DESCOPE_BASE_URL"), "/v1"),
        ("baseUrl", json!(url.replace("http:", "https:")), "baseUrl", Some("DESCOPE_BASE_URL"), "http"),
        ("projectId", json!(null), "projectId", Some("DESCOPE_PROJECT_ID"), "no project id"),
        ("projectId", json!("P2 x"), "projectId", Some("DESCOPE_PROJECT_ID"), "white space"),
        ("projectId", json!(regional), "projectId", Some("DESCOPE_PROJECT_ID"), "Nothing has happened"),
        ("managementKey", json!("K2wrong"), "managementKey", Some("DESCOPE_MANAGEMENT_KEY"), "none of this emulator"),
        ("token", json!("a.b.c"), "token", None, "no JWT"),
        ("now", json!(seconds() - 3600), "clock", None, "behind"),
        ("now", json!(seconds() + 3600), "clock", None, "ahead of"),
    ] {
        let mut asked = good.clone();
        asked[member] = value;
        let answer = ask(&api, asked).await;
        let found = about(&answer);
        assert_eq!(found, [(what.to_owned(), variable.map(str::to_owned))], "{member}: {answer}");
        assert!(text(&answer["findings"][0]["message"]).contains(part), "{part}: {answer}");
    }
    let odd = api.http.post(format!("{url}/_emulator/doctor")).json(&json!({"projektId": "P2"}));
    assert!(api.send(odd).await.refused(400, "E011004").contains("projektId"));
}

#[tokio::test]
async fn the_doctor_reads_the_bearer_and_the_clock() {
    let api = Api::start().await;
    let session = session_of(&api.signed_in(ADA).await);
    let ask =
        |bearer: String| api.http.get(format!("{}/_emulator/doctor", api.emulator.base_url())).bearer_auth(bearer);
    let id = api.emulator.project_id();
    let answer = api.send(ask(format!("{id}:{session}:{}", api.emulator.management_key()))).await.ok();
    assert_eq!(answer["findings"], json!([]));
    let answer = api.send(ask(format!("P2Other:{session}:K2wrong"))).await.ok();
    assert_eq!(answer["ok"], false);
    let found: Vec<_> = about(&answer).into_iter().map(|(about, _)| about).collect();
    assert_eq!(found, ["projectId", "managementKey", "token"]);
    assert_eq!(answer["findings"][2]["value"], id);
    let other = Api::start().await;
    // Emulators of one process may have a key in common.
    let rotate = other.http.post(format!("{}/_emulator/keys/rotate", other.emulator.base_url()));
    other.send(rotate.json(&json!({"revoke": true}))).await.ok();
    let elsewhere = other.http.get(format!("{}/_emulator/doctor", other.emulator.base_url()));
    let answer = other.send(elsewhere.bearer_auth(format!("{id}:{session}"))).await.ok();
    assert!(text(&answer["findings"][0]["message"]).contains("not signed by this emulator"), "{answer}");
    api.wait(700);
    let answer = api.send(ask(format!("{id}:{session}"))).await.ok();
    assert_eq!(about(&answer), [("token".to_owned(), None), ("clock".to_owned(), None)]);
}

#[tokio::test]
async fn refusals_name_the_variable_too() {
    let emulator = Emulator::builder().only_listed_projects().start().await.expect("starts");
    let api = Api { emulator, http: reqwest::Client::new() };
    let base = api.emulator.base_url();
    let refresh = |bearer: &str| api.http.post(format!("{base}/v1/auth/refresh")).bearer_auth(bearer);
    let why = api.send(refresh("P2Nowhere:a.b.c")).await.refused(401, "E011008");
    assert!(why.contains(&format!("DESCOPE_PROJECT_ID to {}", api.emulator.project_id())), "{why}");
    let wrong = api.post_as("K2wrong", "/v1/mgmt/user/create", json!({"loginId": ADA})).await.refused(401, "E111119");
    assert!(wrong.contains("DESCOPE_MANAGEMENT_KEY"), "{wrong}");
    let none = api.post("/v1/mgmt/user/create", json!({"loginId": ADA})).await.refused(401, "E111119");
    assert!(none.contains("DESCOPE_MANAGEMENT_KEY"), "{none}");
    let without = api.http.post(format!("{base}/v1/auth/otp/signup-in/email")).json(&json!({"loginId": ADA}));
    assert!(text(&api.send(without).await.body["errorMessage"]).contains("DESCOPE_PROJECT_ID"));
    let below = api.http.post(format!("{base}/api/v2/v1/auth/otp/signup-in/email"));
    let why = text(&api.send(below).await.body["errorMessage"]).to_owned();
    assert!(why.contains("DESCOPE_BASE_URL end with /api/v2?"), "{why}");
    let session = api.signed_in(ADA).await;
    api.wait(700);
    let late = api.post_as(&session_of(&session), "/v1/auth/validate", json!({})).await.refused(401, "E062504");
    assert!(late.contains("700 seconds ahead of"), "{late}");
}

#[test]
fn the_program_examines_the_variables() {
    let doctor = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_descope-emulator"));
        command.arg("doctor").env_clear().envs(variables.iter().copied());
        let output = command.output().expect("runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let emulator = runtime.block_on(Emulator::builder().start()).expect("starts");
    let good = [
        ("DESCOPE_BASE_URL", emulator.base_url()),
        ("DESCOPE_BASE_URI", emulator.base_url()),
        ("DESCOPE_PROJECT_ID", emulator.project_id()),
        ("DESCOPE_MANAGEMENT_KEY", emulator.management_key()),
    ];
    assert_eq!(doctor(&good), (Some(0), "Everything is set as it has to be.\n".to_owned()));
    for (name, value, failed, part) in [
        ("DESCOPE_MANAGEMENT_KEY", "K2wrong", true, "set DESCOPE_MANAGEMENT_KEY"),
        ("DESCOPE_PROJECT_ID", "P2:x", true, "set DESCOPE_PROJECT_ID="),
        ("DESCOPE_BASE_URI", "http://127.0.0.1:9", true, "set both to the same"),
        ("DESCOPE_BASE_URI", "", false, "DESCOPE_BASE_URI"),
        ("DESCOPE_PUBLIC_KEY", "{}", false, "unset DESCOPE_PUBLIC_KEY"),
        ("HTTP_PROXY", "http://proxy:3128", false, "NO_PROXY=127.0.0.1"),
    ] {
        let mut variables = good.to_vec();
        variables.push((name, value));
        let (code, told) = doctor(&variables);
        assert_eq!(code, Some(i32::from(failed)), "{name}={value}: {told}");
        assert!(told.contains(part), "{name}={value}: {told}");
    }
    let (code, told) = doctor(&[("DESCOPE_PROJECT_ID", "Peuc12aAc4T2V93bddihGEx2Ryhc8e5Z")]);
    assert!(code == Some(1) && told.contains("https://api.euc1.descope.com"), "{told}");
    for (url, part) in [
        ("https://api.use1.descope.com", "leads to the service"),
        ("https://127.0.0.1:8080", "speaks http"),
        ("8080", "no URL"),
        ("http://127.0.0.1:9", "no emulator answers"),
    ] {
        let (code, told) = doctor(&[("DESCOPE_BASE_URL", url), ("DESCOPE_BASE_URI", url)]);
        assert!(code == Some(1) && told.contains(part), "{url}: {told}");
    }
    drop(emulator);
}
