//! Messages by recipient and kind, and what happens as it happens.

use std::time::Duration;

use descope_emulator::{Channel, MessageFilter, MessageKind};
use serde_json::{Value, json};

use crate::support::{ADA, Api, PHONE, Reply};

async fn own(api: &Api, path: &str) -> Reply {
    api.send(api.http.get(format!("{}/_emulator{path}", api.emulator.base_url()))).await
}

/// The ids of the messages that a query finds, in their order.
async fn found(api: &Api, query: &str) -> Vec<u64> {
    let messages = own(api, &format!("/inbox?{query}")).await.ok()["messages"].clone();
    messages.as_array().expect("a list").iter().map(|message| message["id"].as_u64().expect("a number")).collect()
}

async fn filled() -> Api {
    let api = Api::start().await;
    api.post("/v1/auth/otp/signup-in/email", json!({"loginId": ADA})).await.ok();
    api.post("/v1/auth/otp/signup-in/sms", json!({"loginId": PHONE})).await.ok();
    let link = json!({"loginId": ADA, "redirectUrl": "https://app.example.com"});
    api.post("/v1/auth/magiclink/signup-in/email", link.clone()).await.ok();
    api.post("/v1/auth/enchantedlink/signup-in/email", link).await.ok();
    api.post("/v1/auth/otp/signup-in/voice", json!({"loginId": PHONE})).await.ok();
    api
}

#[tokio::test]
async fn messages_are_filtered_by_recipient_and_kind_newest_first() {
    let api = filled().await;
    for (query, ids) in [
        ("", &[5, 4, 3, 2, 1][..]),
        ("order=oldest", &[1, 2, 3, 4, 5]),
        ("limit=2", &[5, 4]),
        ("after=3", &[5, 4]),
        ("to=ADA%40example.com", &[4, 3, 1]),
        ("to=+15551234567", &[5, 2]),
        ("to=%2B15551234567", &[5, 2]),
        ("to=%2B1%20(555)%20123-4567", &[5, 2]),
        ("to=+1+555+123+4567", &[5, 2]),
        ("kind=code", &[5, 2, 1]),
        ("kind=magicLink", &[3]),
        ("kind=enchantedLink&to=ada@example.com", &[4]),
        ("kind=sms", &[2]),
        ("channel=voice", &[5]),
        ("kind=push", &[]),
    ] {
        assert_eq!(found(&api, query).await, ids, "{query}");
    }
    assert_eq!(own(&api, "/inbox?limit=1").await.ok()["messages"][0]["kind"], "code");
    for (query, name) in [("kind=pigeon", "kind"), ("order=any", "order"), ("limit=-1", "limit"), ("too=x", "too")] {
        let why = own(&api, &format!("/inbox?{query}")).await.refused(400, "E011004");
        assert!(why.contains(&format!("parameter {name} ")), "{why}");
    }
    let inbox = api.emulator.inbox();
    let ids = |filter: MessageFilter| inbox.find(&filter).iter().map(|message| message.id).collect::<Vec<_>>();
    assert_eq!(ids(MessageFilter::new().to(PHONE).channel(Channel::Sms)), [2]);
    assert_eq!(ids(MessageFilter::new().kind(MessageKind::Code).after(1)), [5, 2]);
    assert_eq!(inbox.next("+1-555-123-4567").await.id, 2);
}

#[tokio::test]
async fn a_long_poll_waits_for_a_message_to_anybody() {
    let api = filled().await;
    let (mail, sent) = tokio::join!(own(&api, "/inbox?wait=30&after=5&kind=code"), async {
        tokio::task::yield_now().await;
        let link = json!({"loginId": ADA, "redirectUrl": "https://app.example.com"});
        api.post("/v1/auth/magiclink/signup-in/email", link).await.ok();
        api.post("/v1/auth/otp/signup-in/email", json!({"loginId": "bob@example.com"})).await
    });
    sent.ok();
    let messages = mail.ok()["messages"].clone();
    assert_eq!((messages.as_array().map(Vec::len), &messages[0]["to"]), (Some(1), &json!("bob@example.com")));
    let waiting = MessageFilter::new().after(7);
    let inbox = api.emulator.inbox();
    let (mail, ()) = tokio::join!(inbox.wait_for(&waiting), async {
        api.post("/v1/auth/otp/signup-in/email", json!({"loginId": ADA})).await.ok();
    });
    assert_eq!(mail[0].id, 8);
}

/// Reads server-sent events until so many have come: the name and the data of each, and the last number.
async fn read(response: &mut reqwest::Response, count: usize) -> (Vec<(String, Value)>, String) {
    let (mut text, mut events, mut last) = (String::new(), Vec::new(), String::new());
    while events.len() < count {
        let chunk = tokio::time::timeout(Duration::from_secs(20), response.chunk()).await.expect("in time");
        text.push_str(std::str::from_utf8(&chunk.expect("a body").expect("not the end")).expect("text"));
        while let Some(end) = text.find("\n\n") {
            let event: String = text.drain(..end + 2).collect();
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            if let (Some(id), Some(name), Some(data)) = (field("id: "), field("event: "), field("data: ")) {
                last = id;
                events.push((name, serde_json::from_str(&data).expect("JSON")));
            }
        }
    }
    (events, last)
}

#[tokio::test]
async fn events_tell_of_messages_records_and_requests_and_can_be_resumed() {
    let api = Api::start().await;
    let url = format!("{}/_emulator/events", api.emulator.base_url());
    let mut live = api.http.get(&url).send().await.expect("an answer");
    assert_eq!(live.headers()["content-type"], "text/event-stream");
    let session = api.signed_in(ADA).await;
    let (events, last) = read(&mut live, 5).await;
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["message", "request", "record", "record", "request"]);
    assert_eq!((&events[0].1["to"], &events[0].1["kind"]), (&json!(ADA), &json!("code")));
    assert_eq!((&events[2].1["action"], &events[3].1["action"]), (&json!("UserCreated"), &json!("LoginSucceed")));
    assert_eq!(events[2].1["target"], session["user"]["userId"]);
    assert_eq!(events[2].1["projectId"], api.emulator.project_id());
    assert_eq!((&events[4].1["operation"], &events[4].1["body"]["code"]), (&json!("otpVerifyEmail"), &json!("***")));

    api.tenant("T1").await;
    let mut back = api.http.get(&url).header("last-event-id", &last).send().await.expect("an answer");
    let (missed, _) = read(&mut back, 2).await;
    assert_eq!(
        (&missed[0].1["action"], &missed[1].1["operation"]),
        (&json!("TenantCreated"), &json!("managementTenantCreate"))
    );
    let mut records = api.http.get(format!("{url}?kind=record&after=1")).send().await.expect("an answer");
    let (records, _) = read(&mut records, 3).await;
    assert_eq!(records[2].1["action"], "TenantCreated");
    let odd = api.send(api.http.get(format!("{url}?kind=weather"))).await;
    assert!(odd.refused(400, "E011004").contains("kind"));
}

#[tokio::test]
async fn listening_ends_when_the_emulator_stops() {
    let Api { emulator, http } = Api::start().await;
    let mut live = http.get(format!("{}/_emulator/events", emulator.base_url())).send().await.expect("an answer");
    let stopped = tokio::time::timeout(Duration::from_secs(20), emulator.stop(Duration::from_secs(60)));
    let (stopped, ()) = tokio::join!(stopped, async { while let Ok(Some(_)) = live.chunk().await {} });
    assert!(stopped.is_ok(), "nobody who listens holds it up");
}
