//! Sessions in actix-web, by the example application.

mod web;

#[allow(dead_code)]
#[path = "../examples/actix_app.rs"]
mod actix_app;

use descope_emulator::Emulator;
use descope_sdk::Descope;

async fn start(emulator: Emulator) -> (Emulator, Descope, String) {
    let descope = actix_app::prepare(&emulator).await.unwrap();
    let configure = actix_app::configure(descope.clone());
    let app = move || actix_web::App::new().configure(configure.clone());
    let server = actix_web::HttpServer::new(app).workers(2).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let base_url = format!("http://{}", server.addrs()[0]);
    tokio::spawn(server.run());
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
