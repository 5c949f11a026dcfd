//! Killed at any moment, nobody is lost and nobody is created twice. The large form of this is `examples/proof.rs`.

use std::collections::HashSet;

use descope_emulator::Fault;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

use crate::support::{PASSWORD, World, end, people, write_people_of};

const USERS: usize = 2_000;
const CREATE: &str = "managementUserBatchCreate";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_it_creates_each_user_once() {
    let world = World::new().await;
    write_people_of(&people::all_kinds(PASSWORD), &world.path("users.csv"), USERS);
    world.file("config.txt", &people::hash_config());
    let mut random = StdRng::seed_from_u64(2_026);
    // Of a hundred calls, some fail before they are carried out and some after it.
    let faults = [Fault::status(503), Fault::close().after_handling(), Fault::status(500).after_handling()];
    for fault in faults {
        world.emulator.add_fault(fault.operation(CREATE).probability(0.03).always()).unwrap();
    }
    let begin = ["apply", "--from", "csv", "users.csv", "--hash-config", "config.txt", "--journal", "journal"];
    let go_on = ["resume", "--journal", "journal"];
    // So that the calls can be made: the limits are those of the service's, a hundred times.
    let how = ["--chunk", "20", "--concurrency", "3", "--limit-factor", "100"];
    let mut killed = 0;
    while killed < 3 {
        let calls = world.calls(CREATE) + random.random_range(3..15);
        let first: &[&str] = if killed == 0 { &begin } else { &go_on };
        let mut child = world.command(&[first, &how].concat()).spawn().unwrap();
        while world.calls(CREATE) < calls && child.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        // Not always at the same moment of a call.
        for _ in 0..random.random_range(0..2_000) {
            tokio::task::yield_now().await;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        child.kill().unwrap();
        end(child).await;
        killed += 1;
    }
    let said = end(world.command(&[&go_on[..], &how, &["--report", "report.json"]].concat()).spawn().unwrap()).await;
    assert_eq!(said.code, 0, "{said:?}");
    let report = world.json("report.json");
    assert_eq!((&report["rows"], &report["verdicts"]), (&json!(USERS), &json!({"created": USERS})));
    assert_eq!(world.count().await, USERS as u64);

    // Each is in the journal with one id, and that is the id of the user.
    let mut ids = HashSet::new();
    let mut names = HashSet::new();
    for line in world.read("journal").lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        for created in line["outcome"]["created"].as_array().into_iter().flatten() {
            assert!(names.insert(created[1].as_str().unwrap().to_owned()), "{created} is created twice");
            ids.insert(created[2].as_str().unwrap().to_owned());
        }
    }
    assert_eq!((names.len(), ids.len()), (USERS, USERS));
    let mut users = world.descope.management().users().search().stream();
    while let Some(user) = users.next().await {
        assert!(ids.remove(user.unwrap().user_id.as_deref().unwrap()));
    }
    assert_eq!(ids.len(), 0);

    let verified = world.run(&["verify", "--journal", "journal", "--limit-factor", "100"]).await;
    assert!(verified.code == 0 && verified.stdout.contains("2000 ok"), "{verified:?}");
    assert!(world.signs_in("user1999@example.com", PASSWORD).await);
    // Of more users than the file is long, only those in the file are looked up.
    let source = ["--from", "csv", "users.csv", "--hash-config", "config.txt", "--limit-factor", "100"];
    let planned = world.run(&[&["plan"], &source[..]].concat()).await;
    assert!(planned.code == 1 && planned.stdout.contains("2000 exists"), "{planned:?}");
    let undone = world.run(&["undo", "--journal", "journal", "--yes", "--limit-factor", "100"]).await;
    assert!(undone.code == 0 && undone.stdout.contains("2000 deleted"), "{undone:?}");
    assert_eq!(world.count().await, 0);
}
