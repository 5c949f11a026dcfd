//! What happens when calls fail, and what the journal says of it.

use std::fs;

use descope_emulator::Fault;
use descope_sdk::{LoginId, management::user::UserBatchCreateEntry};
use serde_json::json;

use crate::support::{World, write_people};

const CREATE: &str = "managementUserBatchCreate";
const DELETE: &str = "managementUserBatchDelete";
const SEARCH: &str = "managementUserSearch";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_looked_up_and_nobody_is_created_twice() {
    let html = || Fault::body(200, "text/html", "<html>login</html>");
    // Chunks that were carried out, that were not, and that have to wait.
    for fault in [
        Fault::status(503),
        Fault::status(503).after_handling(),
        Fault::status(502).after_handling(),
        Fault::status(500),
        Fault::error(500, "E100000", "failed").after_handling(),
        Fault::close(),
        Fault::close().after_handling(),
        html(),
        html().after_handling(),
        Fault::body(200, "application/json", "{}").after_handling(),
        Fault::body(200, "application/json", "{\"createdUsers\": [{\"loginIds\": [\"user1@example.com\"]}]}")
            .after_handling(),
        Fault::rate_limit(0),
    ] {
        let world = World::new().await;
        write_people(&world.path("users.csv"), 60);
        world.emulator.fail_next(CREATE, fault.clone());
        world.emulator.fail_next(CREATE, fault.clone());
        world.emulator.fail_next(SEARCH, Fault::status(502));
        let arguments = ["apply", "--from", "csv", "users.csv", "--journal", "journal", "--chunk", "20"];
        let said = world.run(&[&arguments[..], &["--report", "report.json"]].concat()).await;
        assert_eq!(said.code, 0, "{fault:?}: {said:?}");
        assert_eq!(world.json("report.json")["verdicts"], json!({"created": 60}), "{fault:?}");
        assert_eq!(world.count().await, 60, "{fault:?}");
        let journal = world.read("journal");
        assert_eq!((journal.matches("\"intent\"").count(), journal.matches("\"outcome\"").count()), (3, 3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_refused_is_a_failure_and_the_others_are_not() {
    let world = World::new().await;
    let taken = UserBatchCreateEntry::new("taken@example.com");
    world.descope.management().users().create_batch([taken]).send().await.unwrap();
    // The service refuses what the project has no room for: an attribute of another type.
    world.file(
        "users.csv",
        "login_id,custom.seat\none@example.com,\ntwo@example.com,window\ntaken@example.com,\nthree@example.com,\n",
    );
    let arguments = ["apply", "--from", "csv", "users.csv", "--journal", "journal", "--report", "report.json"];
    let said = world.run(&[&arguments[..], &["--failures", "failures.csv"]].concat()).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(world.json("report.json")["verdicts"], json!({"created": 2, "exists": 1, "refused": 1}));
    let failures = world.read("failures.csv");
    assert!(failures.contains("2,3,two@example.com,refused,,\"management_user_batch_create: refused: "), "{failures}");
    assert_eq!(world.count().await, 3);

    // Going on sends nobody again, and tells the same.
    let creations = world.calls(CREATE);
    let resume = ["resume", "--journal", "journal", "--report", "report.json", "--failures", "failures.csv"];
    let said = world.run(&resume).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(world.json("report.json")["verdicts"], json!({"created": 2, "exists": 1, "refused": 1}));
    assert_eq!(world.calls(CREATE), creations);
    assert!(world.read("failures.csv").contains("two@example.com,refused"));

    // With what was wrong put right, those who have failed are sent once more.
    world.descope.management().users().delete(LoginId::new("taken@example.com")).send().await.unwrap();
    let said = world.run(&[&resume[..], &["--retry-failed"]].concat()).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(world.json("report.json")["verdicts"], json!({"created": 3, "refused": 1}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_refused_because_of_one_user_is_split() {
    let world = World::new().await;
    write_people(&world.path("users.csv"), 40);
    let bad =
        Fault::error(400, "E011001", "This user cannot be").login_id("user13@example.com").operation(CREATE).always();
    world.emulator.add_fault(bad).unwrap();
    let arguments = ["apply", "--from", "csv", "users.csv", "--journal", "journal", "--report", "report.json"];
    let said = world.run(&[&arguments[..], &["--failures", "failures.csv"]].concat()).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(world.json("report.json")["verdicts"], json!({"created": 39, "refused": 1}));
    assert!(world.read("failures.csv").contains("14,15,user13@example.com,refused"));
    assert_eq!(world.count().await, 39);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_stays_away_stops_the_run_and_resume_goes_on() {
    let world = World::new().await;
    write_people(&world.path("users.csv"), 60);
    // Not authorised any more after the first chunk.
    world.emulator.fail_next(CREATE, Fault::delay(std::time::Duration::ZERO));
    world.emulator.add_fault(Fault::error(401, "E011003", "Wrong key").operation(CREATE).times(5)).unwrap();
    let arguments =
        ["apply", "--from", "csv", "users.csv", "--journal", "journal", "--chunk", "20", "--concurrency", "1"];
    let said = world.run(&[&arguments[..], &["--report", "report.json"]].concat()).await;
    assert!(said.code == 3 && said.stdout.contains("not complete"), "{said:?}");
    assert_eq!(world.json("report.json")["complete"], json!(false));
    assert_eq!(world.count().await, 20);
    let faults = world.emulator.faults();
    assert_eq!(faults.len(), 1);
    world.emulator.withdraw_fault(faults[0].id);
    let said = world.run(&["resume", "--journal", "journal", "--report", "report.json"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let report = world.json("report.json");
    assert_eq!((&report["verdicts"], &report["createdBefore"]), (&json!({"created": 60}), &json!(20)));
    assert_eq!(world.count().await, 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn journals_are_used_for_what_they_are_of_alone() {
    let world = World::new().await;
    write_people(&world.path("users.csv"), 10);
    let apply = ["apply", "--from", "csv", "users.csv", "--journal", "journal"];
    assert_eq!(world.run(&apply).await.code, 0);
    let said = world.run(&apply).await;
    assert!(said.code == 3 && said.stderr.contains("exists already"), "{said:?}");

    let other = World::new().await;
    fs::copy(world.path("journal"), other.path("journal")).unwrap();
    for command in [&["resume"][..], &["resume", "--retry-failed"], &["verify"], &["undo", "--yes"]] {
        let said = other.run(&[command, &["--journal", "journal"]].concat()).await;
        assert!(said.code == 3 && said.stderr.contains("the environment leads elsewhere"), "{said:?}");
        assert_eq!(other.read("journal"), world.read("journal"), "{command:?} has added to it");
    }

    let journal = world.read("journal");
    world.file("journal", &journal.replace("\"outcome\"", "\"outcame\""));
    let said = world.run(&["resume", "--journal", "journal"]).await;
    assert!(said.code == 3 && said.stderr.contains("journal, line 3: is not a line of a journal"), "{said:?}");
    // Cut short, the last line was never told to anybody.
    world.file("journal", &journal[..journal.len() - 10]);
    let creations = world.calls(CREATE);
    let said = world.run(&["resume", "--journal", "journal"]).await;
    assert!(said.code == 0 && said.stdout.contains("10 created"), "{said:?}");
    assert_eq!((world.calls(CREATE), world.count().await), (creations, 10));

    let held = fs::OpenOptions::new().append(true).open(world.path("journal")).unwrap();
    held.try_lock().unwrap();
    let said = world.run(&["resume", "--journal", "journal"]).await;
    assert!(said.code == 3 && said.stderr.contains("is in use by another process"), "{said:?}");
    drop(held);
    fs::write(world.path("users.csv"), "login_id\nsomebody\n").unwrap();
    let said = world.run(&["resume", "--journal", "journal"]).await;
    assert!(said.code == 3 && said.stderr.contains("users.csv: has changed since the journal was begun"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undo_deletes_what_the_journal_created_and_nobody_else() {
    let world = World::new().await;
    let others = (0..3).map(|n| UserBatchCreateEntry::new(format!("user{n}@example.com")));
    world.descope.management().users().create_batch(others).send().await.unwrap();
    write_people(&world.path("users.csv"), 100);
    let said = world.run(&["apply", "--from", "csv", "users.csv", "--journal", "journal", "--chunk", "10"]).await;
    assert!(said.code == 1 && said.stdout.contains("3 exists, 97 created"), "{said:?}");

    let said = world.run(&["undo", "--journal", "journal"]).await;
    assert!(said.code == 3 && said.stderr.contains("--yes"), "nobody can be asked: {said:?}");
    assert_eq!(world.count().await, 100);

    // Killed in the middle, with a chunk whose answer nobody has heard.
    for _ in 0..4 {
        world.emulator.fail_next(DELETE, Fault::delay(std::time::Duration::ZERO));
    }
    world.emulator.fail_next(DELETE, Fault::hang().after_handling());
    let mut child = world.command(&["undo", "--journal", "journal", "--yes"]).spawn().unwrap();
    while world.calls(DELETE) < 5 {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        tokio::task::yield_now().await;
    }
    child.kill().unwrap();
    crate::support::end(child).await;
    let left = world.count().await;
    assert!(left > 3 && left < 100, "{left}");
    let said = world.run(&["resume", "--journal", "journal"]).await;
    assert!(said.code == 3 && said.stderr.contains("was undone"), "{said:?}");

    let said = world.run(&["undo", "--journal", "journal", "--yes"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(world.count().await, 3);
    let said = world.run(&["undo", "--journal", "journal", "--yes"]).await;
    assert_eq!((said.code, world.count().await), (0, 3), "{said:?}");
}

/// Ends `apply` while its only chunk is carried out and the answer has not come.
async fn kill_with_an_answer_on_its_way(world: &World) {
    world.emulator.fail_next(CREATE, Fault::hang().after_handling());
    let mut child = world.command(&["apply", "--from", "csv", "users.csv", "--journal", "journal"]).spawn().unwrap();
    while world.calls(CREATE) < 1 {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        tokio::task::yield_now().await;
    }
    child.kill().unwrap();
    crate::support::end(child).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_created_by_a_killed_run_is_known_even_if_the_row_could_not_be_applied_any_more() {
    let world = World::new().await;
    write_people(&world.path("users.csv"), 30);
    kill_with_an_answer_on_its_way(&world).await;
    assert_eq!(world.count().await, 30);
    // A third of the rows name a role that is gone by now.
    world.descope.management().roles().delete("Editor").send().await.unwrap();
    for _ in 0..2 {
        let said = world.run(&["resume", "--journal", "journal", "--report", "report.json"]).await;
        assert_eq!(
            said.code,
            i32::from(world.json("report.json")["verdicts"]["missing_role"] != json!(null)),
            "{said:?}"
        );
        assert_eq!(world.json("report.json")["verdicts"]["created"], json!(30), "{said:?}");
        assert_eq!((world.calls(CREATE), world.count().await), (1, 30));
    }
    let said = world.run(&["undo", "--journal", "journal", "--yes"]).await;
    assert_eq!((said.code, world.count().await), (0, 0), "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undo_knows_those_too_whose_creation_nobody_has_heard_of() {
    let world = World::new().await;
    write_people(&world.path("users.csv"), 30);
    kill_with_an_answer_on_its_way(&world).await;
    assert_eq!(world.count().await, 30);
    let said = world.run(&["undo", "--journal", "journal", "--yes"]).await;
    assert!(said.code == 0 && said.stdout.contains("30 deleted"), "{said:?}");
    assert_eq!(world.count().await, 0);
}
