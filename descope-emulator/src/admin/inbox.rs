//! The messages that the service would have sent.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, futures::Notified};

use super::seen::is_same;

/// How many messages are kept; the oldest go first.
const CAPACITY: usize = 10_000;

/// The way by which a message would have reached the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Channel {
    /// An email.
    Email,
    /// A text message.
    Sms,
    /// A phone call in which the code is read out.
    Voice,
    /// A WhatsApp message.
    Whatsapp,
    /// A message of another messenger.
    Im,
    /// A push message to the user's phone.
    Push,
}

impl Channel {
    pub(super) const ALL: [Self; 6] = [Self::Email, Self::Sms, Self::Voice, Self::Whatsapp, Self::Im, Self::Push];

    /// The name in lower case, as paths and test-user calls spell it.
    ///
    /// ```
    /// assert_eq!(descope_emulator::Channel::Whatsapp.as_str(), "whatsapp");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Whatsapp => "whatsapp",
            Self::Im => "im",
            Self::Push => "push",
        }
    }

    /// Whether the address is a phone number.
    pub(crate) fn is_phone(self) -> bool {
        !matches!(self, Self::Email | Self::Push)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One link in a message.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MessageLink {
    /// The two-digit number that an enchanted link bears; the user clicks the one whose number the first device
    /// shows. `None` for a magic link.
    pub link_id: Option<String>,
    /// The whole address that the user would open.
    pub url: String,
    /// The query parameter `t` of it, which goes to the verify call.
    pub token: String,
}

impl fmt::Debug for MessageLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageLink").field("link_id", &self.link_id).finish_non_exhaustive()
    }
}

/// A message that the service would have sent.
///
/// `Debug` leaves codes and links out.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Message {
    /// Number of the message, counted up from 1 since the emulator started.
    pub id: u64,
    /// The email address or phone number it goes to; for a push message the login id.
    pub to: String,
    /// How it would have been delivered.
    pub channel: Channel,
    /// The operation that sent it, such as `otpSignInEmail`.
    pub operation: String,
    /// The one-time code in it, if it is about one.
    pub code: Option<String>,
    /// The sign-in that a push message asks about, for `pushSignInFinish`.
    pub transaction_id: Option<String>,
    /// The links in it: none for a code, one for a magic link, three for an enchanted link, in the order in which
    /// the user would see them.
    pub links: Vec<MessageLink>,
    /// The login id that the message is about.
    pub login_id: String,
    /// When it was sent, in seconds since 1970 by the emulator's clock.
    pub sent_at: i64,
}

impl Message {
    /// The link that bears `link_id`.
    ///
    /// ```
    /// # fn click(message: descope_emulator::Message) {
    /// if let Some(link) = message.link("42") {
    ///     println!("open {}", link.url);
    /// }
    /// # }
    /// ```
    pub fn link(&self, link_id: &str) -> Option<&MessageLink> {
        self.links.iter().find(|link| link.link_id.as_deref() == Some(link_id))
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("to", &self.to)
            .field("channel", &self.channel)
            .field("operation", &self.operation)
            .field("links", &self.links)
            .field("sent_at", &self.sent_at)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Store {
    last_id: u64,
    /// Messages with whether [`Inbox::next`] has handed them out.
    messages: VecDeque<(Message, bool)>,
}

#[derive(Debug, Default)]
struct Shared {
    store: Mutex<Store>,
    arrived: Notify,
}

/// Everyone's mailbox and phone. Clones share one inbox.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use descope_api::{Client, Config, types::OtpSignInRequest};
/// # use descope_emulator::Emulator;
///
/// let emulator = Emulator::builder().start().await?;
/// let client = Client::connect(
///     reqwest::Client::new(),
///     Config::new(emulator.base_url(), emulator.project_id()),
/// );
/// client.otp_sign_up_or_in_email(&OtpSignInRequest::new("ada@example.com")).await?;
///
/// let message = emulator.inbox().next("ada@example.com").await;
/// assert_eq!(message.code.map(|code| code.len()), Some(6));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    shared: Arc<Shared>,
}

impl Inbox {
    /// Waits for the next message to `to` that was not handed out before, oldest first.
    ///
    /// A message that has arrived already is handed out at once. Email addresses are compared without regard
    /// to case, phone numbers without regard to separators.
    /// Dropping the future loses no message; there is no time limit, so wrap it in [`tokio::time::timeout`] where the
    /// message may never come.
    ///
    /// ```
    /// # async fn read(emulator: &descope_emulator::Emulator) {
    /// let message = emulator.inbox().next("+15551234567").await;
    /// println!("code {:?}", message.code);
    /// # }
    /// ```
    pub async fn next(&self, to: &str) -> Message {
        loop {
            let arrived = self.shared.arrived.notified();
            if let Some(message) = self.take_unread(to) {
                return message;
            }
            arrived.await;
        }
    }

