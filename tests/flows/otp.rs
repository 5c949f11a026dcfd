//! One-time codes.

use descope_sdk::{DeliveryMethod, ErrorCode, ErrorKind, LoginId, Secret};

use crate::world::{ADA, BOB, PHONE, World, other_than, refresh_of, refused};

struct Channel {
    method: DeliveryMethod,
    address: &'static str,
    masked: &'static str,
    sign_up: &'static str,
    sign_in: &'static str,
    sign_up_or_in: &'static str,
    verify: &'static str,
}

const CHANNELS: [Channel; 5] = [
    Channel {
        method: DeliveryMethod::Email,
        address: ADA,
        masked: "@",
        sign_up: "otpSignUpEmail",
        sign_in: "otpSignInEmail",
        sign_up_or_in: "otpSignUpOrInEmail",
        verify: "otpVerifyEmail",
    },
    Channel {
        method: DeliveryMethod::Sms,
        address: PHONE,
        masked: "67",
        sign_up: "otpSignUpSms",
        sign_in: "otpSignInSms",
        sign_up_or_in: "otpSignUpOrInSms",
        verify: "otpVerifySms",
    },
    Channel {
        method: DeliveryMethod::Voice,
        address: PHONE,
        masked: "67",
        sign_up: "otpSignUpVoice",
        sign_in: "otpSignInVoice",
        sign_up_or_in: "otpSignUpOrInVoice",
        verify: "otpVerifyVoice",
    },
    Channel {
        method: DeliveryMethod::Whatsapp,
        address: PHONE,
        masked: "67",
        sign_up: "otpSignUpWhatsapp",
        sign_in: "otpSignInWhatsapp",
        sign_up_or_in: "otpSignUpOrInWhatsapp",
        verify: "otpVerifyWhatsapp",
    },
    Channel {
        method: DeliveryMethod::Im,
        address: PHONE,
        masked: "67",
        sign_up: "otpSignUpIm",
        sign_in: "otpSignInIm",
        sign_up_or_in: "otpSignUpOrInIm",
        verify: "otpVerifyIm",
    },
];

#[tokio::test]
async fn a_code_signs_up_and_in_on_every_channel() {
    for channel in CHANNELS {
        let world = World::start().await;
        let otp = || world.descope.otp().channel(channel.method, channel.address);

        let pending = otp().sign_up().name("Ada Lovelace").send().await.unwrap();
        let masked = pending.masked_address().expect("a masked address");
        assert!(masked.contains('*') && masked.contains(channel.masked) && masked != channel.address, "{masked}");
        assert_eq!(pending.state().attempts(), Some(5));
        let message = world.mail(channel.address).await;
        assert_eq!(message.channel.as_str(), channel.method.as_str());
        let first = pending.verify(message.code.unwrap()).await.unwrap();
        assert!(first.first_seen());
        let user = first.user().expect("the user comes with the session");
        assert_eq!(user.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(user.login_ids, [channel.address]);
        let verified = if channel.address == ADA { user.verified_email } else { user.verified_phone };
        assert_eq!(verified, Some(true));
        let session = world.claims(&first).await;
        assert_eq!(Some(session.user_id()), user.user_id.as_deref());
        assert_eq!(session.factors(), [channel.method.as_str()]);

        let pending = otp().sign_in().send().await.unwrap();
        let second = pending.verify(world.code(channel.address).await).await.unwrap();
        assert!(!second.first_seen());
        let pending = otp().sign_up_or_in().send().await.unwrap();
        let third = pending.verify(world.code(channel.address).await).await.unwrap();
        for again in [&second, &third] {
            assert_eq!(again.user().unwrap().user_id, user.user_id);
        }
        let called = [channel.sign_up, channel.verify, channel.sign_in, channel.verify, channel.sign_up_or_in];
        assert_eq!(world.operations()[..5], called, "{:?}", channel.method);
    }
}

#[tokio::test]
async fn signing_up_or_in_signs_up_who_is_not_known() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    assert!(ada.first_seen());
    assert_eq!(ada.user().unwrap().email.as_deref(), Some(ADA));
}

