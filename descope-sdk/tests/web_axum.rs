//! Sessions in axum, by the example application.

mod web;

#[allow(dead_code)]
#[path = "../examples/axum_app.rs"]
mod axum_app;

use descope_emulator::Emulator;
use descope_sdk::Descope;

async fn start(emulator: Emulator) -> (Emulator, Descope, String) {
    let descope = axum_app::prepare(&emulator).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let app = axum_app::app(descope.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (emulator, descope, base_url)
}

scenarios! { start:
    request_without_a_token_is_told_how_to_bring_one
    bad_token_is_refused_wherever_it_is
    good_token_is_found_in_header_and_cookie
    expired_session_in_a_cookie_is_refreshed
    refresh_token_alone_is_enough
    expired_session_in_a_header_is_not_refreshed
    refresh_that_cannot_work_costs_no_call
    concurrent_requests_share_one_refresh
    ended_refresh_token_costs_one_call_and_its_cookies_go
    status_without_a_code_says_nothing_about_the_user
    late_request_gets_the_tokens_of_the_refresh_before_it
    any_good_cookie_counts
    role_decides
    outage_is_not_the_users_fault
    walk_through
    optional_session_lets_anybody_in
    tenant_of_the_path_decides
    step_up_opens_what_needs_one
}
