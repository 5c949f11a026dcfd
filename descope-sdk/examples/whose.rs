//! Says whose session each token is that comes in, one a line; a token that is not good ends it.
//!
//! ```sh
//! DESCOPE_PROJECT_ID=P2... cargo run -p descope-sdk --example whose < tokens.txt
//! ```

use std::io::{BufRead as _, stdin};

use descope_sdk::Descope;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let descope = Descope::from_env()?;
    for token in stdin().lock().lines() {
        let session = descope.session().validate(token?.trim()).await?;
        println!("{}", session.user_id());
    }
    Ok(())
}
