//! Users, what they do, and what must come of it.

use std::{collections::VecDeque, fmt};

use descope_sdk::{Authentication, Descope, ErrorKind, LoginId, Secret, api::types::UserBatchCreateEntry};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{Done, emulator::Process};

/// How long a refresh token is good for, in seconds.
const REFRESH: u64 = 28 * 24 * 3600;
/// How long a key is published at least that signs for a day, in seconds.
const PUBLISHED: u64 = 10 * 24 * 3600;
/// How many sessions are remembered.
const MOST: usize = 2_000;
/// What the clocks of two computers may be apart, which the validator forgives.
const LEEWAY: u64 = 5;

struct Person {
    login_id: String,
    disabled: bool,
}

/// A session that somebody has, and all that is known of it.
struct Held {
    person: usize,
    user_id: String,
    refresh_jwt: Secret,
    /// When the refresh token was signed.
    began: u64,
    session_jwt: Secret,
    session_ends: u64,
    ended: bool,
}

pub(crate) struct People<'e> {
    emulator: &'e Process,
    descope: Descope,
    dice: StdRng,
    everybody: Vec<Person>,
    admin: String,
    held: VecDeque<Held>,
    verdicts: u64,
    wrong: Vec<String>,
}

impl<'e> People<'e> {
    /// Creates the users, and one who may act for them.
    pub(crate) async fn settle(emulator: &'e Process, users: usize) -> Done<Self> {
        let descope = emulator.descope()?;
        let everybody: Vec<Person> =
            (0..users).map(|n| Person { login_id: format!("user{n}@example.com"), disabled: false }).collect();
        let new = everybody.iter().map(|person| UserBatchCreateEntry::new(&person.login_id)).collect::<Vec<_>>();
        let failed = descope.management().users().create_many(new, |call| call).failures().await;
        if !failed.is_empty() {
            return Err(format!("{} users were not created", failed.len()).into());
        }
        let admin = descope.management().users().create(LoginId::new("admin@example.com")).role_names(["Tenant Admin"]);
        let admin = admin.send().await?.user_id.ok_or("no id")?;
        let (dice, held) = (StdRng::seed_from_u64(7), VecDeque::new());
        Ok(Self { emulator, descope, dice, everybody, admin, held, verdicts: 0, wrong: Vec::new() })
    }

    /// What happens at one time of one day.
    pub(crate) async fn round(&mut self) -> Done {
        for _ in 0..(self.everybody.len() / 500).max(4) {
            match self.dice.random_range(0..100) {
                0..40 => self.sign_in().await?,
                40..65 => self.refresh().await?,
                65..75 => self.log_out().await?,
                75..90 => self.come_again().await,
                90..95 => self.disable_or_enable().await?,
                _ => self.impersonate().await?,
            }
        }
        Ok(())
    }

    pub(crate) fn verdict(self) -> Done {
        for wrong in self.wrong.iter().take(10) {
            eprintln!("{wrong}");
        }
        match self.wrong.len() {
            0 => Ok(()),
            wrong => Err(format!("{wrong} of {} verdicts were wrong", self.verdicts).into()),
        }
    }

    /// Notes whether a verdict is the right one.
    fn judge(&mut self, what: &str, found: Result<(), ErrorKind>, right: bool) {
        self.verdicts += 1;
        if found.is_ok() != right {
            self.wrong.push(format!("{what} at {}: {found:?} where {right} is right", self.emulator.now()));
        }
    }

    async fn validate(&self, jwt: &Secret) -> Result<descope_sdk::session::Session, ErrorKind> {
        self.descope.session().validate(jwt.expose()).await.map_err(|error| error.kind())
    }

    async fn hold(&mut self, person: usize, given: &Authentication, began: u64) -> Done<Held> {
        let now = self.emulator.now();
        let session_jwt = given.session_jwt().clone();
        let session = self.validate(&session_jwt).await;
        self.judge("a new session", session.as_ref().map(drop).map_err(|kind| *kind), true);
        let user_id = session.map(|session| session.user_id().to_owned()).unwrap_or_default();
        let refresh_jwt = given.refresh_jwt().ok_or("no refresh token")?.clone();
        Ok(Held { person, user_id, refresh_jwt, began, session_jwt, session_ends: now + 600, ended: false })
    }

