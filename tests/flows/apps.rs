//! Authenticator apps and recovery codes.

use descope_sdk::{ErrorKind, Secret, TotpSeed};

use crate::world::{ADA, BOB, World, other_than, refresh_of, refused, refused_here};

impl World {
    fn totp_code(&self, seed: &TotpSeed) -> String {
        self.emulator.totp_code(seed.key().expose()).expect("a seed")
    }
}

#[tokio::test]
async fn an_app_signs_up_and_in() {
    let world = World::start().await;
    let totp = world.descope.totp();
    let seed = totp.sign_up(ADA).name("Ada").email(ADA).send().await.unwrap();
    assert!(seed.provisioning_url().expose().starts_with("otpauth://totp/") && !seed.image().is_empty());
    let ada = totp.verify(ADA, world.totp_code(&seed)).custom_claim("a", 1).send().await.unwrap();
    assert_eq!(world.claims(&ada).await.claim("nsec").unwrap()["a"], 1);
    refused(totp.verify(ADA, world.totp_code(&seed)).send().await, ErrorKind::WrongCode, 401, "E061102");
    world.wait(30);
    totp.verify(ADA, world.totp_code(&seed)).send().await.unwrap();
    refused(totp.sign_up(ADA).send().await, ErrorKind::AlreadyExists, 400, "E062107");
}

#[tokio::test]
async fn an_app_is_a_further_factor_and_can_be_changed() {
    let world = World::start().await;
    let (totp, ada) = (world.descope.totp(), world.refresh_jwt(ADA).await);
    let first = totp.update(ADA, &ada).await.unwrap();
    let both = totp.verify(ADA, world.totp_code(&first)).mfa(&ada).send().await.unwrap();
    assert!(world.claims(&both).await.claim("amr").unwrap().as_array().unwrap().iter().any(|one| one == "mfa"));
    let second = totp.update(ADA, refresh_of(&both)).await.unwrap();
    assert_ne!(first, second);
    totp.verify(ADA, world.totp_code(&second)).send().await.unwrap();
    world.wait(60);
    refused(totp.verify(ADA, world.totp_code(&first)).send().await, ErrorKind::WrongCode, 401, "E061102");
}

#[tokio::test]
async fn wrong_codes_end_and_strangers_and_unusable_arguments_are_refused() {
    let world = World::start().await;
    let (totp, ada) = (world.descope.totp(), world.refresh_jwt(ADA).await);
    let seed = totp.update(ADA, &ada).await.unwrap();
    totp.verify(ADA, world.totp_code(&seed)).send().await.unwrap();
    let wrong = other_than(&world.totp_code(&seed));
    let mut last = totp.verify(ADA, wrong).send().await.unwrap_err();
    for _ in 0..20 {
        if last.kind() == ErrorKind::TooManyAttempts {
            break;
        }
        assert_eq!(last.kind(), ErrorKind::WrongCode, "{last:?}");
        last = totp.verify(ADA, wrong).send().await.unwrap_err();
    }
    assert_eq!(last.code().unwrap().as_str(), "E061103");
    refused(totp.verify(BOB, "123456").send().await, ErrorKind::NotFound, 400, "E062108");
    let bob = world.refresh_jwt(BOB).await;
    refused(totp.update(ADA, bob).await, ErrorKind::InvalidArgument, 403, "E011004");
    let before = world.operations().len();
    let kind = ErrorKind::InvalidArgument;
    refused_here(totp.sign_up("").send().await, kind, "login_id");
    refused_here(totp.update(" ", "token").await, kind, "login_id");
    refused_here(totp.update(ADA, "").await, kind, "refresh_jwt");
    refused_here(totp.verify(ADA, "").send().await, kind, "code");
    refused_here(totp.verify("", "123456").send().await, kind, "login_id");
    refused_here(totp.verify(ADA, "123456").mfa("a:b").send().await, kind, "refresh_jwt");
    assert_eq!(world.operations().len(), before);
}

#[tokio::test]
async fn recovery_codes_work_once_each() {
    let world = World::start().await;
    let (codes, ada) = (world.descope.recovery_codes(), world.refresh_jwt(ADA).await);
    let first = codes.generate(ADA, &ada).await.unwrap();
    assert!(first.len() > 1 && first.iter().all(|code| !code.is_empty()));
    let in_again = codes.sign_in(ADA, &first[0]).send().await.unwrap();
    world.claims(&in_again).await;
    refused(codes.sign_in(ADA, &first[0]).send().await, ErrorKind::WrongCode, 401, "E061102");
    let second = codes.generate(ADA, &ada).await.unwrap();
    refused(codes.sign_in(ADA, &first[1]).send().await, ErrorKind::WrongCode, 401, "E061102");
    let both = codes.sign_in(ADA, &second[1]).mfa(&ada).send().await.unwrap();
    assert!(world.claims(&both).await.claim("amr").unwrap().as_array().unwrap().iter().any(|one| one == "mfa"));
    refused(codes.sign_in(BOB, "anything").send().await, ErrorKind::NotFound, 400, "E062108");
    let bob = world.refresh_jwt(BOB).await;
    refused(codes.generate(ADA, bob).await, ErrorKind::InvalidArgument, 403, "E011004");
    let kind = ErrorKind::InvalidArgument;
    refused_here(codes.generate("", &ada).await, kind, "login_id");
    refused_here(codes.generate(ADA, "").await, kind, "refresh_jwt");
    refused_here(codes.sign_in(ADA, Secret::from(" ")).send().await, kind, "code");
}