#[tokio::test]
async fn a_wrong_code_is_refused_and_the_right_one_still_works() {
    let world = World::start().await;
    let pending = world.descope.otp().email(ADA).sign_up().send().await.unwrap();
    let code = world.code(ADA).await;
    let error = refused(pending.verify(other_than(&code)).await, ErrorKind::WrongCode, 401, "E061102");
    assert_eq!(error.code(), Some(&ErrorCode::WRONG_CODE));
    assert_eq!(error.operation(), Some("otp_verify_email"));
    pending.verify(code).await.unwrap();
}

#[tokio::test]
async fn a_code_works_once() {
    let world = World::start().await;
    let pending = world.descope.otp().email(ADA).sign_up().send().await.unwrap();
    let code = world.code(ADA).await;
    pending.verify(code.as_str()).await.unwrap();
    refused(pending.verify(code).await, ErrorKind::WrongCode, 401, "E061102");
}

#[tokio::test]
async fn after_five_wrong_codes_the_right_one_is_refused_too_until_another_is_sent() {
    let world = World::start().await;
    let pending = world.descope.otp().email(ADA).sign_up_or_in().send().await.unwrap();
    let code = world.code(ADA).await;
    for _ in 0..5 {
        refused(pending.verify(other_than(&code)).await, ErrorKind::WrongCode, 401, "E061102");
    }
    let error = refused(pending.verify(code.as_str()).await, ErrorKind::TooManyAttempts, 401, "E061103");
    assert_eq!(error.code(), Some(&ErrorCode::TOO_MANY_ATTEMPTS));
    refused(pending.verify(other_than(&code)).await, ErrorKind::TooManyAttempts, 401, "E061103");

    let pending = world.descope.otp().email(ADA).sign_up_or_in().send().await.unwrap();
    pending.verify(world.code(ADA).await).await.unwrap();
}

#[tokio::test]
async fn a_code_expires_after_three_minutes() {
    let world = World::start().await;
    let pending = world.descope.otp().email(ADA).sign_up_or_in().send().await.unwrap();
    let code = world.code(ADA).await;
    world.wait(175);
    pending.verify(code).await.unwrap();
    let pending = world.descope.otp().email(ADA).sign_in().send().await.unwrap();
    let code = world.code(ADA).await;
    world.wait(180);
    let error = refused(pending.verify(code).await, ErrorKind::Expired, 401, "E061104");
    assert_eq!(error.code(), Some(&ErrorCode::CODE_EXPIRED));
}

#[tokio::test]
async fn a_new_code_takes_the_place_of_the_old_one() {
    let world = World::start().await;
    let pending = world.descope.otp().email(ADA).sign_up_or_in().send().await.unwrap();
    let old = world.code(ADA).await;
    world.descope.otp().email(ADA).sign_up_or_in().send().await.unwrap();
    let new = world.code(ADA).await;
    if old != new {
        refused(pending.verify(old).await, ErrorKind::WrongCode, 401, "E061102");
    }
    pending.verify(new).await.unwrap();
}

#[tokio::test]
async fn a_code_is_good_for_its_user_and_channel_only() {
    let world = World::start().await;
    world.signed_in(BOB).await;
    let pending = world.descope.otp().email(ADA).sign_up_or_in().send().await.unwrap();
    let code = world.code(ADA).await;
    let otp = world.descope.otp();
    refused(otp.email(BOB).verify(code.as_str()).await, ErrorKind::WrongCode, 401, "E061102");
    refused(otp.sms(ADA).verify(code.as_str()).await, ErrorKind::WrongCode, 401, "E061102");
    refused(otp.email("nobody@example.com").verify("123456").await, ErrorKind::WrongCode, 401, "E061102");
    pending.verify(code).await.unwrap();
}

#[tokio::test]
async fn somebody_unknown_cannot_sign_in_and_nothing_is_sent() {
    for channel in CHANNELS {
        let world = World::start().await;
        let outcome = world.descope.otp().channel(channel.method, channel.address).sign_in().send().await;
        let error = refused(outcome, ErrorKind::NotFound, 400, "E062108");
        assert_eq!(error.code(), Some(&ErrorCode::USER_NOT_FOUND));
        assert_eq!(world.messages(), 0);
    }
}

