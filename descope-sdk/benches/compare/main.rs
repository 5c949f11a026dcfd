//! How often per second this crate validates one session token, for `benches/compare/run`, which starts it beside the
//! official SDKs of other languages.

use std::{
    env,
    error::Error,
    time::{Duration, Instant},
};

use descope_sdk::Descope;

const FOR: Duration = Duration::from_secs(3);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (Ok(base_url), Ok(project_id), Ok(token)) =
        (env::var("EMULATOR_BASE_URL"), env::var("EMULATOR_PROJECT_ID"), env::var("SESSION_JWT"))
    else {
        println!("benches/compare/run compares this crate with the official SDKs of other languages");
        return Ok(());
    };
    // The other SDKs remember no tokens; the first line is what compares with theirs.
    let as_it_is = || Descope::builder(project_id.as_str()).base_url(base_url.as_str());
    let forgetful = as_it_is().session_validator(|validator| validator.cache_capacity(0));
    for (name, descope) in
        [("descope-sdk, nothing remembered", forgetful), ("descope-sdk, as it is by default", as_it_is())]
    {
        let descope = descope.build()?;
        let session = descope.session();
        for _ in 0..1000 {
            session.validate(&token).await?;
        }
        let (mut count, start) = (0_u32, Instant::now());
        while start.elapsed() < FOR {
            for _ in 0..1000 {
                session.validate(&token).await?;
            }
            count += 1000;
        }
        println!("{name:<40} {:>12} validations per second", grouped(f64::from(count) / start.elapsed().as_secs_f64()));
    }
    Ok(())
}

/// A number with its thousands apart.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}
