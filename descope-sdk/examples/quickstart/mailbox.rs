//! What the user of the tour does: read the mail and click, or be asked at the terminal.

use descope_emulator::Emulator;
use descope_sdk::Descope;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::Done;

/// Where messages arrive.
pub(crate) enum Mailbox {
    /// In the inbox of the local Descope.
    Emulator(Emulator),
    /// In a real mailbox, from which a person types.
    Terminal,
}

impl Mailbox {
    pub(crate) fn has_management_key(&self) -> bool {
        matches!(self, Self::Emulator(_)) || std::env::var_os("DESCOPE_MANAGEMENT_KEY").is_some()
    }

    /// Who is to be signed up.
    pub(crate) async fn login_id(&self) -> Done<String> {
        match self {
            Self::Emulator(_) => Ok("ada@example.com".to_owned()),
            Self::Terminal => ask("Your email address").await,
        }
    }

    /// Clicks the link with the number that the first device shows; in the emulator a wrong one first.
    pub(crate) async fn click(&self, descope: &Descope, address: &str, link_id: &str) -> Done {
        let emulator = match self {
            Self::Emulator(emulator) => emulator,
            Self::Terminal => {
                // The page behind the link would do this; here its visitor does.
                let token = ask(&format!("The value of `t` in the address of link {link_id}")).await?;
                return Ok(descope.enchanted_link().verify(token).await?);
            }
        };
        let mail = emulator.inbox().next(address).await;
        let numbers: Vec<_> = mail.links.iter().filter_map(|link| link.link_id.as_deref()).collect();
        println!("  the mail offers {}", numbers.join(", "));
        for link in mail.links.iter().filter(|link| link.link_id.as_deref() != Some(link_id)).take(1) {
            let refused = descope.enchanted_link().verify(link.token.as_str()).await.expect_err("a wrong link");
            println!("  clicked {}: {:?}", link.link_id.as_deref().unwrap_or_default(), refused.kind());
        }
        let right = mail.link(link_id).ok_or("the mail lacks the right link")?;
        descope.enchanted_link().verify(right.token.as_str()).await?;
        println!("  clicked {link_id}: accepted");
        Ok(())
    }

    /// A security question that the project offers.
    pub(crate) async fn question_id(&self) -> Done<Option<String>> {
        match self {
            Self::Emulator(_) => Ok(Some("first-machine".to_owned())),
            Self::Terminal => {
                let id = ask("The id of a security question of the project, or nothing to go on").await?;
                Ok((!id.is_empty()).then_some(id))
            }
        }
    }

    /// The one-time code in the newest message.
    pub(crate) async fn code(&self, address: &str) -> Done<String> {
        match self {
            Self::Emulator(emulator) => Ok(emulator.inbox().next(address).await.code.ok_or("a mail without a code")?),
            Self::Terminal => ask("The code from the mail").await,
        }
    }

    /// The token in the address of the newest link.
    pub(crate) async fn link_token(&self, address: &str) -> Done<String> {
        match self {
            Self::Emulator(emulator) => {
                let mail = emulator.inbox().next(address).await;
                Ok(mail.links.into_iter().next().ok_or("a mail without a link")?.token)
            }
            Self::Terminal => ask("The value of `t` in the address of the link").await,
        }
    }
}

async fn ask(question: &str) -> Done<String> {
    println!("  {question}:");
    let mut answer = String::new();
    BufReader::new(tokio::io::stdin()).read_line(&mut answer).await?;
    Ok(answer.trim().to_owned())
}
