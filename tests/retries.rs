//! What the SDK repeats, operation by operation, when the service fails.

use std::{collections::BTreeSet, time::Duration};

use descope_api::{OPERATIONS, Retry};
use descope_emulator::Fault;
use descope_sdk::{Error, ErrorKind, LoginId, RetryPolicy};

use crate::{
    requests::{Case, least},
    support::raw::http,
    world::{ADA, World},
};

/// The operations that may be done twice. Written out, so that none becomes one of them unnoticed.
const REPEATABLE: &[&str] = &[
    "federationFedcmAccounts",
    "federationFedcmClientMetadata",
    "federationFedcmConfig",
    "flowPrime",
    "managementAccessKeyDelete",
    "managementTestUserDeleteAll",
    "managementUserDelete",
    "managementUserLoad",
    "onetapClientId",
    "passwordPolicy",
    "pushEnrollDevice",
    "securityQuestionsGet",
    "securityQuestionsSetup",
    "sessionHistory",
    "sessionKeys",
    "sessionLogout",
    "sessionLogoutAll",
    "sessionMe",
    "sessionSelectTenant",
    "sessionTenants",
    "sessionValidate",
];

/// Sent once although it may be repeated: a request waits for the keys to be let in, and the next one asks for them again.
const SENT_ONCE: &str = "sessionKeys";

/// How often a call is sent that fails `failures` times, where the failure says that nothing has been done.
fn sent_after(failures: usize, operation: &str) -> usize {
    if operation == SENT_ONCE { 1 } else { failures + 1 }
}

fn is_repeatable(operation: &str) -> bool {
    REPEATABLE.contains(&operation)
}

fn quick() -> RetryPolicy {
    let mut policy = RetryPolicy::default();
    policy.base_delay = Duration::from_millis(1);
    policy
}

/// A world and the connections to it, which many short-lived clients share.
struct Faulty {
    world: World,
    http: reqwest::Client,
}

impl Faulty {
    async fn start() -> Self {
        Self { world: World::start().await, http: http() }
    }

    /// Makes a call that meets a fault, and tells how often it was sent.
    async fn calls(&self, case: &Case, policy: RetryPolicy, fault: Fault) -> (usize, Result<(), Error>) {
        self.world.emulator.reset();
        self.world.emulator.fail_next(case.operation, fault);
        let descope =
            self.world.emulator.descope_builder().http_client(self.http.clone()).retry(policy).build().unwrap();
        let outcome = (case.call)(descope).await;
        (self.world.calls(case.operation), outcome)
    }
}

#[test]
fn the_repeatable_operations_are_the_ones_that_send_redeem_and_create_nothing() {
    let tried: BTreeSet<_> = least().iter().map(|case| case.operation).collect();
    let known = || OPERATIONS.iter().filter(|operation| tried.contains(operation.id));
    let repeatable = known().filter(|operation| operation.retry != Retry::Never);
    let found: BTreeSet<_> = repeatable.map(|operation| operation.id).collect();
    assert_eq!(found, REPEATABLE.iter().copied().collect());
    for operation in known().filter(|operation| operation.method == "GET") {
        assert_eq!(operation.retry, Retry::Safe, "{}", operation.id);
    }
}

