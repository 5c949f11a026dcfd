//! Security questions: answered once, asked again as a further factor.

use descope_api::types::{
    JwtResponse, SecurityQuestion, SecurityQuestionAnswer, SecurityQuestionsResponse, SecurityQuestionsSetupRequest,
    SecurityQuestionsVerifyRequest,
};

use super::user::QuestionRecord;
use crate::{
    error::{INVALID_ARGUMENTS, MANAGEMENT_UNAUTHORIZED, Refusal, TOO_MANY_ATTEMPTS},
    flow::{self, SessionWish},
    http::{Call, Nothing, Table, op},
};

/// The questions that the emulated project offers, by id.
const QUESTIONS: [(&str, &str); 8] = [
    ("birth-city", "In which city were you born?"),
    ("childhood-friend", "What was the first name of your best friend as a child?"),
    ("favourite-book", "Which book have you read most often?"),
    ("favourite-teacher", "What was the name of your favourite teacher?"),
    ("first-job", "Where did you have your first job?"),
    ("first-machine", "What was the first machine that you wrote a program for?"),
    ("first-pet", "What was the name of your first pet?"),
    ("first-school", "What was the name of your first school?"),
];

/// How often wrong answers may be given before the questions are closed for a while.
const ATTEMPTS: u32 = 5;
/// For how long, in seconds.
const LOCK_SECONDS: i64 = 600;

pub(super) fn register(table: &mut Table) {
    table
        .done::<op::SecurityQuestionsSetup>(setup)
        .on::<op::SecurityQuestionsGet>(get)
        .on::<op::SecurityQuestionsVerify>(verify);
}

fn text_of(id: &str) -> Option<&'static str> {
    QUESTIONS.iter().find(|(known, _)| *known == id).map(|(_, text)| *text)
}

/// Answers are compared without regard to case and surrounding white space.
fn normalised(answer: &SecurityQuestionAnswer) -> String {
    answer.answer.expose().trim().to_lowercase()
}

fn setup(call: &mut Call<'_>, body: SecurityQuestionsSetupRequest) -> Result<(), Refusal> {
    let user_id = flow::require_own(call, &body.login_id)?.id.clone();
    if body.answers.is_empty() {
        return Err(Refusal::required("answers"));
    }
    let mut answers: Vec<(String, String)> = Vec::new();
    for answer in &body.answers {
        if text_of(&answer.id).is_none() {
            let known = QUESTIONS.map(|(id, _)| id).join(", ");
            let message = format!("There is no security question {:?}; there are {known}", answer.id);
            return Err(Refusal::new(&INVALID_ARGUMENTS, message));
        }
        if answers.iter().any(|(id, _)| *id == answer.id) {
            let message = format!("The security question {:?} is answered twice", answer.id);
            return Err(Refusal::new(&INVALID_ARGUMENTS, message));
        }
        answers.push((answer.id.clone(), normalised(answer)));
    }
    call.state.users.update(&mut call.state.log, &user_id, |user| {
        user.questions = QuestionRecord { answers, ..QuestionRecord::default() };
    });
    Ok(())
}

fn get(call: &mut Call<'_>, _: Nothing) -> Result<SecurityQuestionsResponse, Refusal> {
    let asked = &call.user()?.questions.answers;
    let questions = asked.iter().map(|(id, _)| {
        let question = SecurityQuestion::new().id(id);
        match text_of(id) {
            Some(text) => question.text(text),
            None => question,
        }
    });
    Ok(SecurityQuestionsResponse::new().questions(questions))
}

fn verify(call: &mut Call<'_>, body: SecurityQuestionsVerifyRequest) -> Result<JwtResponse, Refusal> {
    let user = flow::require_own(call, &body.login_id)?;
    let user_id = user.id.clone();
    let stored = &user.questions;
    if stored.answers.is_empty() {
        return Err(Refusal::new(&INVALID_ARGUMENTS, "The user has set up no security questions"));
    }
    if stored.locked_until > call.now {
        return Err(Refusal::new(&TOO_MANY_ATTEMPTS, "Too many wrong answers; try again later"));
    }
    let given = |id: &str| body.answers.iter().find(|answer| answer.id == id).map(normalised);
    let all_right = stored.answers.iter().all(|(id, answer)| given(id).as_ref() == Some(answer));
    let earlier_amr =
        call.state.sessions.get(&call.token()?.session_id).map(|session| session.amr.clone()).unwrap_or_default();
    let now = call.now;
    call.state.users.update_quietly(&mut call.state.log, &user_id, |user| {
        let questions = &mut user.questions;
        if all_right {
            questions.failures = 0;
        } else {
            questions.failures += 1;
            if questions.failures >= ATTEMPTS {
                questions.failures = 0;
                questions.locked_until = now + LOCK_SECONDS;
            }
        }
    });
    if !all_right {
        let message = "The answers to the security questions are wrong";
        return Err(Refusal::new(&MANAGEMENT_UNAUTHORIZED, message).counted());
    }
    let wish = SessionWish { stepup: body.stepup == Some(true), mfa: true, earlier_amr, ..SessionWish::default() };
    flow::sign_in(call, &user_id, &wish, "mfa")
}
