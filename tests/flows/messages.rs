//! Messages that the user sends, and those to which the user answers on the phone.

use std::time::Duration;

use descope_sdk::{
    Error, ErrorCode, ErrorKind, PendingMessageState, PendingPushState, PollOptions,
    api::types::NotpPendingSessionRequest,
};

use crate::world::{ADA, PHONE, World, refresh_of, refused, refused_here};

#[tokio::test]
async fn the_message_of_a_user_signs_up_and_in() {
    let world = World::start().await;
    let notp = world.descope.notp();
    let pending = notp.sign_up_or_in().send().await.unwrap();
    assert!(pending.image().is_some() && pending.check().await.unwrap().is_none());
    let asked = NotpPendingSessionRequest::new(pending.state().pending_ref().clone());
    let waiting = Error::from(world.descope.api().notp_pending_session(&asked).await.unwrap_err());
    assert_eq!((waiting.kind(), waiting.code()), (ErrorKind::Pending, Some(&ErrorCode::NOTP_PENDING)));
    let state: PendingMessageState = serde_json::from_str(&serde_json::to_string(&pending).unwrap()).unwrap();
    assert_eq!(&state, pending.state());
    world.emulator.send_message(pending.redirect_url(), PHONE).unwrap();
    let ada = notp.resume(state).wait().await.unwrap();
    assert!(ada.first_seen());
    assert_eq!(ada.user().unwrap().phone.as_deref(), Some(PHONE));
    let again = notp.sign_in().login_id(PHONE).send().await.unwrap();
    world.emulator.send_message(again.redirect_url(), PHONE).unwrap();
    assert!(!again.wait().await.unwrap().first_seen());
    assert!(again.check().await.is_err(), "the session is handed out once");
}

#[tokio::test]
async fn a_message_that_is_refused_or_never_sent_gives_no_session() {
    let world = World::start().await;
    let notp = world.descope.notp();
    let pending = notp.sign_up().login_id(ADA).name("Ada").send().await.unwrap();
    world.emulator.refuse_message(pending.redirect_url()).unwrap();
    let error = pending.wait().await.unwrap_err();
    assert!(error.code().is_some() && !error.is_pending(), "{error:?}");
    let pending = notp.sign_up_or_in().send().await.unwrap();
    let patience = PollOptions::new().deadline(Duration::from_millis(50));
    assert_eq!(pending.wait_with(&patience).await.unwrap_err().kind(), ErrorKind::Timeout);
    refused(notp.sign_in().login_id("nobody").send().await, ErrorKind::NotFound, 400, "E062108");
    refused_here(notp.sign_up().login_id("").send().await, ErrorKind::InvalidArgument, "login_id");
    refused_here(notp.sign_in().login_id(" ").send().await, ErrorKind::InvalidArgument, "login_id");
}

#[tokio::test]
async fn a_number_is_changed_by_a_message_from_it() {
    let world = World::start().await;
    let (notp, ada) = (world.descope.notp(), world.refresh_jwt(ADA).await);
    let pending = notp.update(ADA, &ada).phone(PHONE).add_to_login_ids(true).send().await.unwrap();
    world.emulator.send_message(pending.redirect_url(), PHONE).unwrap();
    let ada_now = pending.wait().await.unwrap();
    assert_eq!(ada_now.user().unwrap().phone.as_deref(), Some(PHONE));
    refused_here(notp.update("", &ada).send().await, ErrorKind::InvalidArgument, "login_id");
    refused_here(notp.update(ADA, "").send().await, ErrorKind::InvalidArgument, "refresh_jwt");
}

#[tokio::test]
async fn a_sign_in_is_approved_or_denied_on_the_phone() {
    let world = World::start().await;
    let (push, ada) = (world.descope.push(), world.refresh_jwt(ADA).await);
    push.enroll("fcm", "token", &ada).device("Ada's phone").send().await.unwrap();
    let pending = push.sign_in(ADA).await.unwrap();
    assert!(pending.check().await.unwrap().is_none(), "the user has not decided");
    let patience = PollOptions::new().deadline(Duration::from_millis(50));
    assert_eq!(pending.wait_with(&patience).await.unwrap_err().kind(), ErrorKind::Timeout);
    let state: PendingPushState = serde_json::from_str(&serde_json::to_string(&pending).unwrap()).unwrap();
    let transaction = world.mail(ADA).await.transaction_id.expect("the message says which sign-in it is");
    push.finish(transaction.as_str(), "approved", &ada).await.unwrap();
    let session = push.resume(state).wait().await.unwrap();
    world.claims(&session).await;

    let pending = push.sign_in(ADA).await.unwrap();
    let transaction = world.mail(ADA).await.transaction_id.expect("the message says which sign-in it is");
    push.finish(transaction.as_str(), "denied", &ada).await.unwrap();
    let denied = pending.wait().await.unwrap_err();
    assert!(denied.code().is_some() && !denied.is_pending(), "{denied:?}");
    refused(push.finish(transaction.as_str(), "approved", &ada).await, ErrorKind::Expired, 401, "E062504");
    let kind = ErrorKind::InvalidArgument;
    refused_here(push.sign_in("").await, kind, "login_id");
    refused_here(push.enroll("fcm", "", &ada).send().await, kind, "token");
    refused_here(push.enroll("", "token", &ada).send().await, kind, "provider");
    refused_here(push.finish("", "approved", &ada).await, kind, "transaction_id");
    refused_here(push.finish("tx", "approved", "").await, kind, "refresh_jwt");
}

#[tokio::test]
async fn enchanted_links_come_by_text_message_too() {
    let world = World::start().await;
    let links = world.descope.enchanted_link();
    let pending = links.sms(PHONE).sign_up().name("Ada").send().await.unwrap();
    assert!(pending.masked_address().unwrap().ends_with("67"));
    let message = world.mail(PHONE).await;
    let right = message.links.iter().find(|link| link.link_id.as_deref() == Some(pending.link_id())).unwrap();
    links.verify(right.url.as_str()).await.unwrap();
    let ada = pending.wait().await.unwrap();
    assert!(ada.first_seen());
    let other = "+15557654321";
    let pending = links.sms(other).update(PHONE, refresh_of(&ada)).add_to_login_ids(true).send().await.unwrap();
    let message = world.mail(other).await;
    let right = message.links.iter().find(|link| link.link_id.as_deref() == Some(pending.link_id())).unwrap();
    links.verify(right.token.as_str()).await.unwrap();
    assert_eq!(pending.wait().await.unwrap().user().unwrap().phone.as_deref(), Some(other));

    let sent = world.descope.magic_link().whatsapp(other).sign_in().send().await.unwrap();
    assert!(sent.masked_address().unwrap().ends_with("21"));
    let message = world.mail(other).await;
    assert_eq!(message.channel.as_str(), "whatsapp");
    world.descope.magic_link().verify(message.links[0].url.as_str()).await.unwrap();
}
