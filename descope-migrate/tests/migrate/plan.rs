//! Verdicts, and that they are all that a plan leaves behind.

use std::fs;

use descope_sdk::management::user::UserBatchCreateEntry;
use serde_json::json;

use crate::support::{World, write_people};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_row_has_a_verdict_and_nothing_is_changed() {
    let world = World::new().await;
    let there = UserBatchCreateEntry::new("there@example.com").additional_identifiers(["+15559999999"]);
    world.descope.management().users().create_batch([there]).send().await.unwrap();
    world.file(
        "users.csv",
        "login_id,email,phone,roles,tenants,custom.plan,custom.shoe,password_scheme,password_hash,status\n\
         ada,ada@example.com,,,,,,,,\n\
         Bob@Example.com,,,,,,,,,\n\
         bob@example.com ,,,,,,,,,\n\
         THERE@example.com,,,,,,,,,\n\
         +1 (555) 999-9999,,,,,,,,,\n\
         cleo,nonsense,,,,,,,,\n\
         dora,,555,,,,,,,\n\
         ,,,,,,,,,\n\
         eve,,,Nobody,,,,,,\n\
         fay,,,,T2,,,,,\n\
         gus,,,,T1:Nobody,,,,,\n\
         hal,,,,,,44,,,\n\
         ian,,,,,,,scrypt,abc,\n\
         jay,,,,,,,bcrypt,abc,\n\
         kim,,,,,,,,,asleep\n\
         leo,too,few\n\
         =1+1,,,Nobody,,,,,,\n\
         mia,,,Editor,T1:Editor,free,,,,disabled\n",
    );
    let before = world.emulator.requests().len();
    let further = ["--report", "report.json", "--failures", "failures.csv", "--verdicts", "verdicts.csv"];
    let said = world.run(&[&["plan", "--from", "csv", "users.csv"], &further[..]].concat()).await;
    assert_eq!(said.code, 1, "{said:?}");
    let verdicts = world.read("verdicts.csv");
    let verdicts: Vec<_> = verdicts.lines().skip(1).map(|line| line.split(',').nth(3).unwrap()).collect();
    let expected = [
        "ok",
        "ok",
        "duplicate",
        "exists",
        "exists",
        "invalid_address",
        "invalid_address",
        "no_login_id",
        "missing_role",
        "missing_tenant",
        "missing_role",
        "missing_attribute",
        "unsupported_hash",
        "malformed_hash",
        "malformed",
        "malformed",
        "missing_role",
        "ok",
    ];
    assert_eq!(verdicts, expected);
    let failures = world.read("failures.csv");
    assert!(failures.contains("3,4,bob@example.com,duplicate,login id,record 2 has it too"), "{failures}");
    assert!(failures.contains("\n16,17,,malformed,,has 3 cells where the header has 10"), "{failures}");
    assert!(failures.contains("\n17,18,'=1+1,missing_role"), "formulas are no formulas any more: {failures}");
    assert_eq!(world.json("report.json")["verdicts"]["ok"], json!(3));

    let asked = world.emulator.requests().split_off(before);
    let changed = asked.iter().find(|one| !one.path.contains("search") && one.method != "GET");
    assert!(changed.is_none(), "{changed:?}");
    assert_eq!(world.count().await, 1);
    let mut names: Vec<_> =
        fs::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["failures.csv", "report.json", "users.csv", "verdicts.csv"]);

    let before = world.emulator.requests().len();
    let said = world.run(&["plan", "--offline", "--from", "csv", "users.csv", "--report", "offline.json"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(world.emulator.requests().len(), before, "offline means offline");
    assert_eq!(world.json("offline.json")["verdicts"]["ok"], json!(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_without_a_fault_ends_well() {
    let world = World::new().await;
    write_people(&world.path("users.csv"), 300);
    let said = world.run(&["plan", "--from", "csv", "users.csv"]).await;
    assert!(said.code == 0 && said.stdout == "plan: 300 read, 300 ok\n", "{said:?}");
    let mut command = world.command(&["plan", "--offline", "--from", "csv", "users.csv"]);
    command.env_remove("DESCOPE_PROJECT_ID");
    assert_eq!(crate::support::end(command.spawn().unwrap()).await.code, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_used_is_named_with_its_file_and_line() {
    let world = World::new().await;
    world.file("unknown.csv", "login_id,colour\nada,red\n");
    world.file("twice.csv", "login_id,login_id\nada,ada\n");
    world.file("nameless.csv", "name\nAda\n");
    world.file("empty.csv", "");
    world.file("open.csv", &format!("login_id,name\nada,\"{}\n", "x".repeat(3 << 20)));
    world.file("cut.json", r#"{"users": [{"localId": "a", "email": "a@example.com"}, {"#);
    world.file("other.json", r#"{"people": []}"#);
    world.file("list.json", "[]");
    world.file("config.txt", "hash_config {\n  algorithm: SCRYPT,\n  signing: c2VjcmV0,\n}\n");
    for (arguments, expected) in [
        (&["csv", "unknown.csv"][..], r#"unknown.csv, line 1: the column "colour" is not known"#),
        (&["csv", "twice.csv"], r#"twice.csv, line 1: the header has the column "login_id" twice"#),
        (&["csv", "nameless.csv"], "nameless.csv, line 1: the header has neither login_id nor email nor phone"),
        (&["csv", "empty.csv"], "empty.csv, line 1: there is no header"),
        (&["csv", "open.csv"], "a record is longer than 1048576 bytes"),
        (&["csv", "missing.csv"], "missing.csv: No such file"),
        (&["csv", "unknown.csv", "--map", "color=colour"], r#"--map: there is no member "color""#),
        (&["csv", "unknown.csv", "--map", "name=Name"], r#"the header has no column "Name""#),
        (&["csv"], "--from: this source is a file"),
        (&["descope"], "DESCOPE_SOURCE_PROJECT_ID is not set"),
        (&["firebase", "cut.json"], "cut.json, line 1: the document ends too early"),
        (&["firebase", "other.json"], "other.json, line 1: the document has no member users"),
        (&["firebase", "list.json"], "list.json, line 1: invalid type: sequence, expected an object"),
        (
            &["firebase", "list.json", "--hash-config", "config.txt"],
            "config.txt, line 3, signing: is not one of algorithm",
        ),
        (
            &["firebase", "list.json", "--rounds", "99", "--mem-cost", "1", "--signer-key", "AAAA"],
            "rounds are from 1 to 8",
        ),
    ] {
        let said = world.run(&[&["plan", "--offline", "--from"], arguments].concat()).await;
        assert!(said.code == 3 && said.stderr.contains(expected), "{arguments:?}: {said:?}");
        assert!(!said.stderr.contains("c2VjcmV0"), "{said:?}");
    }
    let said = world.run(&["plan", "--from", "nowhere"]).await;
    assert_eq!(said.code, 2);
    let mut command = world.command(&["plan", "--from", "csv", "unknown.csv"]);
    command.env("DESCOPE_MANAGEMENT_KEY", "K2-of-somebody-else");
    let said = crate::support::end(command.spawn().unwrap()).await;
    assert!(said.code == 3 && !said.stderr.contains("somebody"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_in_one_record_leaves_the_others_alone() {
    let world = World::new().await;
    let good = |n: usize| format!("{{\"user_id\": \"auth0|{n}\", \"email\": \"u{n}@example.com\"}}\n");
    let long = format!("{{\"email\": \"{}\"}}\n", "x".repeat(3 << 20));
    let text = [
        good(1),
        "\n".to_owned(),
        "{\"email\"\n".to_owned(),
        good(2),
        "[]\n".to_owned(),
        long,
        good(3),
        "{\"email\": 5}\n".to_owned(),
        "{\"email\": \"x@y.z\", \"created_at\": \"yesterday\"}\n".to_owned(),
        good(4),
    ];
    world.file("users.ndjson", &text.concat());
    let further = ["--verdicts", "verdicts.csv"];
    let said = world.run(&[&["plan", "--offline", "--from", "auth0", "users.ndjson"], &further[..]].concat()).await;
    assert_eq!(said.code, 1, "{said:?}");
    let verdicts = world.read("verdicts.csv");
    let lines: Vec<_> = verdicts.lines().skip(1).collect();
    assert_eq!(lines[0], "1,1,u1@example.com,ok,,the password stays behind: the user needs a new one");
    assert!(lines[1].starts_with("2,3,,malformed,,is not JSON"), "{}", lines[1]);
    assert_eq!(lines[2], "3,4,u2@example.com,ok,,the password stays behind: the user needs a new one");
    assert!(lines[3].starts_with("4,5,,malformed,,is not a JSON object"), "{}", lines[3]);
    assert!(lines[4].starts_with("5,6,,malformed,,is longer"), "{}", lines[4]);
    assert_eq!(lines[5], "6,7,u3@example.com,ok,,the password stays behind: the user needs a new one");
    assert!(lines[6].starts_with("7,8,,malformed,email,is not a text"), "{}", lines[6]);
    assert!(lines[7].starts_with("8,9,x@y.z,malformed,created_at"), "{}", lines[7]);
    assert_eq!(lines[8], "9,10,u4@example.com,ok,,the password stays behind: the user needs a new one");
}