#[tokio::test]
async fn what_did_not_reach_the_service_is_sent_again_by_every_function() {
    let world = Faulty::start().await;
    for case in least() {
        for fault in [Fault::status(503), Fault::status(521), Fault::status(522), Fault::status(530)] {
            let (sent, _) = world.calls(&case, quick(), fault.clone()).await;
            assert_eq!(sent, sent_after(1, case.operation), "{} after {fault:?}", case.operation);
        }
        let (sent, _) = world.calls(&case, quick(), Fault::rate_limit(0)).await;
        assert_eq!(sent, sent_after(1, case.operation), "{} after a rate limit with its end", case.operation);
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_sent_again_only_where_twice_is_harmless() {
    let world = Faulty::start().await;
    for case in least() {
        let expected = if is_repeatable(case.operation) { sent_after(1, case.operation) } else { 1 };
        for status in [502, 504, 520, 524] {
            let (sent, outcome) = world.calls(&case, quick(), Fault::status(status)).await;
            assert_eq!(sent, expected, "{} after {status}", case.operation);
            if !is_repeatable(case.operation) {
                let error = outcome.unwrap_err();
                assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
                assert!(error.kind() == ErrorKind::Server && error.is_retryable(), "{error:?}");
            }
        }
        let (sent, outcome) = world.calls(&case, quick(), Fault::close()).await;
        assert_eq!(sent, expected, "{} after a cut connection", case.operation);
        if !is_repeatable(case.operation) {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Network);
        }
    }
}

#[tokio::test]
async fn refusals_are_not_sent_again() {
    let world = Faulty::start().await;
    for case in least() {
        for fault in [
            Fault::status(500),
            Fault::status(403),
            Fault::error(400, "E011001", "bad"),
            Fault::error(404, "E112102", "user"),
            Fault::status(429),
            Fault::rate_limit(60),
            Fault::redirect("https://elsewhere.example.com"),
        ] {
            let (sent, outcome) = world.calls(&case, quick(), fault.clone()).await;
            assert_eq!(sent, 1, "{} after {fault:?}", case.operation);
            assert!(outcome.is_err());
        }
    }
}

#[tokio::test]
async fn repeating_ends_and_the_last_failure_is_told() {
    let world = Faulty::start().await;
    for case in least() {
        let (sent, outcome) = world.calls(&case, quick(), Fault::status(503).times(9)).await;
        let error = outcome.unwrap_err();
        let expected = sent_after(3, case.operation);
        assert_eq!((sent, error.kind()), (expected, ErrorKind::Server), "{}", case.operation);
        // Errors of the key set come wrapped, and tell their operation one level deeper.
        if case.operation != "sessionKeys" {
            let function = descope_api::operation(case.operation).unwrap().function;
            assert_eq!(error.operation(), Some(function));
        }
    }
}

#[tokio::test]
async fn nothing_is_repeated_when_retries_are_off() {
    let world = Faulty::start().await;
    for case in least() {
        let (sent, outcome) = world.calls(&case, RetryPolicy::none(), Fault::status(503)).await;
        assert_eq!(sent, 1, "{}", case.operation);
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Server);
    }
}

#[tokio::test]
async fn a_call_that_times_out_is_not_repeated() {
    let world = World::start().await;
    tokio::time::pause();
    for case in least() {
        world.emulator.reset();
        world.emulator.fail_next(case.operation, Fault::hang());
        let timeout = Duration::from_secs(7);
        let descope = world.emulator.descope_builder().retry(quick()).timeout(timeout).build().unwrap();
        let clock = async {
            while world.calls(case.operation) == 0 {
                tokio::task::yield_now().await;
            }
            tokio::time::advance(timeout + Duration::from_millis(1)).await;
            loop {
                tokio::task::yield_now().await;
            }
        };
        let outcome = tokio::select! {
            outcome = (case.call)(descope) => outcome,
            () = clock => unreachable!("the clock never ends"),
        };
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), world.calls(case.operation)), (ErrorKind::Timeout, 1), "{}", case.operation);
    }
}

#[tokio::test]
async fn a_lost_answer_sends_no_second_message_and_creates_no_second_key() {
    let world = World::start().await;
    let descope = world.emulator.descope_builder().retry(quick()).build().unwrap();
    for fault in [Fault::status(502).after_handling(), Fault::close().after_handling()] {
        let before = world.messages();
        world.emulator.fail_next("otpSignUpOrInEmail", fault.clone());
        descope.otp().email(ADA).sign_up_or_in().send().await.unwrap_err();
        assert_eq!(world.messages(), before + 1);
        world.emulator.fail_next("managementAccessKeyCreate", fault);
        let before = world.calls("managementAccessKeyCreate");
        descope.management().access_keys().create("once").send().await.unwrap_err();
        assert_eq!(world.calls("managementAccessKeyCreate"), before + 1);
    }
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_ends_as_not_found() {
    let world = World::start().await;
    world.user(ADA, "enabled").await;
    world.emulator.fail_next("managementUserDelete", Fault::status(502).after_handling());
    let descope = world.emulator.descope_builder().retry(quick()).build().unwrap();
    let error = descope.management().users().delete(LoginId::new(ADA)).send().await.unwrap_err();
    assert_eq!((error.kind(), world.calls("managementUserDelete")), (ErrorKind::NotFound, 2));
}
