//! Tokens, codes, keys, passwords and answers show up nowhere: in no `Debug`, in no error, in no log line.

use std::{
    fmt::{Debug, Write as _},
    io,
    sync::{Arc, Mutex},
};

use descope_emulator::Fault;
use descope_sdk::{
    DeliveryMethod, Descope, Error, LoginId, RetryPolicy, Secret,
    management::user::{ImportedPassword, ImportedPasswordHash},
};
use tracing_subscriber::util::SubscriberInitExt;

use crate::{
    another_process,
    requests::{ACCESS_KEY, REFRESH_JWT, SESSION_JWT, cases, least},
    support::raw::http,
    world::{ADA, BOB, PHONE, World, refresh_of},
};

/// Everything secret that the request tables hold.
const IN_TABLES: &[&str] = &[
    REFRESH_JWT,
    SESSION_JWT,
    ACCESS_KEY,
    "cmVmcmVzaA",
    "481516",
    "7f3d2b",
    "2RmvXG",
    "Puff",
    "Enchantress-1843",
    "$2b$10$hash",
];

/// An error with everything below it, as a log would show it.
fn printed(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n");
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        let _ = writeln!(text, "{source}\n{source:?}");
        next = source.source();
    }
    text
}

#[track_caller]
fn assert_silent(text: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(secret.len() >= 4, "too short to be looked for");
        // A code of six characters may by chance be part of a time, a port or an id: it is looked for as a word.
        let shown = match secret.len() {
            4..=6 => text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == *secret),
            _ => text.contains(secret),
        };
        assert!(!shown, "{secret} shows in: {text}");
    }
}

