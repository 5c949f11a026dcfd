//! Questions that a user has answered before.

use descope_api::{
    Secret,
    types::{SecurityQuestion, SecurityQuestionAnswer, SecurityQuestionsSetupRequest, SecurityQuestionsVerifyRequest},
};

use crate::{Authentication, Descope, Error, Result, check, raw_error::call};

/// Security questions as a further proof of who a signed-in user is. From [`Descope::security_questions`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # let inbox = emulator.inbox();
/// # let pending = descope.otp().email("ada@example.com").sign_up().send().await?;
/// # let ada = pending.verify(inbox.next("ada@example.com").await.code.unwrap()).await?;
/// # let refresh_jwt = ada.refresh_jwt().unwrap();
/// let questions = descope.security_questions();
/// questions
///     .setup("ada@example.com", refresh_jwt)
///     .answer("first-machine", "The Analytical Engine")
///     .send()
///     .await?;
///
/// // Later, before something that deserves it:
/// for question in questions.get(refresh_jwt).await? {
///     println!("{}", question.text.unwrap_or_default());
/// }
/// let ada = questions
///     .verify("ada@example.com", refresh_jwt)
///     .answer("first-machine", "The Analytical Engine")
///     .step_up(true)
///     .send()
///     .await?;
/// # assert!(!ada.session_jwt().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SecurityQuestions {
    descope: Descope,
}

/// Answers to remember. From [`SecurityQuestions::setup`]; [`send`](Self::send) stores them.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct SecurityQuestionsSetup {
    descope: Descope,
    login_id: String,
    refresh_jwt: Secret,
    answers: Vec<SecurityQuestionAnswer>,
}

/// Answers to check. From [`SecurityQuestions::verify`]; [`send`](Self::send) has them checked.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct SecurityQuestionsVerify {
    descope: Descope,
    login_id: String,
    refresh_jwt: Secret,
    answers: Vec<SecurityQuestionAnswer>,
    step_up: Option<bool>,
}

impl SecurityQuestions {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// The questions to put to the user, out of those that the user has answered before; none if there are none.
    ///
    /// - `refresh_jwt`: the user's refresh token.
    ///
    /// `GET /v1/auth/security-questions/verify`; [`SecurityQuestions`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the refresh token is none; nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended.
    pub async fn get(&self, refresh_jwt: impl Into<Secret>) -> Result<Vec<SecurityQuestion>> {
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt.into())?;
        Ok(call!(api, security_questions_get)?.body.questions)
    }

    /// Stores the answers of a signed-in user, in place of earlier ones. They cannot be read back.
    ///
    /// - `login_id`: the name under which the user signs in.
    /// - `refresh_jwt`: the refresh token of the same user.
    ///
    /// `POST /v1/auth/security-questions/setup`
    pub fn setup(&self, login_id: impl Into<String>, refresh_jwt: impl Into<Secret>) -> SecurityQuestionsSetup {
        SecurityQuestionsSetup {
            descope: self.descope.clone(),
            login_id: login_id.into(),
            refresh_jwt: refresh_jwt.into(),
            answers: Vec::new(),
        }
    }

    /// Checks the answers of a signed-in user, who gets a new session when they are right.
    ///
    /// - `login_id`: the name under which the user signs in.
    /// - `refresh_jwt`: the refresh token of the same user.
    ///
    /// `POST /v1/auth/security-questions/verify`
    pub fn verify(&self, login_id: impl Into<String>, refresh_jwt: impl Into<Secret>) -> SecurityQuestionsVerify {
        SecurityQuestionsVerify {
            descope: self.descope.clone(),
            login_id: login_id.into(),
            refresh_jwt: refresh_jwt.into(),
            answers: Vec::new(),
            step_up: None,
        }
    }
}

macro_rules! answer_setter {
    () => {
        /// Adds the answer to one question, as the user typed it.
        pub fn answer(mut self, question_id: impl Into<String>, answer: impl Into<Secret>) -> Self {
            self.answers.push(SecurityQuestionAnswer::new(question_id, answer));
            self
        }
    };
}

impl SecurityQuestionsSetup {
    answer_setter!();

    /// Stores the answers.
    ///
    /// `POST /v1/auth/security-questions/setup`; [`SecurityQuestions`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): there are no answers, one of them is blank, or the
    ///   login id or refresh token is unusable; nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended, or is another user's.
    pub async fn send(self) -> Result<()> {
        let Self { descope, login_id, refresh_jwt, answers } = self;
        check::text("login_id", &login_id)?;
        check_answers(&answers)?;
        let api = descope.acting_for("refresh_jwt", &refresh_jwt)?;
        let body = SecurityQuestionsSetupRequest::new(login_id, answers);
        call!(api, security_questions_setup, &body)?;
        Ok(())
    }
}

impl SecurityQuestionsVerify {
    answer_setter!();

    /// Whether the new session counts as stepped up, with the claim `su`.
    pub fn step_up(mut self, step_up: bool) -> Self {
        self.step_up = Some(step_up);
        self
    }

    /// Has the answers checked.
    ///
    /// `POST /v1/auth/security-questions/verify`; [`SecurityQuestions`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): there are no answers, one of them is blank, or the
    ///   login id or refresh token is unusable; nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): an answer is wrong, or the refresh token has ended.
    /// - [`TooManyAttempts`](crate::ErrorKind::TooManyAttempts) (`E061103`): too many wrong answers.
    pub async fn send(self) -> Result<Authentication> {
        let Self { descope, login_id, refresh_jwt, answers, step_up: stepup } = self;
        check::text("login_id", &login_id)?;
        check_answers(&answers)?;
        let api = descope.acting_for("refresh_jwt", &refresh_jwt)?;
        let mut body = SecurityQuestionsVerifyRequest::new(login_id, answers);
        body.stepup = stepup;
        let answer = call!(api, security_questions_verify, &body)?;
        Ok(Authentication::read(answer, descope.token_names())?.keeping(refresh_jwt))
    }
}

fn check_answers(answers: &[SecurityQuestionAnswer]) -> Result<()> {
    if answers.is_empty() {
        return Err(Error::argument_refused("answers", "is empty"));
    }
    for answer in answers {
        check::text("question_id", &answer.id)?;
        check::secret("answer", &answer.answer)?;
    }
    Ok(())
}
