//! One of the crowd, and what all of them have done.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use descope_sdk::{CallOptions, Descope, Error, ErrorKind, LoginId, RetryPolicy};

use crate::emulator::Process;

pub(crate) type Done<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// How often a session is refreshed in a round.
const REFRESHES: u64 = 3;

/// What was done, by what the emulator has to show for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    signed_up: u64,
    wrong_codes: u64,
    refreshed: u64,
    refused_refreshes: u64,
    logged_out: u64,
    asked_who: u64,
    created: u64,
    searched: u64,
    deleted: u64,
    /// The longest that a call took.
    pub(crate) slowest: Duration,
}

impl Sums {
    pub(crate) fn add(&mut self, other: &Self) {
        self.signed_up += other.signed_up;
        self.wrong_codes += other.wrong_codes;
        self.refreshed += other.refreshed;
        self.refused_refreshes += other.refused_refreshes;
        self.logged_out += other.logged_out;
        self.asked_who += other.asked_who;
        self.created += other.created;
        self.searched += other.searched;
        self.deleted += other.deleted;
        self.slowest = self.slowest.max(other.slowest);
    }

    /// The calls by operation.
    fn by_operation(&self) -> [(&'static str, u64); 8] {
        [
            ("otpSignUpEmail", self.signed_up),
            ("otpVerifyEmail", self.signed_up + self.wrong_codes),
            ("sessionRefresh", self.refreshed + self.refused_refreshes),
            ("sessionLogout", self.logged_out),
            ("sessionMe", self.asked_who),
            ("managementUserCreate", self.created),
            ("managementUserSearch", self.searched),
            ("managementUserDelete", self.deleted),
        ]
    }

    pub(crate) fn calls(&self) -> u64 {
        self.by_operation().into_iter().map(|(_, calls)| calls).sum()
    }

    /// Holds what the emulator knows against what was done.
    pub(crate) async fn compare(&self, emulator: &Process, descope: &Descope) -> Done {
        let mut wrong = Vec::new();
        let mut judge = |what: &str, found: u64, right: u64| {
            if found != right {
                wrong.push(format!("{what}: {found}, and {right} is right"));
            }
        };
        for (operation, calls) in self.by_operation() {
            judge(operation, emulator.count(operation).await?, calls);
        }
        let users = descope.management().users().search().stream().collect().await?;
        judge("users", users.len() as u64, self.signed_up + self.created - self.deleted);
        let enabled = users.iter().filter(|user| user.status.as_deref() == Some("enabled")).count();
        judge("users who have signed in", enabled as u64, self.signed_up);
        let sessions = emulator.sessions().await?;
        judge("sessions", sessions.len() as u64, self.signed_up);
        let active = sessions.iter().filter(|status| *status == "active").count();
        judge("sessions that go on", active as u64, self.signed_up - self.logged_out);
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ").into()) }
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} signed up after {} wrong codes, {} sessions refreshed and {} not, {} logged out, {} users created, {} deleted",
            self.signed_up,
            self.wrong_codes,
            self.refreshed,
            self.refused_refreshes,
            self.logged_out,
            self.created,
            self.deleted
        )
    }
}

pub(crate) struct Person {
    number: u64,
    emulator: Arc<Process>,
    descope: Descope,
    pub(crate) sums: Sums,
}

impl Person {
    pub(crate) fn new(number: u64, emulator: Arc<Process>, descope: &Descope) -> Self {
        // An error has to be seen and not tried again.
        let descope = descope.with_options(CallOptions::new().retry(RetryPolicy::none()));
        Self { number, emulator, descope, sums: Sums::default() }
    }

    /// A user comes, stays for a while and goes every second time; the back end has a user who stays two times of three.
    pub(crate) async fn round(&mut self, round: u64) -> Done {
        let descope = self.descope.clone();
        let refresh_jwt = self.sign_up(&format!("person{}.{round}@example.com", self.number)).await?;
        for _ in 0..REFRESHES {
            self.timed(descope.session().refresh(&refresh_jwt)).await?;
            self.sums.refreshed += 1;
        }
        let me = self.timed(descope.session().me(&refresh_jwt)).await?;
        self.sums.asked_who += 1;
        if me.verified_email != Some(true) {
            return Err("the address is not verified".into());
        }
        if round.is_multiple_of(2) {
            self.timed(descope.session().logout(&refresh_jwt)).await?;
            self.sums.logged_out += 1;
            refused(self.timed(descope.session().refresh(&refresh_jwt)).await, ErrorKind::Unauthorized)?;
            self.sums.refused_refreshes += 1;
        }
        self.manage(&format!("managed{}.{round}@example.com", self.number), (self.number + round).is_multiple_of(3))
            .await
    }

    async fn sign_up(&mut self, email: &str) -> Done<descope_sdk::Secret> {
        let descope = self.descope.clone();
        let otp = descope.otp();
        let pending = self.timed(otp.email(email).sign_up().send()).await?;
        self.sums.signed_up += 1;
        let code = self.emulator.code(email).await?;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        refused(self.timed(pending.verify(wrong)).await, ErrorKind::WrongCode)?;
        self.sums.wrong_codes += 1;
        let session = self.timed(pending.verify(code)).await?;
        Ok(session.refresh_jwt().ok_or("no refresh token")?.clone())
    }

    async fn manage(&mut self, login_id: &str, goes: bool) -> Done {
        let descope = self.descope.clone();
        let management = descope.management();
        let users = management.users();
        let user = self.timed(users.create(LoginId::new(login_id)).send()).await?;
        self.sums.created += 1;
        let user_id = user.user_id.ok_or("no id")?;
        let found = self.timed(users.search().login_ids([LoginId::new(login_id)]).page(0, 2)).await?;
        self.sums.searched += 1;
        if found.items.len() != 1 || found.items[0].user_id.as_ref() != Some(&user_id) {
            return Err(format!("{login_id} is found {} times", found.items.len()).into());
        }
        if goes {
            self.timed(users.delete(LoginId::new(login_id)).send()).await?;
            self.sums.deleted += 1;
            let found = self.timed(users.search().login_ids([LoginId::new(login_id)]).page(0, 2)).await?;
            self.sums.searched += 1;
            if !found.items.is_empty() {
                return Err(format!("{login_id} is found after being deleted").into());
            }
        }
        Ok(())
    }

    async fn timed<T>(&mut self, call: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let answer = call.await;
        self.sums.slowest = self.sums.slowest.max(began.elapsed());
        answer
    }
}

/// A call that has to be refused, and for this reason.
fn refused<T>(answer: Result<T, Error>, kind: ErrorKind) -> Done {
    match answer {
        Err(error) if error.kind() == kind => Ok(()),
        Err(error) => Err(format!("refused with {:?} in place of {kind:?}: {error}", error.kind()).into()),
        Ok(_) => Err(format!("answered in place of being refused with {kind:?}").into()),
    }
}
