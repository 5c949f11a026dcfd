//! Which host is talked to: that of the project's region, a custom domain, or a Descope on this machine.

use descope_emulator::{Emulator, SessionRequest};
use descope_sdk::{Descope, ErrorKind};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The id of a project names its region; there is nothing to set.
    let american = Descope::builder("P2RmuXyZ0123456789abcdefghij").build()?;
    assert_eq!(american.base_url(), "https://api.descope.com");
    let european = Descope::builder("Peuc12RmuXyZ0123456789abcdefghij").build()?;
    assert_eq!(european.base_url(), "https://api.euc1.descope.com");
    println!("{} and {}", american.base_url(), european.base_url());

    // A custom domain: cookies of the service are then of your own site. Also by DESCOPE_BASE_URL.
    let own = Descope::builder("P2RmuXyZ0123456789abcdefghij").base_url("https://auth.example.com").build()?;
    assert_eq!(own.base_url(), "https://auth.example.com");

    // Tokens would travel in the clear: refused, except on this machine.
    let in_the_clear = Descope::builder("P2RmuXyZ0123456789abcdefghij").base_url("http://auth.example.com").build();
    let refused = in_the_clear.expect_err("plain http");
    assert_eq!((refused.kind(), refused.argument()), (ErrorKind::Configuration, Some("base_url")));
    println!("{refused}");

    // The host in a token's issuer is not what counts: a custom domain changes it. The project is, and the signature.
    let emulator = Emulator::builder().also_project("P2AnotherProject00000000000A").start().await?;
    let descope = emulator.descope()?;
    let ada = emulator.sign_in(&SessionRequest::new("ada@example.com"))?;
    descope.session().validate(ada.session_jwt.expose()).await?;
    let other = SessionRequest::new("ada@example.com").project("P2AnotherProject00000000000A");
    let stranger = emulator.sign_in(&other)?;
    let refused = descope.session().validate(stranger.session_jwt.expose()).await.expect_err("another project");
    assert_eq!(refused.kind(), ErrorKind::InvalidToken);
    println!("a token of another project: {refused}");
    Ok(())
}
