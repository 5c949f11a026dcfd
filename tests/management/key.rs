//! The management key can change while the application runs.

use std::fs;

use descope_sdk::{Descope, ErrorKind, LoginId, ManagementKey};

use crate::world::{ADA, World, refused, refused_here};

#[tokio::test]
async fn a_key_file_that_is_replaced_counts_from_the_next_call_on() {
    let world = World::start().await;
    world.user(ADA, "enabled").await;
    let path = std::env::temp_dir().join(format!("descope-rotated-{}", std::process::id()));
    let replace = |key: &str| {
        let beside = path.with_extension("new");
        fs::write(&beside, key).unwrap();
        fs::rename(&beside, &path).unwrap();
    };
    replace(&format!("{}\n", world.emulator.management_key()));
    let builder = Descope::builder(world.emulator.project_id()).base_url(world.emulator.base_url());
    let descope = builder.management_key(ManagementKey::file(&path)).build().unwrap();
    let load = async || descope.management().users().load(LoginId::new(ADA)).send().await;
    load().await.unwrap();
    replace("K2wrong");
    refused(load().await, ErrorKind::Unauthorized, 401, "E111119");
    replace(world.emulator.management_key());
    load().await.unwrap();
    let before = world.operations().len();
    fs::remove_file(&path).unwrap();
    refused_here(load().await, ErrorKind::Configuration, "management_key");
    assert_eq!(world.operations().len(), before, "nothing was sent");

    // What signs users in needs no management key.
    descope.otp().email(ADA).sign_in().send().await.unwrap();
    // The raw client is given it by hand.
    let api = descope.api().with_management_key(world.emulator.management_key());
    api.management_user_load(None, Some(ADA), None).await.unwrap();
}

#[tokio::test]
async fn a_function_gives_the_key_for_each_call() {
    let world = World::start().await;
    world.user(ADA, "enabled").await;
    let (right, builder) = (world.emulator.management_key().to_owned(), Descope::builder(world.emulator.project_id()));
    let builder = builder.base_url(world.emulator.base_url());
    let descope = builder.management_key(ManagementKey::from_fn(move || Ok(right.as_str().into()))).build().unwrap();
    descope.management().users().load(LoginId::new(ADA)).send().await.unwrap();
    assert!(!format!("{descope:?}").contains(world.emulator.management_key()));
}