#[tokio::test]
async fn somebody_known_cannot_sign_up_again_and_nothing_is_sent() {
    for channel in CHANNELS {
        let world = World::start().await;
        world.user(channel.address, "enabled").await;
        let outcome = world.descope.otp().channel(channel.method, channel.address).sign_up().send().await;
        let error = refused(outcome, ErrorKind::AlreadyExists, 400, "E062107");
        assert_eq!(error.code(), Some(&ErrorCode::USER_ALREADY_EXISTS));
        assert_eq!(world.messages(), 0);
    }
}

#[tokio::test]
async fn of_two_sign_ups_at_a_time_the_later_is_refused() {
    let world = World::start().await;
    let first = world.descope.otp().email(ADA).sign_up().send().await.unwrap();
    let by_mail = world.code(ADA).await;
    let second = world.descope.otp().sms(ADA).sign_up().address(PHONE).send().await.unwrap();
    let by_phone = world.code(PHONE).await;
    first.verify(by_mail).await.unwrap();
    refused(second.verify(by_phone).await, ErrorKind::AlreadyExists, 400, "E062107");
}

#[tokio::test]
async fn a_code_goes_to_the_address_beside_the_login_id() {
    let world = World::start().await;
    let pending = world.descope.otp().whatsapp("countess").sign_up().address(PHONE).send().await.unwrap();
    let ada = pending.verify(world.code(PHONE).await).await.unwrap();
    let user = ada.user().unwrap();
    assert_eq!((user.login_ids.as_slice(), user.phone.as_deref()), (&["countess".to_owned()][..], Some(PHONE)));
}

#[tokio::test]
async fn a_login_id_that_is_no_address_needs_one_beside_it() {
    let world = World::start().await;
    let otp = world.descope.otp();
    for (outcome, field) in [
        (otp.email("countess").sign_up().send().await, "email"),
        (otp.email("countess").sign_up_or_in().send().await, "email"),
        (otp.sms("countess").sign_up().send().await, "phone"),
        (otp.voice(ADA).sign_up().send().await, "phone"),
    ] {
        let error = refused(outcome, ErrorKind::InvalidArgument, 400, "E011003");
        assert!(error.message().unwrap().contains(&format!("The {field} field is required")), "{error:?}");
    }
    let outcome = otp.email("countess").sign_up().address("nonsense").send().await;
    refused(outcome, ErrorKind::InvalidArgument, 400, "E011003");
    assert_eq!(world.messages(), 0);
}

#[tokio::test]
async fn a_user_without_an_address_for_the_channel_is_not_reached() {
    let world = World::start().await;
    world.user("countess", "enabled").await;
    let otp = world.descope.otp();
    refused(otp.sms("countess").sign_in().send().await, ErrorKind::InvalidArgument, 400, "E011004");
    refused(
        otp.email("countess").sign_in().use_recovery(true).send().await,
        ErrorKind::InvalidArgument,
        400,
        "E011004",
    );
    assert_eq!(world.messages(), 0);
}

#[tokio::test]
async fn a_recovery_address_is_used_when_asked_for() {
    let world = World::start().await;
    let users = world.descope.management().users();
    users.create(LoginId::new(ADA)).recovery_email("spare@example.com").status("enabled").send().await.unwrap();
    let pending = world.descope.otp().email(ADA).sign_in().use_recovery(true).send().await.unwrap();
    pending.verify(world.code("spare@example.com").await).await.unwrap();
}

#[tokio::test]
async fn a_disabled_user_is_refused() {
    let world = World::start().await;
    world.user(ADA, "disabled").await;
    let otp = world.descope.otp();
    refused(otp.email(ADA).sign_in().send().await, ErrorKind::Unauthorized, 403, "E111119");
    refused(otp.email(ADA).sign_up_or_in().send().await, ErrorKind::Unauthorized, 403, "E111119");
    assert_eq!(world.messages(), 0);
}

