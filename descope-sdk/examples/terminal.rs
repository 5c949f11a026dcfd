//! Sign in by hand at the terminal, in the way that you choose.
//!
//! ```sh
//! cargo run -p descope-sdk --example terminal
//! ```
//!
//! starts a Descope in this very process and shows here what would arrive in the mail; its page for providers opens in a
//! browser. With `DESCOPE_PROJECT_ID` set it talks to the real service, and `DESCOPE_MANAGEMENT_KEY` opens the methods that a
//! back end prepares. Passkeys need a page of your own: `examples/all_methods` has them.

use std::{error::Error, io::Write as _};

use descope_emulator::Emulator;
use descope_sdk::{Authentication, DeliveryMethod, Descope, LoginId, Redirect, Secret};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin, stdin};

type Done<T = ()> = Result<T, Box<dyn Error>>;

const METHODS: &str = "otp sms voice whatsapp magic enchanted notp password totp recovery oauth sso embedded key";

/// Where links lead and browsers come back to. Nothing has to be there: the address bar shows what is asked for here.
const PAGE: &str = "http://localhost:3000/back";

struct Terminal {
    descope: Descope,
    /// What is emulated, if it is.
    emulator: Option<Emulator>,
    lines: Lines<BufReader<Stdin>>,
    /// The last session, for methods that change something of its user.
    session: Option<Authentication>,
}