#[tokio::test]
async fn an_error_of_any_function_shows_nothing_that_was_given_to_it() {
    let world = World::start().await;
    let (http, key) = (http(), world.emulator.management_key());
    for case in cases() {
        let descope =
            world.emulator.descope_builder().http_client(http.clone()).retry(RetryPolicy::none()).build().unwrap();
        for fault in [
            Fault::status(502),
            Fault::close(),
            Fault::error(401, "E061102", "wrong"),
            Fault::body(200, "application/json", r#"{"sessionJwt": 5, "user": [], "token": {}, "key": 1, "keys": 0}"#),
            Fault::body(200, "text/html", "<html>"),
            Fault::redirect("https://elsewhere.example.com/?t=7f3d2b"),
        ] {
            world.emulator.fail_next(case.operation, fault);
            if let Err(error) = (case.call)(descope.clone()).await {
                assert_silent(&printed(&error), IN_TABLES);
                assert_silent(&printed(&error), &[key]);
            }
        }
        // The emulator's own refusal: most of the tokens in the tables are none.
        if let Err(error) = (case.call)(descope).await {
            assert_silent(&printed(&error), IN_TABLES);
        }
    }
}

#[tokio::test]
async fn what_a_server_says_back_is_not_shown_when_it_looks_like_a_token() {
    let world = World::start().await;
    let http = http();
    let mark = "eyJhbGciOiJSUzI1NiJ9.bWFya2Vk.bWFya2Vk";
    let json = |text: &str| serde_json::Value::from(text).to_string();
    for case in least() {
        let descope =
            world.emulator.descope_builder().http_client(http.clone()).retry(RetryPolicy::none()).build().unwrap();
        for fault in [
            Fault::error(400, "E011001", format!("cannot use {mark}, really")),
            Fault::error(400, mark, "odd code"),
            Fault::body(500, "text/html", format!("<html>{mark}</html>")),
            Fault::body(400, "application/json", json(mark)),
            Fault::body(200, "application/json", json(mark)),
            Fault::body(200, "application/json", format!("{{\"sessionJwt\": {{\"{mark}\": \"{mark}\"}}")),
            Fault::redirect(format!("https://elsewhere.example.com/{mark}")),
        ] {
            world.emulator.fail_next(case.operation, fault);
            let error = (case.call)(descope.clone()).await.expect_err("no success");
            assert_silent(&printed(&error), &[mark, "bWFya2Vk"]);
        }
    }
}

/// Notes the `Debug` of values, in both forms.
#[derive(Default)]
struct Notes {
    text: String,
    count: usize,
}

impl Notes {
    fn add(&mut self, value: &impl Debug) {
        let _ = writeln!(self.text, "{value:?}\n{value:#?}");
        self.count += 1;
    }
}

#[tokio::test]
async fn debug_of_a_call_that_is_being_put_together_shows_no_secret() {
    let descope = Descope::builder("P2RmuXyZ0123456789abcdefghij").management_key("marked-key");
    let descope = descope.auth_management_key("marked-key");
    let mut notes = Notes::default();
    notes.add(&descope);
    let descope = descope.build().unwrap();
    let (otp, magic, enchanted) = (descope.otp(), descope.magic_link(), descope.enchanted_link());
    notes.add(&otp.email(ADA).sign_in().step_up("marked-token"));
    notes.add(&otp.sms(PHONE).sign_up_or_in().mfa("marked-token"));
    notes.add(&otp.email(ADA).update(ADA, "marked-token"));
    notes.add(&magic.email(ADA).sign_in().step_up("marked-token"));
    notes.add(&magic.sms(PHONE).update(ADA, "marked-token"));
    notes.add(&enchanted.sign_in(ADA).mfa("marked-token"));
    notes.add(&enchanted.email(ADA).update(ADA, "marked-token"));
    let state = r#"{"pending_ref": "marked-reference", "link_id": "42"}"#;
    notes.add(&enchanted.resume(serde_json::from_str(state).unwrap()));
    let questions = descope.security_questions();
    notes.add(&questions.setup(ADA, "marked-token").answer("first-pet", "marked-answer"));
    notes.add(&questions.verify(ADA, "marked-token").answer("first-pet", "marked-answer"));
    notes.add(&descope.access_key().exchange("marked-key"));
    notes.add(&descope.password().sign_up(ADA, "marked-password"));
    notes.add(&descope.password().sign_in(ADA, "marked-password").step_up("marked-token"));
    notes.add(&descope.password().replace(ADA, "marked-password", "marked-password"));
    notes.add(&descope.totp().verify(ADA, "marked-code").mfa("marked-token"));
    notes.add(&descope.recovery_codes().sign_in(ADA, "marked-code"));
    notes.add(&descope.oauth().start("google").step_up("marked-token"));
    notes.add(&descope.oauth().update("google", "marked-token"));
    notes.add(&descope.sso().start("T1").mfa("marked-token"));
    notes.add(&descope.webauthn().add_device(ADA, "https://app.example.com", "marked-token"));
    notes.add(&descope.notp().update(ADA, "marked-token"));
    notes.add(&descope.one_tap().sign_in("google", "marked-token"));
    notes.add(&descope.push().enroll("fcm", "marked-token", "marked-token"));
    notes.add(&descope.outbound().connect("calendar", "marked-token"));
    notes.add(&descope.flow().start("sign-in").refresh_jwt("marked-token").input([("password", "marked-password")]));
    notes.add(&descope.flow().next("ex", "st", "button").input([("password", "marked-password")]));
    let hash = ImportedPasswordHash::new("marked-hash");
    let imported = ImportedPassword::new().bcrypt(hash);
    let users = descope.management().users();
    let agent = descope.agent("client").client_secret("marked-secret").client_assertion("marked-token");
    let state = r#"{"handle":{"device_code":"marked-code"},"interval":5,"expires_in":600}"#;
    notes.add(&(&agent, agent.client_credentials().keep().unwrap()));
    notes.add(&agent.exchange("marked-token", "urn:ietf:params:oauth:token-type:jwt"));
    notes.add(&(agent.code("marked-code", "marked-verifier"), agent.device(), agent.backchannel(ADA, "openid")));
    notes.add(&agent.resume(serde_json::from_str(state).unwrap()));
    notes.add(&users.create(LoginId::new(ADA)).password("marked-password").hashed_password(imported));
    notes.add(&descope.management().access_keys().create("nightly"));
    notes.add(&(descope.session(), descope.management(), descope.api(), &descope));
    notes.add(&Secret::from("marked-secret"));
    assert_eq!(notes.count, 35);
    assert_silent(&notes.text, &["marked"]);
    assert!(notes.text.contains(ADA), "it does show what is no secret");
}

#[tokio::test]
async fn debug_of_what_the_service_answers_shows_no_secret() {
    let world = World::start().await;
    let mut notes = Notes::default();
    let mut secrets: Vec<String> = Vec::new();
    let mut secret = |secret: &Secret| secrets.push(secret.expose().to_owned());

    let pending = world.descope.otp().email(ADA).sign_up().send().await.unwrap();
    let code = world.code(ADA).await;
    notes.add(&(&pending, pending.state()));
    let ada = pending.verify(code.as_str()).await.unwrap();
    notes.add(&ada);
    secret(ada.session_jwt());
    secret(&refresh_of(&ada));
    let session = world.claims(&ada).await;
    let refresh = refresh_of(&ada);
    let refresh = world.descope.session().validator().validate_refresh(refresh.expose()).await.unwrap();
    notes.add(&(&session, &refresh, world.descope.session().validator()));
    notes.add(&world.descope.session().refresh(refresh_of(&ada)).await.unwrap());
    notes.add(&world.descope.session().try_refresh(refresh_of(&ada)).await.unwrap());

    let pending = world.descope.enchanted_link().sign_in(ADA).send().await.unwrap();
    secret(pending.state().pending_ref());
    notes.add(&(&pending, pending.state()));
    let mail = world.mail(ADA).await;
    mail.links.iter().for_each(|link| secret(&Secret::from(link.token.as_str())));
    notes.add(&mail);

    let created = world.descope.management().access_keys().create("nightly").send().await.unwrap();
    secret(&created.cleartext);
    let machine = world.descope.access_key().exchange(&created.cleartext).send().await.unwrap();
    secret(machine.session_jwt());
    notes.add(&(&created, &machine));

    let tests = world.descope.management().test_users();
    tests.create(LoginId::new("test")).phone(PHONE).email("test@example.com").send().await.unwrap();
    let otp = tests.generate_otp(LoginId::new("test"), DeliveryMethod::Sms).send().await.unwrap();
    secret(otp.code());
    let link = tests.generate_magic_link(LoginId::new("test"), DeliveryMethod::Sms).send().await.unwrap();
    secret(link.token());
    let enchanted = tests.generate_enchanted_link(LoginId::new("test")).send().await.unwrap();
    secret(enchanted.link().token());
    secret(enchanted.pending().state().pending_ref());
    notes.add(&(&otp, &link, &enchanted));
    let embedded = world.descope.management().embedded_links().sign_in(LoginId::new(ADA)).send().await.unwrap();
    secret(&embedded);
    notes.add(&embedded);
    notes.add(&world.emulator);
    secrets.push(world.emulator.management_key().to_owned());
    // The code of six digits may by chance be part of a time or an id, which is why it is looked for as a word.
    assert!(!notes.text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == code));
    let code = secrets.remove(secrets.iter().position(|secret| secret.len() == 6).expect("the code"));
    assert!(!notes.text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == code));
    assert_silent(&notes.text, &secrets.iter().map(String::as_str).collect::<Vec<_>>());
    // Nor the parts of tokens.
    let parts = ada.session_jwt().expose().split('.').collect::<Vec<_>>();
    assert_silent(&notes.text, &parts);
}

