//! Tries many orders in which tasks and threads may come, and the same ones each time that one fails.

use descope_sdk::session::interleavings;

#[test]
fn a_refresh_serves_everybody_who_comes_with_its_token() {
    interleavings::a_refresh_serves_everybody_who_comes_with_its_token();
}

#[test]
fn a_failed_refresh_is_never_given_to_who_tries_again() {
    interleavings::a_failed_refresh_is_never_given_to_who_tries_again();
}

#[test]
fn a_caller_who_gives_up_takes_the_answer_from_nobody() {
    interleavings::a_caller_who_gives_up_takes_the_answer_from_nobody();
}

#[test]
fn a_session_that_was_ended_is_not_refreshed_from_memory() {
    interleavings::a_session_that_was_ended_is_not_refreshed_from_memory();
}

#[test]
fn a_token_that_was_forgotten_does_not_come_back() {
    interleavings::a_token_that_was_forgotten_does_not_come_back();
}

#[test]
fn keys_are_read_by_one_at_a_time() {
    interleavings::keys_are_read_by_one_at_a_time();
}

#[test]
fn a_token_of_a_new_key_is_let_in_when_it_comes_from_the_service() {
    interleavings::a_token_of_a_new_key_is_let_in_when_it_comes_from_the_service();
}

#[test]
fn a_withdrawn_key_opens_nothing_from_then_on() {
    interleavings::a_withdrawn_key_opens_nothing_from_then_on();
}