#[tokio::test]
async fn a_user_who_is_deleted_meanwhile_cannot_use_the_code() {
    let world = World::start().await;
    world.signed_in(ADA).await;
    let pending = world.descope.otp().email(ADA).sign_in().send().await.unwrap();
    let code = world.code(ADA).await;
    world.descope.management().users().delete(LoginId::new(ADA)).send().await.unwrap();
    refused(pending.verify(code).await, ErrorKind::WrongCode, 401, "E061102");
}

#[tokio::test]
async fn claims_of_a_sign_in_arrive_as_untrusted_ones() {
    let world = World::start().await;
    let pending = world.descope.otp().email(ADA).sign_up().custom_claim("campaign", "spring").send().await.unwrap();
    let ada = pending.verify(world.code(ADA).await).await.unwrap();
    let session = world.claims(&ada).await;
    assert_eq!(session.client_claims().unwrap()["campaign"], "spring");
    assert!(session.claim("campaign").is_none());
}

#[tokio::test]
async fn a_step_up_and_a_further_factor_build_on_the_session_there_is() {
    let world = World::start().await;
    let users = world.descope.management().users();
    users.create(LoginId::new(ADA)).phone(PHONE).status("enabled").send().await.unwrap();
    let refresh_jwt = world.refresh_jwt(ADA).await;

    let pending = world.descope.otp().sms(ADA).sign_in().mfa(&refresh_jwt).send().await.unwrap();
    let both = world.claims(&pending.verify(world.code(PHONE).await).await.unwrap()).await;
    assert!(both.is_mfa() && both.has_factor("email") && both.has_factor("sms"), "{:?}", both.factors());
    assert!(!both.is_step_up());

    let pending = world.descope.otp().email(ADA).sign_in().step_up(refresh_jwt).send().await.unwrap();
    let stepped_up = world.claims(&pending.verify(world.code(ADA).await).await.unwrap()).await;
    assert!(stepped_up.is_step_up());
}

#[tokio::test]
async fn a_step_up_needs_a_live_session_of_the_same_user() {
    let world = World::start().await;
    let ada = world.refresh_jwt(ADA).await;
    let bob = world.signed_in(BOB).await;
    let step_up = |token: Secret| world.descope.otp().email(ADA).sign_in().step_up(token).send();
    refused(step_up(refresh_of(&bob)).await, ErrorKind::InvalidArgument, 403, "E011004");
    refused(step_up("a.b.c".into()).await, ErrorKind::Expired, 401, "E062504");
    world.descope.session().logout(&ada).await.unwrap();
    refused(step_up(ada).await, ErrorKind::Unauthorized, 401, "E064001");
}

#[tokio::test]
async fn somebody_unknown_cannot_step_up() {
    let world = World::start().await;
    let bob = world.refresh_jwt(BOB).await;
    let outcome = world.descope.otp().email(ADA).sign_up_or_in().mfa(bob).send().await;
    refused(outcome, ErrorKind::NotFound, 400, "E062108");
}

#[tokio::test]
async fn a_tenant_of_others_is_refused() {
    let world = World::start().await;
    let users = world.descope.management().users();
    users.create(LoginId::new(ADA)).tenant("T1", ["Tenant Admin"]).status("enabled").send().await.unwrap();
    let sign_in = |tenant: &str| world.descope.otp().email(ADA).sign_in().tenant_id(tenant).send();
    refused(sign_in("T2").await, ErrorKind::InvalidArgument, 400, "E011004");
    let pending = sign_in("T1").await.unwrap();
    let session = world.claims(&pending.verify(world.code(ADA).await).await.unwrap()).await;
    assert_eq!(session.current_tenant(), Some("T1"));
    assert!(session.has_tenant_roles("T1", &["Tenant Admin"]));
}

#[tokio::test]
async fn other_sessions_end_when_the_sign_in_says_so() {
    let world = World::start().await;
    let old = world.refresh_jwt(ADA).await;
    let pending = world.descope.otp().email(ADA).sign_in().revoke_other_sessions(true).send().await.unwrap();
    world.descope.session().refresh(&old).await.unwrap();
    let new = pending.verify(world.code(ADA).await).await.unwrap();
    refused(world.descope.session().refresh(old).await, ErrorKind::Unauthorized, 401, "E064001");
    world.descope.session().refresh(refresh_of(&new)).await.unwrap();
}
