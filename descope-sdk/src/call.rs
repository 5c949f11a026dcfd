//! One management call that is being put together: the client it goes through, and what is particular to it.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{CallOptions, Descope, Error, ErrorKind, Result, Secret, error::Inner, session::KindNames};

/// What every generated builder carries beside its body.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    descope: Descope,
    options: Option<CallOptions>,
    /// The credential that is sent in place of the management key.
    token: Option<Secret>,
    /// An argument that was given and can never be right, and why.
    refused: Option<(&'static str, &'static str)>,
}

impl Call {
    pub(crate) fn new(descope: &Descope) -> Self {
        Self { descope: descope.clone(), options: None, token: None, refused: None }
    }

    pub(crate) fn options(&mut self, options: CallOptions) {
        self.options = Some(options);
    }

    pub(crate) fn token(&mut self, token: Secret) {
        self.token = Some(token);
    }

    /// Notes whether a list that selects is empty now.
    pub(crate) fn filter(&mut self, argument: &'static str, is_empty: bool) {
        let why = is_empty.then_some("is empty, which the service would take for no condition");
        self.judge(argument, why);
    }

    /// A moment as the service counts it. 0 means "never" or "not given" there, so no moment that far back can be told.
    pub(crate) fn epoch_seconds(&mut self, argument: &'static str, time: SystemTime) -> i64 {
        self.since_1970(argument, time, |since| u128::from(since.as_secs()))
    }

    pub(crate) fn epoch_milliseconds(&mut self, argument: &'static str, time: SystemTime) -> i64 {
        self.since_1970(argument, time, |since| since.as_millis())
    }

    /// A length of time in whole seconds, parts of one counting as a whole. 0 means the service's own.
    pub(crate) fn seconds(&mut self, argument: &'static str, span: Duration) -> i64 {
        self.counted(argument, seconds(span))
    }

    #[allow(dead_code, reason = "for whatever the document gains")]
    pub(crate) fn milliseconds(&mut self, argument: &'static str, span: Duration) -> i64 {
        self.positive(argument, span.as_millis(), "is shorter than a millisecond")
    }

    fn since_1970(&mut self, argument: &'static str, time: SystemTime, count: fn(Duration) -> u128) -> i64 {
        let since = time.duration_since(UNIX_EPOCH).map_or(0, count);
        self.positive(argument, since, "is not after the beginning of 1970")
    }

    fn positive(&mut self, argument: &'static str, count: u128, zero: &'static str) -> i64 {
        self.counted(argument, positive(count, zero))
    }

    /// A count, or 0 and what is wrong with it.
    fn counted(&mut self, argument: &'static str, count: std::result::Result<i64, &'static str>) -> i64 {
        self.judge(argument, count.err());
        count.unwrap_or_default()
    }

    /// Keeps the first argument that is wrong, until it is set right.
    fn judge(&mut self, argument: &'static str, why: Option<&'static str>) {
        match (why, self.refused) {
            (Some(why), None) => self.refused = Some((argument, why)),
            (None, Some((refused, _))) if refused == argument => self.refused = None,
            _ => {}
        }
    }

    /// What the project's tokens and cookies are called.
    pub(crate) fn token_names(&self) -> &KindNames {
        self.descope.token_names()
    }

    /// The raw client of the authorization cache for this call, if there is one.
    pub(crate) fn cache(&self) -> Option<Result<Cow<'_, descope_api::Client>>> {
        let cache = self.descope.fga_cache()?;
        Some(cache.map(|api| self.with_own_options(api)))
    }

    /// The raw client for this call, or why it is not made.
    pub(crate) fn managing(&self) -> Result<Cow<'_, descope_api::Client>> {
        if let Some((argument, why)) = self.refused {
            return Err(Error::argument_refused(argument, why));
        }
        let api = match &self.token {
            Some(token) => Cow::Owned(self.descope.acting_for("token", token)?),
            None => self.descope.managing()?,
        };
        Ok(self.with_own_options(api))
    }

    fn with_own_options<'a>(&self, api: Cow<'a, descope_api::Client>) -> Cow<'a, descope_api::Client> {
        match &self.options {
            Some(options) => Cow::Owned(api.with_options(options.clone())),
            None => api,
        }
    }
}

/// A length of time in whole seconds, parts of one counting as a whole; or what is wrong with it.
pub(crate) fn seconds(span: Duration) -> std::result::Result<i64, &'static str> {
    let seconds = u128::from(span.as_secs()) + u128::from(span.subsec_nanos() > 0);
    positive(seconds, "is zero, which the service would take for its own setting")
}

