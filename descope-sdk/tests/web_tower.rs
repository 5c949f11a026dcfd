//! Sessions in a service made of tower alone, by the example application.

mod web;

#[path = "web/tower.rs"]
mod tower_app;

use tower_app::start;

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
}

/// As tonic's clients ask, and as they understand an answer.
#[tokio::test]
async fn grpc_clients_are_refused_in_their_language() {
    let web = web::Web::new(start).await;
    let ask = |path: &str| web.get(path).header("content-type", "application/grpc+proto");
    let ada = web.ada().await;
    for (request, status, message) in [
        (ask("/me"), "16", "a session is needed"),
        (ask("/me").bearer_auth("nonsense"), "16", "the session token is not valid"),
        (ask("/admin").bearer_auth(web::session_of(&ada)), "7", "the session does not allow this"),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/grpc");
        assert_eq!(response.headers()["grpc-status"], status);
        assert_eq!(response.headers()["grpc-message"], message);
        assert!(response.bytes().await.unwrap().is_empty());
    }
}