/// Collects everything that is logged by this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

#[tokio::test]
async fn logs_tell_every_call_and_no_secret() {
    // Whether a log line is wanted is remembered for the whole process, and the other tests want none.
    let name = "secrets::logs_tell_every_call_and_no_secret";
    if another_process::job(name).is_none() {
        another_process::run(name, serde_json::Value::Null).await;
        return;
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
    // A fraction of a second has six digits, as a code has.
    let subscriber = subscriber.with_ansi(false).without_time();
    let _guard = subscriber.with_writer(move || writer.clone()).set_default();

    let world = World::start().await;
    let http = http();
    let mut policy = RetryPolicy::default();
    policy.base_delay = std::time::Duration::from_millis(1);
    for case in cases() {
        let descope = world.emulator.descope_builder().http_client(http.clone()).retry(policy).build().unwrap();
        world.emulator.fail_next(case.operation, Fault::status(503));
        // Most are refused, since the tokens in the tables are none; all of them are sent.
        let _ = (case.call)(descope).await;
    }
    let bob = world.signed_in(BOB).await;
    world.claims(&bob).await;
    let pending = world.descope.enchanted_link().sign_in(BOB).send().await.unwrap();
    assert!(pending.check().await.unwrap().is_none());

    let text = lines.text();
    for operation in least().iter().filter_map(|case| descope_api::operation(case.operation)) {
        assert!(text.contains(operation.function), "{} is not logged", operation.function);
    }
    assert!(text.contains("descope: answered") && text.contains("status=503"), "{}", &text[..text.len().min(2000)]);
    let refresh = refresh_of(&bob);
    let reference = pending.state().pending_ref().expose();
    let own = [bob.session_jwt().expose(), refresh.expose(), reference, world.emulator.management_key(), "Bearer "];
    assert_silent(&text, IN_TABLES);
    assert_silent(&text, &own);
    assert_silent(&text, &[ADA, BOB, "ada%40", PHONE]);
}
