//! Each source, with each kind of hash: whoever had a password goes on with it.

use descope_sdk::management::user::UserStatus;
use serde_json::{Value, json};

use crate::support::{PASSWORD, World, people, write_people, write_people_of};

type Case<'a> = (&'a [&'a str], Vec<u8>, &'a [u8], bool);

/// Applies a source and gives the report.
async fn apply(world: &World, arguments: &[&str], code: i32) -> Value {
    let further = ["--journal", "journal", "--report", "report.json", "--failures", "failures.csv"];
    let said = world.run(&[&["apply"], arguments, &further].concat()).await;
    assert_eq!(
        said.code,
        code,
        "{said:?}\n{}",
        std::fs::read_to_string(world.path("failures.csv")).unwrap_or_default()
    );
    world.json("report.json")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_csv_file_brings_every_kind_of_hash_and_everything_else() {
    let world = World::new().await;
    let kinds = people::all_kinds(PASSWORD);
    write_people_of(&kinds, &world.path("users.csv"), 200);
    world.file("config.txt", &people::hash_config());
    let options = ["--from", "csv", "users.csv", "--hash-config", "config.txt", "--chunk", "7"];
    let report = apply(&world, &options, 0).await;
    assert_eq!((&report["rows"], &report["verdicts"]), (&json!(200), &json!({"created": 200})));
    for n in 1..=kinds.len() {
        assert!(world.signs_in(&format!("user{n}@example.com"), PASSWORD).await, "kind {}", n % kinds.len());
        assert!(!world.signs_in(&format!("user{n}@example.com"), "another").await);
    }
    let user = world.user("user30@example.com").await;
    assert_eq!(user.email.as_deref(), Some("user30@example.com"));
    assert_eq!((user.verified_email, user.verified_phone), (Some(true), Some(false)));
    assert_eq!((user.phone.as_deref(), user.name.as_deref()), (Some("+15550000030"), Some("User 30")));
    assert_eq!(
        (user.role_names.as_slice(), user.created_time),
        (["Editor".to_owned()].as_slice(), Some(1_700_000_000))
    );
    assert_eq!((&user.custom_attributes["plan"], &user.custom_attributes["seat"]), (&json!("gold"), &json!(30)));
    assert_eq!(user.user_tenants[0].tenant_id.as_deref(), Some("T1"));
    assert_eq!(user.user_tenants[0].role_names, ["Editor"]);
    // What the file does not call verified is not, and whoever was disabled stays so.
    assert_eq!(world.user("user31@example.com").await.verified_email, Some(false));
    let disabled = world.user("user50@example.com").await;
    assert_eq!(disabled.status.as_ref().map(UserStatus::as_str), Some("disabled"));
    assert!(!world.signs_in("user50@example.com", PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_can_be_called_otherwise() {
    let world = World::new().await;
    world.file(
        "users.csv",
        "\u{feff}E-Mail;Bestätigt;Passwort;intern\nada@example.com;yes;pw-hash;x\nbob@example.com;;;y\n"
            .replace("pw-hash", &people::bcrypt(PASSWORD))
            .as_str(),
    );
    let options = ["--from", "csv", "users.csv", "--delimiter", ";", "--map", "email=E-Mail", "--map"];
    let more = ["email_verified=Bestätigt", "--map", "password_hash=Passwort", "--ignore", "intern"];
    apply(&world, &[&options[..], &more].concat(), 0).await;
    assert!(world.signs_in("ada@example.com", PASSWORD).await);
    assert_eq!(world.user("ada@example.com").await.verified_email, Some(true));
    assert_eq!(world.user("bob@example.com").await.verified_email, Some(false));
}

fn auth0(n: usize, more: &Value) -> Value {
    let mut user = json!({
        "user_id": format!("auth0|{n:024}"), "email": format!("A{n}@Example.com"), "email_verified": n.is_multiple_of(2),
        "name": format!("Person {n}"), "given_name": "Per", "created_at": "2024-05-01T12:00:00.000Z",
        "identities": [{"provider": "auth0", "connection": "Users", "user_id": format!("{n:024}"), "isSocial": false}],
    });
    user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    user
}

fn lines(records: &[Value]) -> String {
    records.iter().flat_map(|record| [record.to_string(), "\n".to_owned()]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn auth0_gives_users_and_in_another_file_their_hashes() {
    let world = World::new().await;
    let custom = |hash: Value| json!({"custom_password_hash": hash});
    let salted = people::sha("sha256", PASSWORD, b"pepper");
    let pbkdf2 = people::pbkdf2("sha256", PASSWORD, b"saltsalt", 3);
    let phc = format!(
        "$pbkdf2-sha256$i=3,l=32${}${}",
        people::base64(b"saltsalt").trim_end_matches('='),
        people::base64(&pbkdf2).trim_end_matches('=')
    );
    let users = [
        auth0(
            0,
            &json!({"app_metadata": {"plan": "gold", "roles": ["Editor"], "org": "T1"}, "phone_number": "+1 555 123 4567",
            "phone_verified": true}),
        ),
        auth0(1, &json!({"blocked": true, "user_metadata": {"seat": 4}})),
        auth0(
            2,
            &custom(json!({"algorithm": "sha256", "hash": {"value": people::hex(&salted), "encoding": "hex"},
            "salt": {"value": "pepper", "position": "suffix"}})),
        ),
        auth0(3, &custom(json!({"algorithm": "pbkdf2", "hash": {"value": phc, "encoding": "utf8"}}))),
        auth0(
            4,
            &custom(json!({"algorithm": "argon2",
            "hash": {"value": people::argon2("argon2id", PASSWORD, b"saltsalt"), "encoding": "utf8"}})),
        ),
        auth0(
            5,
            &custom(
                json!({"algorithm": "ldap", "hash": {"value": people::ssha(PASSWORD, b"salt"), "encoding": "utf8"}}),
            ),
        ),
        auth0(
            6,
            &custom(json!({"algorithm": "md5", "hash": {"value": people::base64(&people::md5(PASSWORD.as_bytes())),
            "encoding": "base64"}})),
        ),
        auth0(7, &json!({"password_hash": people::bcrypt(PASSWORD)})),
        auth0(8, &custom(json!({"algorithm": "scrypt", "hash": {"value": "abc"}}))),
        auth0(
            9,
            &custom(json!({"algorithm": "sha1", "hash": {"value": people::hex(&salted[..20]), "encoding": "hex"},
            "salt": {"value": "pepper", "position": "prefix"}})),
        ),
        auth0(10, &json!({"user_id": "google-oauth2|10", "identities": []})),
        auth0(11, &json!({})),
    ];
    world.file("users.ndjson", &lines(&users));
    let hash = |n: usize| json!({"_id": {"$oid": format!("{n:024}")}, "email": "x@y", "passwordHash": people::bcrypt(PASSWORD)});
    world.file(
        "hashes.ndjson",
        &format!(
            "{}not json\n",
            lines(&[hash(1), hash(0), json!({"email": "a10@example.com", "passwordHash": people::bcrypt(PASSWORD)})])
        ),
    );
    let options = ["--from", "auth0", "users.ndjson", "--hashes", "hashes.ndjson", "--roles", "app_metadata.roles"];
    let report =
        apply(&world, &[&options[..], &["--tenants", "app_metadata.org", "--further-login-id", "phone"]].concat(), 1)
            .await;
    let expected = json!({"created": 10, "unsupported_hash": 2, "malformed": 1});
    assert_eq!(
        (&report["verdicts"], &report["withoutPassword"]),
        (&expected, &json!(1)),
        "{}",
        world.read("failures.csv")
    );
    for n in [0, 2, 3, 4, 5, 6, 7, 10] {
        assert!(world.signs_in(&format!("a{n}@example.com"), PASSWORD).await, "user {n}");
    }
    assert!(world.signs_in("+15551234567", PASSWORD).await);
    let zero = world.user("a0@example.com").await;
    assert_eq!((zero.verified_email, zero.verified_phone), (Some(true), Some(true)));
    assert_eq!(zero.role_names, ["Editor"]);
    assert_eq!(zero.user_tenants[0].tenant_id.as_deref(), Some("T1"));
    assert_eq!(Value::Object(zero.custom_attributes), json!({"plan": "gold"}));
    assert_eq!(zero.created_time, Some(1_714_564_800));
    let one = world.user("a1@example.com").await;
    assert_eq!((one.verified_email, one.status.unwrap().as_str()), (Some(false), "disabled"));
    assert_eq!(Value::Object(one.custom_attributes), json!({"seat": 4}));
    let failures = world.read("failures.csv");
    assert!(failures.contains("custom_password_hash.salt.position,a salt before the password"), "{failures}");
    assert!(failures.contains(",4,,malformed,hashes.ndjson,"), "{failures}");
    assert!(!failures.contains(&people::hex(&salted[..20])), "no hash is in a report");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cognito_gives_users_and_no_passwords() {
    let world = World::new().await;
    world.file(
        "users.csv",
        "profile,name,given_name,email,email_verified,phone_number,phone_number_verified,cognito:mfa_enabled,cognito:username,custom:plan\n\
         ,Ada Lovelace,Ada,ada@example.com,TRUE,+15551234567,false,false,ada,gold\n\
         ,,,,,,,false,bob,\n",
    );
    let plan = ["plan", "--from", "cognito", "users.csv", "--verdicts", "verdicts.csv"];
    assert_eq!(world.run(&plan).await.code, 0);
    assert!(
        world
            .read("verdicts.csv")
            .contains("1,2,ada@example.com,ok,,the password stays behind: the user needs a new one")
    );
    let report = apply(&world, &["--from", "cognito", "users.csv"], 0).await;
    assert_eq!((&report["verdicts"], &report["withoutPassword"]), (&json!({"created": 2}), &json!(2)));
    let ada = world.user("ada@example.com").await;
    assert_eq!((ada.verified_email, ada.verified_phone, ada.password), (Some(true), Some(false), Some(false)));
    assert_eq!(
        (ada.phone.as_deref(), Value::Object(ada.custom_attributes)),
        (Some("+15551234567"), json!({"plan": "gold"}))
    );
    assert_eq!(world.user("bob").await.verified_email, Some(false));

    world.file("other.csv", "email,email_verified\nada@example.com,true\n");
    let said = world.run(&["plan", "--offline", "--from", "cognito", "other.csv"]).await;
    assert!(
        said.code == 3 && said.stderr.contains("other.csv, line 1: the header has no column cognito:username"),
        "{said:?}"
    );
}

fn firebase(n: usize, hash: &[u8], salt: &[u8]) -> Value {
    // Firebase writes base64 with the letters that URLs like.
    let url = |bytes: &[u8]| people::base64(bytes).replace('+', "-").replace('/', "_");
    json!({
        "localId": format!("id{n}"), "email": format!("f{n}@example.com"), "emailVerified": n == 0, "displayName": "Fire",
        "passwordHash": url(hash), "salt": url(salt), "createdAt": "1700000000123", "disabled": false, "providerUserInfo": [],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firebase_gives_hashes_of_its_own_scrypt() {
    let world = World::new().await;
    let hash = people::firebase(PASSWORD, b"salt0");
    let mut zero = firebase(0, &hash, b"salt0");
    zero["phoneNumber"] = json!("+15551234567");
    zero["customAttributes"] = json!(r#"{"plan":"gold","admin":true}"#);
    let odd = json!({"localId": "odd", "email": 5});
    let document = json!({"kind": "x", "users": [zero, firebase(1, &people::firebase(PASSWORD, b"other"), b"other"), "nonsense", odd]});
    world.file("users.json", &serde_json::to_string_pretty(&document).unwrap());
    world.file("config.txt", &people::hash_config());
    let options = [
        "--from",
        "firebase",
        "users.json",
        "--hash-config",
        "config.txt",
        "--attribute",
        "plan=customAttributes.plan",
    ];
    let report = apply(&world, &options, 1).await;
    assert_eq!(report["verdicts"], json!({"created": 2, "malformed": 2}));
    assert!(world.signs_in("f0@example.com", PASSWORD).await && world.signs_in("f1@example.com", PASSWORD).await);
    let zero = world.user("f0@example.com").await;
    assert_eq!(
        (zero.verified_email, zero.verified_phone, zero.created_time),
        (Some(true), Some(true), Some(1_700_000_000))
    );
    assert_eq!(Value::Object(zero.custom_attributes), json!({"plan": "gold"}));
    assert_eq!(world.user("f1@example.com").await.verified_email, Some(false));
    let failures = world.read("failures.csv");
    assert!(failures.contains("4,29,,malformed,email,is not a text"), "{failures}");
    // The key of the project stays out of everything that is written.
    for name in ["journal", "failures.csv", "report.json"] {
        assert!(!world.read(name).contains(people::SIGNER_KEY), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firebase_gives_hashes_of_the_systems_before_it() {
    let salt = b"saltsalt";
    // The algorithm and its options, hash, salt, and whether Descope takes it.
    let cases: [Case<'_>; 10] = [
        (&["BCRYPT"], people::bcrypt(PASSWORD).into_bytes(), b"", true),
        (&["PBKDF_SHA1", "--rounds", "4"], people::pbkdf2("sha1", PASSWORD, salt, 4), salt, true),
        (&["PBKDF2_SHA256", "--rounds", "4"], people::pbkdf2("sha256", PASSWORD, salt, 4), salt, true),
        (&["MD5", "--rounds", "0"], people::md5(PASSWORD.as_bytes()), b"", true),
        (&["SHA512", "--rounds", "1"], people::sha("sha512", PASSWORD, salt), salt, true),
        (&["SHA256", "--rounds", "9"], people::sha("sha256", PASSWORD, b""), b"", false),
        (&["SHA1", "--salt-first"], people::sha("sha1", PASSWORD, salt), salt, false),
        (&["HMAC_SHA256"], people::sha("sha256", PASSWORD, b""), b"", false),
        (&["STANDARD_SCRYPT"], people::sha("sha256", PASSWORD, b""), b"", false),
        (&["SCRYPT"], people::firebase(PASSWORD, salt), salt, false),
    ];
    for (options, hash, salt, taken) in cases {
        let world = World::new().await;
        world.file("users.json", &json!({"users": [firebase(0, &hash, salt)]}).to_string());
        let begin = ["--from", "firebase", "users.json", "--hash-algorithm"];
        let report = apply(&world, &[&begin, options].concat(), i32::from(!taken)).await;
        let expected = if taken { json!({"created": 1}) } else { json!({"unsupported_hash": 1}) };
        assert_eq!(report["verdicts"], expected, "{options:?}");
        assert_eq!(world.count().await > 0 && world.signs_in("f0@example.com", PASSWORD).await, taken, "{options:?}");
        if !taken {
            std::fs::remove_file(world.path("journal")).unwrap();
            let report = apply(&world, &[&begin, options, &["--without-unusable-hashes"]].concat(), 0).await;
            assert_eq!((&report["verdicts"], &report["withoutPassword"]), (&json!({"created": 1}), &json!(1)));
            assert_eq!(world.user("f0@example.com").await.password, Some(false));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_project_gives_everything_but_passwords() {
    let (from, to) = (World::new().await, World::new().await);
    write_people(&from.path("users.csv"), 130);
    apply(&from, &["--from", "csv", "users.csv"], 0).await;
    let mut command = to.command(&["apply", "--from", "descope", "--journal", "journal", "--report", "report.json"]);
    command.env("DESCOPE_SOURCE_PROJECT_ID", from.emulator.project_id());
    command.env("DESCOPE_SOURCE_MANAGEMENT_KEY", from.emulator.management_key());
    command.env("DESCOPE_SOURCE_BASE_URL", from.emulator.base_url());
    let said = crate::support::end(command.spawn().unwrap()).await;
    assert_eq!(said.code, 0, "{said:?}");
    let report = to.json("report.json");
    assert_eq!((&report["verdicts"], &report["withoutPassword"]), (&json!({"created": 130}), &json!(130)));
    assert!(said.stdout.contains("130 have a password that stays behind"), "{said:?}");
    let (mut was, mut is) = (from.user("user30@example.com").await, to.user("user30@example.com").await);
    assert_eq!(is.password, Some(false));
    for user in [&mut was, &mut is] {
        (user.user_id, user.modified_time, user.password) = (None, None, None);
    }
    assert_eq!(serde_json::to_value(was).unwrap(), serde_json::to_value(is).unwrap());
}
