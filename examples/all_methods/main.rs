//! The ways to sign in: each from nothing to a session, on a local Descope, with no account, no network and nobody at the
//! keyboard.
//!
//! ```sh
//! cargo run -p descope-tests --example all_methods
//! ```
//!
//! What a person would do, such as reading a mail, approving at a provider or touching a key, the emulator and a software
//! authenticator do here. `Descope::from_env` in place of the emulator's client is all that differs in an application.

#[path = "../../tests/browser.rs"]
mod browser;
mod devices;
mod factors;
mod machines;
mod messages;
mod providers;

use descope_emulator::{Emulator, Message};
use descope_sdk::{Authentication, Descope, Secret};

type Done<T = ()> = Result<T, Box<dyn std::error::Error>>;

const ADA: &str = "ada@example.com";
const PHONE: &str = "+15551234567";
const PASSWORD: &str = "Difference-Engine-2";
/// Where links lead and browsers come back to.
const PAGE: &str = "https://app.example.com/back";

/// The application and the world around it.
struct Tour {
    descope: Descope,
    emulator: Emulator,
}

#[tokio::main]
async fn main() -> Done {
    let emulator = Emulator::builder().device_tokens().start().await?;
    let tour = Tour { descope: emulator.descope()?, emulator };
    tour.messages().await?;
    let refresh_jwt = tour.factors().await?;
    tour.providers(&refresh_jwt).await?;
    tour.machines().await?;
    tour.devices(&refresh_jwt).await?;
    tour.descope.session().logout(&refresh_jwt).await?;
    println!("Each has signed somebody in.");
    Ok(())
}

impl Tour {
    /// The newest message to this address.
    async fn message(&self, to: &str) -> Message {
        self.emulator.inbox().next(to).await
    }

    /// Checks the session as a back end does with every request, and says how the user came in.
    async fn show(&self, method: &str, ada: &Authentication) -> Done {
        let session = self.descope.session().validate(ada.session_jwt().expose()).await?;
        println!("{method}: {} is signed in", session.user_id());
        Ok(())
    }
}

fn refresh_of(ada: &Authentication) -> Done<Secret> {
    Ok(ada.refresh_jwt().ok_or("the project keeps refresh tokens in cookies")?.clone())
}
