//! Rate limits: calls that wait by themselves instead of being refused, and what a refusal says.

use std::time::{Duration, Instant};

use descope_emulator::{Emulator, Fault};
use descope_sdk::{CallOptions, ErrorKind, LoginId, Pacing, RateGroup, RetryPolicy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;

    // `Pacing::documented()` is what a back end mostly wants. Here 10 users in a tenth of a second, so that it shows.
    let pacing = Pacing::documented().limit(RateGroup::UserCreation, 10, Duration::from_millis(100));
    let descope = emulator.descope_builder().pace(pacing).build()?;
    let started = Instant::now();
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..50 {
        // Clones share the pace, in whichever task they are.
        let users = descope.management().users();
        calls.spawn(async move { users.create(LoginId::new(format!("user-{n}@example.com"))).send().await });
    }
    while let Some(call) = calls.join_next().await {
        call??;
    }
    println!("50 users in {:?}, and none was refused", started.elapsed());
    assert!(started.elapsed() >= Duration::from_millis(400));

    // A call that would wait too long can say so.
    let pacing = Pacing::documented().limit(RateGroup::UserCreation, 1, Duration::from_secs(3600));
    let hurried = emulator.descope_builder().pace(pacing).build()?;
    let hurried = hurried.with_options(CallOptions::new().timeout(Duration::from_secs(1)));
    hurried.management().users().create(LoginId::new("first@example.com")).send().await?;
    let late = hurried.management().users().create(LoginId::new("second@example.com")).send().await;
    let late = late.expect_err("an hour is more than a second");
    println!("within a second: {:?}", late.kind());

    // Without a pace the service refuses, and says for how long.
    let plain = emulator.descope_builder().retry(RetryPolicy::none()).build()?;
    emulator.fail_next("managementUserLoad", Fault::rate_limit(30));
    let refused = plain.management().users().load(LoginId::new("user-1@example.com")).send().await;
    let refused = refused.expect_err("too many");
    assert_eq!(refused.kind(), ErrorKind::RateLimited);
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(30)));
    println!("without: {:?}, again after {:?}", refused.kind(), refused.retry_after());
    Ok(())
}
