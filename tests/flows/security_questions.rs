//! Questions that a signed-in user has answered before.

use descope_sdk::{ErrorKind, Secret, SecurityQuestionsVerify};

use crate::world::{ADA, BOB, World, refused};

/// Somebody signed in who has answered two questions.
async fn prepared() -> (World, Secret) {
    let world = World::start().await;
    let token = world.refresh_jwt(ADA).await;
    let setup = world.descope.security_questions().setup(ADA, &token);
    setup.answer("first-pet", "Puff the Cat").answer("birth-city", "London").send().await.unwrap();
    (world, token)
}

fn answering(world: &World, token: &Secret, pet: &str, city: &str) -> SecurityQuestionsVerify {
    world.descope.security_questions().verify(ADA, token).answer("birth-city", city).answer("first-pet", pet)
}

#[tokio::test]
async fn questions_are_set_up_asked_and_passed_as_a_further_factor() {
    let (world, token) = prepared().await;
    let questions = world.descope.security_questions().get(&token).await.unwrap();
    let ids: Vec<_> = questions.iter().filter_map(|question| question.id.as_deref()).collect();
    assert_eq!(ids, ["first-pet", "birth-city"]);
    assert!(questions.iter().all(|question| question.text.as_deref().is_some_and(|text| text.ends_with('?'))));

    let passed = answering(&world, &token, " puff the cat ", "LONDON").send().await.unwrap();
    let session = world.claims(&passed).await;
    assert!(session.is_mfa() && !session.is_step_up());
    assert!(session.has_factor("email"), "the factors of the session before are kept");
    let passed = answering(&world, &token, "Puff the Cat", "London").step_up(true).send().await.unwrap();
    assert!(world.claims(&passed).await.is_step_up());
    for operation in ["securityQuestionsSetup", "securityQuestionsGet", "securityQuestionsVerify"] {
        assert!(world.calls(operation) > 0, "{operation}");
    }
}

#[tokio::test]
async fn wrong_or_missing_answers_are_refused() {
    let (world, token) = prepared().await;
    refused(answering(&world, &token, "Rex", "London").send().await, ErrorKind::Unauthorized, 401, "E111119");
    let half = world.descope.security_questions().verify(ADA, &token).answer("first-pet", "Puff the Cat");
    refused(half.send().await, ErrorKind::Unauthorized, 401, "E111119");
    answering(&world, &token, "Puff the Cat", "London").send().await.unwrap();
}

#[tokio::test]
async fn five_failures_close_the_questions_for_ten_minutes() {
    let (world, token) = prepared().await;
    for _ in 0..5 {
        refused(answering(&world, &token, "Rex", "Paris").send().await, ErrorKind::Unauthorized, 401, "E111119");
    }
    let right = || answering(&world, &token, "Puff the Cat", "London").send();
    refused(right().await, ErrorKind::TooManyAttempts, 401, "E061103");
    world.wait(590);
    refused(right().await, ErrorKind::TooManyAttempts, 401, "E061103");
    world.wait(20);
    right().await.unwrap();
}

#[tokio::test]
async fn a_right_answer_forgives_the_wrong_ones_before() {
    let (world, token) = prepared().await;
    for _ in 0..2 {
        for _ in 0..4 {
            refused(answering(&world, &token, "Rex", "Paris").send().await, ErrorKind::Unauthorized, 401, "E111119");
        }
        answering(&world, &token, "Puff the Cat", "London").send().await.unwrap();
    }
}

#[tokio::test]
async fn questions_that_do_not_exist_or_come_twice_are_refused_and_change_nothing() {
    let (world, token) = prepared().await;
    let setup = || world.descope.security_questions().setup(ADA, &token);
    let outcome = setup().answer("first-ship", "Beagle").send().await;
    let error = refused(outcome, ErrorKind::InvalidArgument, 400, "E011004");
    assert!(error.message().unwrap().contains("first-ship"));
    let outcome = setup().answer("first-pet", "a").answer("first-pet", "b").send().await;
    refused(outcome, ErrorKind::InvalidArgument, 400, "E011004");
    answering(&world, &token, "Puff the Cat", "London").send().await.unwrap();
}

#[tokio::test]
async fn new_answers_replace_the_old_ones() {
    let (world, token) = prepared().await;
    world.descope.security_questions().setup(ADA, &token).answer("first-pet", "Rex").send().await.unwrap();
    assert_eq!(world.descope.security_questions().get(&token).await.unwrap().len(), 1);
    world.descope.security_questions().verify(ADA, &token).answer("first-pet", "Rex").send().await.unwrap();
}

#[tokio::test]
async fn without_questions_there_is_nothing_to_pass() {
    let world = World::start().await;
    let token = world.refresh_jwt(ADA).await;
    assert!(world.descope.security_questions().get(&token).await.unwrap().is_empty());
    let outcome = world.descope.security_questions().verify(ADA, &token).answer("first-pet", "Puff").send().await;
    refused(outcome, ErrorKind::InvalidArgument, 400, "E011004");
}

#[tokio::test]
async fn the_session_has_to_be_live_and_ones_own() {
    let (world, token) = prepared().await;
    let bob = world.refresh_jwt(BOB).await;
    let questions = world.descope.security_questions();
    let outcome = questions.setup(ADA, &bob).answer("first-pet", "Rex").send().await;
    refused(outcome, ErrorKind::InvalidArgument, 403, "E011004");
    let outcome = questions.verify(ADA, &bob).answer("first-pet", "Rex").send().await;
    refused(outcome, ErrorKind::InvalidArgument, 403, "E011004");
    let outcome = questions.verify("nobody@example.com", &token).answer("first-pet", "Rex").send().await;
    refused(outcome, ErrorKind::NotFound, 400, "E062108");
    world.descope.session().logout(&token).await.unwrap();
    refused(questions.get(&token).await, ErrorKind::Unauthorized, 401, "E064001");
    refused(questions.get("a.b.c").await, ErrorKind::Expired, 401, "E062504");
}
