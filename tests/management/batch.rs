//! Many users at once, against the emulator: some of them can be created and others cannot.

use descope_emulator::Fault;
use descope_sdk::{
    ErrorKind, LoginId, UserId,
    management::user::{ImportedPassword, ImportedPasswordHash, UserBatchCreateEntry, UserPatchRequest},
};

use crate::world::{ADA, World, refused};

fn named(n: usize) -> String {
    format!("user{n}@example.com")
}

fn entry(n: usize) -> UserBatchCreateEntry {
    UserBatchCreateEntry::new(named(n)).name(format!("User {n}"))
}

#[tokio::test]
async fn users_are_created_in_calls_of_the_wanted_size() {
    let world = World::start().await;
    let users = world.descope.management().users();
    let mut batch = users.create_many((0..25).map(entry), |call| call).chunk_size(10).concurrency(2);
    let mut numbers = Vec::new();
    while let Some(item) = batch.next().await {
        assert_eq!(item.result.unwrap().login_ids, [named(item.number)]);
        numbers.push(item.number);
    }
    assert_eq!(numbers, (0..25).collect::<Vec<_>>());
    assert_eq!(world.calls("managementUserBatchCreate"), 3);
    let loaded = users.load(LoginId::new(named(24))).send().await.unwrap();
    assert_eq!(loaded.name.as_deref(), Some("User 24"));
}

#[tokio::test]
async fn one_who_cannot_be_created_is_a_failure_though_the_service_answers_200() {
    let world = World::start().await;
    world.user(ADA, "enabled").await;
    let users = world.descope.management().users();
    let entries = [entry(0), UserBatchCreateEntry::new(ADA), entry(1), entry(2).email("nonsense"), entry(0)];
    let failures = users.create_many(entries, |call| call).failures().await;
    let found: Vec<_> = failures.iter().map(|item| (item.number, item.input.login_id.clone())).collect();
    assert_eq!(found, [(1, ADA.to_owned()), (3, named(2)), (4, named(0))]);
    for item in failures {
        assert!(!item.is_unsettled(), "refused, so it was not done");
        let error = item.result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Api);
        assert!(error.message().is_some_and(|message| !message.is_empty()), "{error:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_sends_nothing_again_and_is_told_as_unsettled() {
    let world = World::start().await;
    let users = world.descope.management().users();
    world.emulator.fail_next("managementUserBatchCreate", Fault::close().after_handling());
    let mut batch = users.create_many((0..4).map(entry), |call| call).chunk_size(2).concurrency(1);
    for n in 0..4 {
        let item = batch.next().await.unwrap();
        assert_eq!((item.number, item.is_unsettled(), item.result.is_ok()), (n, n < 2, n >= 2));
    }
    assert_eq!(world.calls("managementUserBatchCreate"), 2, "each chunk once");
    // Looking shows that they are there, so nobody is lost and nobody comes twice.
    users.load(LoginId::new(named(1))).send().await.unwrap();
    let failures = users.create_many((0..6).map(entry), |call| call).start_at(4).failures().await;
    assert_eq!(failures.len(), 0);
    assert_eq!(world.calls("managementUserBatchCreate"), 3);
}

#[tokio::test]
async fn what_all_of_them_get_is_said_once() {
    let world = World::start().await;
    let users = world.descope.management().users();
    let invited = |call: descope_sdk::management::user::CreateBatch| {
        call.invite(true).invite_url("https://app.example.com/welcome").send_mail(true)
    };
    assert_eq!(users.create_many((0..3).map(entry), invited).chunk_size(2).failures().await.len(), 0);
    for n in 0..3 {
        let mail = world.mail(&named(n)).await;
        assert!(mail.links[0].url.starts_with("https://app.example.com/welcome"), "{mail:?}");
    }
}

#[tokio::test]
async fn a_hash_of_another_system_comes_with_the_user() {
    let world = World::start().await;
    let users = world.descope.management().users();
    let hash = ImportedPassword::new()
        .bcrypt(ImportedPasswordHash::new("$2b$10$abcdefghijklmnopqrstuu0123456789ABCDEFGHIJKLMNOPQRSTS"));
    let entries = [entry(0).hashed_password(hash).created_time(1_700_000_000), entry(1)];
    assert_eq!(users.create_many(entries, |call| call).failures().await.len(), 0);
    let (with, without) =
        (users.load(LoginId::new(named(0))).send().await, users.load(LoginId::new(named(1))).send().await);
    let (with, without) = (with.unwrap(), without.unwrap());
    assert_eq!((with.password, with.created_time), (Some(true), Some(1_700_000_000)));
    assert_eq!(without.password, Some(false));
}

#[tokio::test]
async fn many_are_loaded_and_deleted_by_their_ids() {
    let world = World::start().await;
    let users = world.descope.management().users();
    let mut batch = users.create_many((0..5).map(entry), |call| call);
    let mut ids = Vec::new();
    while let Some(item) = batch.next().await {
        ids.push(UserId::new(item.result.unwrap().user_id.unwrap()));
    }
    assert_eq!(users.load_batch(&ids).send().await.unwrap().len(), 5);
    assert_eq!(users.delete_many(ids.clone(), |call| call).chunk_size(2).failures().await.len(), 0);
    assert_eq!(world.calls("managementUserBatchDelete"), 3);
    refused(users.load_batch(&ids).send().await, ErrorKind::NotFound, 404, "E112102");
    assert_eq!(users.load_batch(&ids).include_invalid_users(true).send().await.unwrap().len(), 0);
}

#[tokio::test]
async fn an_operation_that_is_not_emulated_fails_every_item() {
    let world = World::start().await;
    world.emulator.fail_next("managementUserBatchPatch", Fault::error(501, "E990501", "not emulated"));
    let patches = (0..3).map(|n| UserPatchRequest::new(named(n)).name("X"));
    let failures = world.descope.management().users().patch_many(patches, |call| call).failures().await;
    assert_eq!(failures.len(), 3);
    assert!(failures.iter().all(|item| item.result.as_ref().is_err_and(|it| it.kind() == ErrorKind::Unsupported)));
}