#[tokio::main]
async fn main() -> Done {
    let emulator = match std::env::var_os("DESCOPE_PROJECT_ID") {
        Some(_) => None,
        None => Some(Emulator::builder().start().await?),
    };
    let descope = emulator.as_ref().map_or_else(Descope::from_env, Emulator::descope)?;
    if let Some(emulator) = &emulator {
        println!("No DESCOPE_PROJECT_ID, so a local Descope was started at {}.", emulator.base_url());
        tokio::spawn(show_messages(emulator.inbox().clone()));
    }
    let lines = BufReader::new(stdin()).lines();
    let mut terminal = Terminal { descope, emulator, lines, session: None };
    loop {
        let Some(method) = terminal.line(&format!("\nHow? ({METHODS}, or nothing to end)")).await? else { break };
        if method.is_empty() {
            break;
        }
        match terminal.sign_in(&method).await {
            Ok(Some(session)) => terminal.welcome(session).await?,
            Ok(None) => {}
            // What went wrong is part of the trial.
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}

/// Prints each message when it arrives.
async fn show_messages(inbox: descope_emulator::Inbox) {
    let mut shown = 0;
    loop {
        for message in inbox.messages().into_iter().filter(|message| message.id > shown).collect::<Vec<_>>() {
            shown = message.id;
            println!("\n  -- {} to {}", message.channel, message.to);
            if let Some(code) = &message.code {
                println!("  -- code {code}");
            }
            for link in &message.links {
                println!("  -- link {} {}", link.link_id.as_deref().unwrap_or_default(), link.url);
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

impl Terminal {
    async fn sign_in(&mut self, method: &str) -> Done<Option<Authentication>> {
        let session = match method {
            "otp" => self.code(DeliveryMethod::Email).await?,
            "sms" => self.code(DeliveryMethod::Sms).await?,
            "voice" => self.code(DeliveryMethod::Voice).await?,
            "whatsapp" => self.code(DeliveryMethod::Whatsapp).await?,
            "magic" => {
                let email = self.ask("Email address").await?;
                self.descope.magic_link().email(email).sign_up_or_in().redirect_url(PAGE).send().await?;
                let url = self.ask("The link in the mail").await?;
                self.descope.magic_link().verify(url).await?
            }
            "enchanted" => {
                let email = self.ask("Email address").await?;
                let enchanted_link = self.descope.enchanted_link();
                let pending = enchanted_link.sign_up_or_in(email).redirect_url(PAGE).send().await?;
                let url = self.ask(&format!("The link in the mail with the number {}", pending.link_id())).await?;
                enchanted_link.verify(url).await?;
                pending.wait().await?
            }
            "notp" => {
                let pending = self.descope.notp().sign_up_or_in().send().await?;
                println!("Open {}", pending.redirect_url());
                if let Some(emulator) = &self.emulator {
                    // There is no messenger here.
                    emulator.send_message(pending.redirect_url(), "+15551234567")?;
                }
                pending.wait().await?
            }
            "password" => self.password().await?,
            "totp" => self.totp().await?,
            "recovery" => self.recovery_code().await?,
            "oauth" => {
                let provider = self.ask("Provider, such as google").await?;
                let oauth = self.descope.oauth();
                let redirect = oauth.start(provider).redirect_url(PAGE).with_state().send().await?;
                oauth.exchange(self.visit(&redirect).await?).await?
            }
            "sso" => {
                let tenant = self.ask("Id of a tenant, or email address").await?;
                let sso = self.descope.sso();
                let redirect = sso.start(tenant).redirect_url(PAGE).with_state().send().await?;
                sso.exchange(self.visit(&redirect).await?).await?
            }
            "embedded" => {
                let login_id = LoginId::new(self.ask("Login id").await?);
                let token = self.descope.management().embedded_links().sign_in(login_id).send().await?;
                self.descope.magic_link().verify(token).await?
            }
            "key" => {
                let access_key = self.ask("Access key").await?;
                let machine = self.descope.access_key().exchange(access_key).send().await?;
                println!("The session JWT has {} characters.", machine.session_jwt().expose().len());
                return Ok(None);
            }
            _ => return Err(format!("`{method}` is none of {METHODS}").into()),
        };
        Ok(Some(session))
    }

    async fn code(&mut self, method: DeliveryMethod) -> Done<Authentication> {
        let login_id = self.ask("Email address or phone number").await?;
        let pending = self.descope.otp().channel(method, login_id).sign_up_or_in().send().await?;
        let code = self.ask("The code").await?;
        Ok(pending.verify(code).await?)
    }

    async fn password(&mut self) -> Done<Authentication> {
        let login_id = self.ask("Login id").await?;
        let password = self.ask("Password (shown as you type)").await?;
        let short_of = self.descope.password().policy().await?.check(&password);
        match self.descope.password().sign_in(login_id.as_str(), password.as_str()).send().await {
            // The service does not tell a wrong password from a login id that nobody has; a sign-up does.
            Err(_) if short_of.is_empty() => {
                println!("Nobody has these; signing up.");
                Ok(self.descope.password().sign_up(login_id, password).send().await?)
            }
            outcome => {
                println!("The policy of the project: {short_of:?}");
                Ok(outcome?)
            }
        }
    }

    async fn totp(&mut self) -> Done<Authentication> {
        let login_id = self.ask("Login id").await?;
        let totp = self.descope.totp();
        if self.ask("Enter `new` to enrol an app").await? == "new" {
            let seed = totp.sign_up(login_id.as_str()).send().await?;
            println!("Add this to the app: {}", seed.provisioning_url().expose());
        }
        let code = self.ask("The code in the app").await?;
        Ok(totp.verify(login_id, code).send().await?)
    }

    async fn recovery_code(&mut self) -> Done<Authentication> {
        let login_id = self.ask("Login id").await?;
        let codes = self.descope.recovery_codes();
        if let Some(refresh_jwt) = self.session.as_ref().and_then(Authentication::refresh_jwt) {
            for code in codes.generate(login_id.as_str(), refresh_jwt).await? {
                println!("  {}", code.expose());
            }
        }
        let code = self.ask("One of the codes").await?;
        Ok(codes.sign_in(login_id, code).send().await?)
    }

    /// Gives the code with which the browser came back.
    async fn visit(&mut self, redirect: &Redirect) -> Done<Secret> {
        println!("Open {}", redirect.url());
        let back = self.ask("The address that the browser ends at").await?;
        Ok(redirect.state().ok_or("no state")?.accept(&back)?)
    }

    async fn welcome(&mut self, session: Authentication) -> Done {
        let validated = self.descope.session().validate(session.session_jwt().expose()).await?;
        let what = if session.first_seen() { "a new user" } else { "a known user" };
        println!("Signed in: {}, {what}", validated.user_id());
        self.session = Some(session);
        Ok(())
    }

    async fn ask(&mut self, question: &str) -> Done<String> {
        Ok(self.line(question).await?.ok_or("the input has ended")?)
    }

    async fn line(&mut self, question: &str) -> Done<Option<String>> {
        print!("{question}: ");
        std::io::stdout().flush()?;
        Ok(self.lines.next_line().await?.map(|line| line.trim().to_owned()))
    }
}
