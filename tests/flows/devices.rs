//! Devices that the service knows again, and those that users trust.

use descope_emulator::Emulator;
use descope_sdk::{Authentication, Descope, DeviceTokens, LoginId};

use crate::world::{ADA, World, refresh_of};

async fn world() -> World {
    let emulator = Emulator::builder().device_tokens().start().await.expect("the emulator starts");
    let descope = emulator.descope().expect("a client");
    World { emulator, descope }
}

/// Signs in by email, and with a session as a further factor.
async fn sign_in(world: &World, descope: &Descope, first: Option<&Authentication>) -> Authentication {
    let sign_in = descope.otp().email(ADA).sign_up_or_in();
    let sign_in = match first {
        Some(first) => sign_in.mfa(refresh_of(first)),
        None => sign_in,
    };
    let pending = sign_in.send().await.expect("a code is sent");
    pending.verify(world.code(ADA).await).await.expect("the code is right")
}

#[tokio::test]
async fn a_device_is_known_after_its_first_sign_in_and_trusted_after_a_further_factor() {
    let world = world().await;
    let first = sign_in(&world, &world.descope, None).await;
    let device = DeviceTokens::of(&first);
    assert!(device.known().is_some() && device.trusted().is_none());

    let here = world.descope.with_device(&device).unwrap();
    let second = sign_in(&world, &here, Some(&first)).await;
    assert!(second.known_device_jwt().is_none(), "the device is known");
    let device = device.renewed_by(&second);
    assert!(device.trusted().is_some());

    // From then on nothing is new about the device; another one is nobody's.
    let here = world.descope.with_device(&device).unwrap();
    let third = sign_in(&world, &here, Some(&second)).await;
    assert_eq!(DeviceTokens::of(&third), DeviceTokens::new());
    let elsewhere = sign_in(&world, &world.descope, None).await;
    assert!(elsewhere.known_device_jwt().is_some());
}

#[tokio::test]
async fn the_back_end_lists_trusted_devices_and_takes_the_trust_away() {
    let world = world().await;
    let first = sign_in(&world, &world.descope, None).await;
    let second = sign_in(&world, &world.descope, Some(&first)).await;
    let device = DeviceTokens::of(&second);
    let users = world.descope.management().users();
    let list = async || users.load_trusted_devices([LoginId::new(ADA)]).send().await.unwrap();
    let trusted = list().await;
    assert_eq!(trusted.len(), 1);
    assert_eq!(trusted[0].user_id, second.user().unwrap().user_id);
    let seen = trusted[0].last_login_time.unwrap();
    assert_eq!(trusted[0].expiration_time.unwrap() - seen, 30 * 24 * 3600);

    world.wait(60);
    let here = world.descope.with_device(&device).unwrap();
    sign_in(&world, &here, None).await;
    assert!(list().await[0].last_login_time.unwrap() >= seen + 60);

    let id = trusted[0].id.clone().unwrap();
    users.remove_trusted_devices(LoginId::new(ADA), [id.as_str()]).send().await.unwrap();
    assert!(list().await.is_empty());
    users.remove_trusted_devices(LoginId::new(ADA), [id.as_str()]).send().await.unwrap_err();
    let again = sign_in(&world, &here, Some(&second)).await;
    assert!(again.trusted_device_jwt().is_some(), "a token without its trust is none");
}

#[tokio::test]
async fn trust_ends_by_itself_and_is_one_users_only() {
    let world = world().await;
    let first = sign_in(&world, &world.descope, None).await;
    let second = sign_in(&world, &world.descope, Some(&first)).await;
    let here = world.descope.with_device(&DeviceTokens::of(&first).renewed_by(&second)).unwrap();
    let pending = here.otp().email("bob@example.com").sign_up().send().await.unwrap();
    let bob = pending.verify(world.code("bob@example.com").await).await.unwrap();
    assert!(bob.known_device_jwt().is_some());
    world.wait(30 * 24 * 3600);
    let users = world.descope.management().users();
    assert!(users.load_trusted_devices([LoginId::new(ADA)]).send().await.unwrap().is_empty());
    assert!(sign_in(&world, &here, None).await.known_device_jwt().is_some());
}
