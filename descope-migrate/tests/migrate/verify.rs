//! The project is compared with the source.

use descope_sdk::LoginId;
use serde_json::json;

use crate::support::{PASSWORD, World, write_people};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planted_difference_is_found_and_passwords_sign_in() {
    let world = World::new().await;
    write_people(&world.path("users.csv"), 150);
    let apply = ["apply", "--from", "csv", "users.csv", "--journal", "journal"];
    assert_eq!(world.run(&apply).await.code, 0);
    world.file(
        "passwords.csv",
        &format!("login_id,password\nUser1@Example.com,{PASSWORD}\nuser2@example.com,{PASSWORD}\n"),
    );
    let verify = ["verify", "--journal", "journal", "--report", "report.json", "--failures", "failures.csv"];
    let said = world.run(&[&verify[..], &["--passwords", "passwords.csv"]].concat()).await;
    assert_eq!(said.code, 0, "{said:?}");
    let report = world.json("report.json");
    assert_eq!((&report["verdicts"], &report["signedIn"]), (&json!({"ok": 150}), &json!(2)));

    let users = world.descope.management().users();
    let of = |n: usize| LoginId::new(format!("user{n}@example.com"));
    users.update_name(of(3)).name("Somebody").send().await.unwrap();
    users.update_status(of(4), "disabled").send().await.unwrap();
    users.add_roles(of(5), ["Editor"]).send().await.unwrap();
    users.remove_tenant(of(6), "T1").send().await.unwrap();
    users.update_custom_attribute(of(7), "plan").attribute_value("platinum").send().await.unwrap();
    users.patch(of(8)).verified_email(false).send().await.unwrap();
    users.delete(of(9)).send().await.unwrap();
    world.file("passwords.csv", "login_id,password\nuser1@example.com,not the password\n");
    let said = world.run(&[&verify[..], &["--passwords", "passwords.csv"]].concat()).await;
    assert_eq!(said.code, 1, "{said:?}");
    let failures = world.read("failures.csv");
    for (n, found) in [
        (3, "differs,name,"),
        (4, "differs,status,"),
        (5, "differs,roleNames,"),
        (6, "differs,userTenants,"),
        (7, "differs,customAttributes,"),
        (8, "differs,verifiedEmail,"),
        (9, "missing,,"),
        (1, "sign_in_failed,password,"),
    ] {
        assert!(failures.contains(&format!(",user{n}@example.com,{found}")), "{n}: {failures}");
    }
    let report = world.json("report.json");
    assert_eq!(report["verdicts"], json!({"ok": 143, "missing": 1, "differs": 6, "sign_in_failed": 1}));
    assert!(!failures.contains("not the password"));
}