    /// Every message that is kept, oldest first, read or not.
    ///
    /// ```
    /// # fn list(emulator: &descope_emulator::Emulator) {
    /// for message in emulator.inbox().messages() {
    ///     println!("{} to {}", message.channel, message.to);
    /// }
    /// # }
    /// ```
    pub fn messages(&self) -> Vec<Message> {
        self.store().messages.iter().map(|(message, _)| message.clone()).collect()
    }

    /// Throws all messages away. The codes and links in them stay valid.
    pub fn clear(&self) {
        self.store().messages.clear();
    }

    /// Ends when a message arrives from now on.
    pub(super) fn arrived(&self) -> Notified<'_> {
        self.shared.arrived.notified()
    }

    /// Delivers a message; its number is given here, and the message is answered as it is kept.
    pub(crate) fn deliver(&self, mut message: Message) -> Message {
        {
            let mut store = self.store();
            store.last_id += 1;
            message.id = store.last_id;
            if store.messages.len() == CAPACITY {
                store.messages.pop_front();
            }
            store.messages.push_back((message.clone(), false));
        }
        self.shared.arrived.notify_waiters();
        message
    }

    fn take_unread(&self, to: &str) -> Option<Message> {
        let mut store = self.store();
        let (message, read) = store.messages.iter_mut().find(|(message, read)| !*read && is_same(&message.to, to))?;
        *read = true;
        Some(message.clone())
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.shared.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::messages::MessageFilter;

    fn message(to: &str) -> Message {
        Message {
            id: 0,
            to: to.to_owned(),
            channel: Channel::Email,
            operation: "otpSignInEmail".to_owned(),
            code: Some("123456".to_owned()),
            transaction_id: None,
            links: Vec::new(),
            login_id: to.to_owned(),
            sent_at: 0,
        }
    }

    #[tokio::test]
    async fn each_message_is_handed_out_once_and_in_order() {
        let inbox = Inbox::default();
        inbox.deliver(message("ada@example.com"));
        inbox.deliver(message("bob@example.com"));
        inbox.deliver(message("ADA@example.com"));
        assert_eq!(inbox.next("ada@example.com").await.id, 1);
        assert_eq!(inbox.next("ada@example.com").await.id, 3);
        assert_eq!(inbox.next("bob@example.com").await.id, 2);
        assert_eq!(inbox.messages().len(), 3);
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken_and_a_dropped_one_loses_nothing() {
        let inbox = Inbox::default();
        {
            let mut abandoned = Box::pin(inbox.next("ada@example.com"));
            assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(abandoned.as_mut().poll(cx).is_pending())).await);
        }
        let waiting = tokio::spawn({
            let inbox = inbox.clone();
            async move { inbox.next("ada@example.com").await }
        });
        tokio::task::yield_now().await;
        inbox.deliver(message("bob@example.com"));
        inbox.deliver(message("ada@example.com"));
        assert_eq!(waiting.await.expect("task").id, 2);
    }

    #[tokio::test]
    async fn only_the_newest_messages_are_kept() {
        let inbox = Inbox::default();
        for _ in 0..=CAPACITY {
            inbox.deliver(message("ada@example.com"));
        }
        assert_eq!(inbox.messages().len(), CAPACITY);
        assert_eq!(inbox.find(&MessageFilter::new().after(10_000)).len(), 1);
        assert_eq!(inbox.wait_for(&MessageFilter::new().to("ada@example.com").after(9_999)).await.len(), 2);
        inbox.clear();
        assert!(inbox.messages().is_empty());
    }

    #[test]
    fn debug_hides_codes_and_links() {
        let mut message = message("ada@example.com");
        let link = MessageLink { link_id: None, url: "https://x/?t=tok".into(), token: "tok".into() };
        message.links.push(link);
        let shown = format!("{message:?}");
        assert!(!shown.contains("123456") && !shown.contains("tok"), "{shown}");
    }
}