fn positive(count: u128, zero: &'static str) -> std::result::Result<i64, &'static str> {
    match i64::try_from(count) {
        Ok(0) => Err(zero),
        Ok(count) => Ok(count),
        Err(_) => Err("is too far away"),
    }
}

/// Whether the service may know what the cache does not: it could not be reached, failed, or somebody else answered.
pub(crate) fn may_ask_elsewhere(error: &Error) -> bool {
    use ErrorKind::{Decode, Intercepted, Network, Server, Timeout, Unsupported};
    matches!(error.kind(), Network | Timeout | Server | Intercepted | Decode | Unsupported)
}

/// What was read, as what is written: members of the same name, of the thing itself or of its envelope.
pub(crate) fn carried<T: DeserializeOwned>(now: &impl Serialize, envelope: &str) -> Result<T> {
    let unfit = || Error::from(Inner { detail: Some(UNFIT.into()), ..Inner::of(ErrorKind::Decode) });
    let mut now = serde_json::to_value(now).map_err(|_| unfit())?;
    if now[envelope].is_object() {
        now = now[envelope].take();
    }
    serde_json::from_value(now).map_err(|_| unfit())
}

/// The same, where the members are not all in one place, or must not all be written.
///
/// - `within`: members whose members are those of the thing, one in the other. Without the last it is another kind of thing.
/// - `leaves`: what is not written back.
pub(crate) fn carried_but<T: DeserializeOwned>(now: &impl Serialize, within: &[&str], leaves: &[&str]) -> Result<T> {
    let unfit = || Error::from(Inner { detail: Some(UNFIT.into()), ..Inner::of(ErrorKind::Decode) });
    let Ok(Value::Object(mut now)) = serde_json::to_value(now) else { return Err(unfit()) };
    let last = within.len().saturating_sub(1);
    for (at, name) in within.iter().enumerate() {
        match now.remove(*name) {
            Some(Value::Object(members)) => now.extend(members),
            // Either form of an answer, with an envelope and without.
            _ if at < last => {}
            _ => return Err(unfit()),
        }
    }
    now.retain(|name, _| !leaves.contains(&name.as_str()));
    serde_json::from_value(Value::Object(now)).map_err(|_| unfit())
}

const UNFIT: &str = "what was read lacks something that has to be written";

/// The setter that every builder has.
macro_rules! call_setters {
    () => {
        /// How long this call may take, how it is repeated, and what headers it has besides.
        pub fn with_options(mut self, options: crate::CallOptions) -> Self {
            self.call.options(options);
            self
        }
    };
}
pub(crate) use call_setters;

/// What calls have that are accepted with another credential too.
macro_rules! token_setter {
    () => {
        /// Calls with this token, or access key, in place of the management key, which need not be there then.
        pub fn with_token(mut self, token: impl Into<crate::Secret>) -> Self {
            self.call.token(token.into());
            self
        }
    };
}
pub(crate) use token_setter;

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        let descope = Descope::builder("P2RmuXyZ0123456789abcdefghij").management_key("K2Rm").build();
        Call::new(&descope.expect("a client"))
    }

    fn filtered(call: &mut Call, is_empty: bool) -> i64 {
        call.filter("it", is_empty);
        0
    }

    #[test]
    fn times_are_counted_in_the_unit_of_the_service() {
        let mut call = call();
        let moment = UNIX_EPOCH + Duration::from_millis(1_500);
        assert_eq!((call.epoch_seconds("a", moment), call.epoch_milliseconds("b", moment)), (1, 1_500));
        let span = Duration::from_millis(1_001);
        assert_eq!((call.seconds("c", span), call.milliseconds("d", span)), (2, 1_001));
        call.managing().unwrap();
    }

    #[test]
    fn what_can_not_be_right_is_refused_until_it_is_set_right() {
        type Set = fn(&mut Call) -> i64;
        let wrong: [(Set, Set); 6] = [
            (|call| call.epoch_seconds("it", UNIX_EPOCH), |call| call.epoch_seconds("it", SystemTime::now())),
            (
                |call| call.epoch_milliseconds("it", UNIX_EPOCH - Duration::from_secs(1)),
                |call| call.epoch_milliseconds("it", SystemTime::now()),
            ),
            (|call| call.seconds("it", Duration::ZERO), |call| call.seconds("it", Duration::from_nanos(1))),
            (|call| call.seconds("it", Duration::MAX), |call| call.seconds("it", Duration::from_secs(1))),
            (
                |call| call.milliseconds("it", Duration::from_micros(999)),
                |call| call.milliseconds("it", Duration::from_secs(1)),
            ),
            (|call| filtered(call, true), |call| filtered(call, false)),
        ];
        for (wrong, right) in wrong {
            let mut call = call();
            wrong(&mut call);
            call.filter("another", false);
            assert_eq!(call.managing().unwrap_err().argument(), Some("it"));
            right(&mut call);
            call.managing().unwrap();
        }
    }
}