    async fn sign_in(&mut self) -> Done {
        let person = self.dice.random_range(0..self.everybody.len());
        let right = !self.everybody[person].disabled;
        let login_id = LoginId::new(&self.everybody[person].login_id);
        let outcome = self.descope.management().jwt().sign_in(login_id).send().await;
        self.judge("a sign-in", outcome.as_ref().map(drop).map_err(descope_sdk::Error::kind), right);
        let Ok(given) = outcome else { return Ok(()) };
        let held = self.hold(person, &given, self.emulator.now()).await?;
        if self.held.len() == MOST {
            self.held.pop_front();
        }
        self.held.push_back(held);
        Ok(())
    }

    /// Whether a refresh token opens anything: it has not ended, and nobody has ended it. The service knows its own keys
    /// longer than it publishes them.
    fn is_good(&self, held: &Held) -> bool {
        let age = self.emulator.now() - held.began;
        !held.ended && !self.everybody[held.person].disabled && age < REFRESH
    }

    fn one(&mut self) -> Option<usize> {
        (!self.held.is_empty()).then(|| self.dice.random_range(0..self.held.len()))
    }

    async fn refresh(&mut self) -> Done {
        let Some(at) = self.one() else { return Ok(()) };
        let right = self.is_good(&self.held[at]);
        let outcome = self.descope.session().refresh(&self.held[at].refresh_jwt).await;
        self.judge("a refresh", outcome.as_ref().map(drop).map_err(descope_sdk::Error::kind), right);
        if let Ok(given) = outcome {
            let (person, began) = (self.held[at].person, self.held[at].began);
            self.held[at] = self.hold(person, &given, began).await?;
        }
        Ok(())
    }

    async fn log_out(&mut self) -> Done {
        let Some(at) = self.one() else { return Ok(()) };
        let right = self.is_good(&self.held[at]);
        let outcome = self.descope.session().logout(&self.held[at].refresh_jwt).await;
        self.judge("a logout", outcome.as_ref().map(drop).map_err(descope_sdk::Error::kind), right);
        self.held[at].ended |= outcome.is_ok();
        Ok(())
    }

    /// Somebody comes with a session token, perhaps an old one, whose key is still published: about one that is not the
    /// service would be asked each time, since nothing limits that here.
    async fn come_again(&mut self) {
        let since = self.emulator.now() - PUBLISHED;
        let Some(at) = self.one().filter(|at| self.held[*at].session_ends > since) else { return };
        let right = self.emulator.now() < self.held[at].session_ends + LEEWAY;
        let jwt = self.held[at].session_jwt.clone();
        let found = self.validate(&jwt).await;
        if let Ok(session) = &found
            && session.user_id() != self.held[at].user_id
        {
            self.wrong.push(format!("{} is taken for {}", self.held[at].user_id, session.user_id()));
        }
        self.judge("a session", found.map(drop), right);
    }

    async fn disable_or_enable(&mut self) -> Done {
        let person = self.dice.random_range(0..self.everybody.len());
        let disabled = !self.everybody[person].disabled;
        let status = if disabled { "disabled" } else { "enabled" };
        let login_id = LoginId::new(&self.everybody[person].login_id);
        self.descope.management().users().update_status(login_id, status).send().await?;
        self.everybody[person].disabled = disabled;
        Ok(())
    }

    async fn impersonate(&mut self) -> Done {
        let person = self.dice.random_range(0..self.everybody.len());
        let right = !self.everybody[person].disabled;
        let login_id = LoginId::new(&self.everybody[person].login_id);
        let outcome = self.descope.management().impersonation().start(login_id, &self.admin).send().await;
        self.judge("an impersonation", outcome.as_ref().map(drop).map_err(descope_sdk::Error::kind), right);
        let Ok(refresh_jwt) = outcome else { return Ok(()) };
        let given = self.descope.session().refresh(refresh_jwt).await?;
        let session = self.validate(given.session_jwt()).await;
        if session.as_ref().is_ok_and(|session| session.claim("act").is_none()) {
            self.wrong.push("an impersonator is not told of".to_owned());
        }
        self.judge("an impersonated session", session.map(drop), true);
        Ok(())
    }
}

impl fmt::Display for People<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} verdicts, {} wrong, {} sessions remembered", self.verdicts, self.wrong.len(), self.held.len())
    }
}
