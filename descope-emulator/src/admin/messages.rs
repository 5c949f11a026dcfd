//! Which messages are meant: by address, way, kind and number.

use serde_json::{Value, json};

use super::{
    inbox::{Channel, Inbox, Message},
    seen::is_same,
};

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// It holds a one-time code.
    Code,
    /// It holds a magic link.
    MagicLink,
    /// It holds the three links of an enchanted one.
    EnchantedLink,
    /// It holds another link, such as one to the page of an administrator.
    Link,
    /// It asks about a sign-in on the phone.
    Push,
    /// It only tells something, such as an invitation.
    Notice,
}

impl MessageKind {
    const ALL: [Self; 6] = [Self::Code, Self::MagicLink, Self::EnchantedLink, Self::Link, Self::Push, Self::Notice];

    /// The name, as the query parameter `kind` spells it.
    ///
    /// ```
    /// assert_eq!(descope_emulator::MessageKind::MagicLink.as_str(), "magicLink");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::MagicLink => "magicLink",
            Self::EnchantedLink => "enchantedLink",
            Self::Link => "link",
            Self::Push => "push",
            Self::Notice => "notice",
        }
    }
}

impl Message {
    /// What it is about.
    ///
    /// ```
    /// # fn read(message: descope_emulator::Message) {
    /// use descope_emulator::MessageKind;
    ///
    /// if message.kind() == MessageKind::Code {
    ///     println!("code {:?}", message.code);
    /// }
    /// # }
    /// ```
    pub fn kind(&self) -> MessageKind {
        if self.transaction_id.is_some() {
            MessageKind::Push
        } else if self.code.is_some() {
            MessageKind::Code
        } else if self.links.iter().any(|link| link.link_id.is_some()) {
            MessageKind::EnchantedLink
        } else if self.links.is_empty() {
            MessageKind::Notice
        } else if self.operation.starts_with("magicLink") {
            MessageKind::MagicLink
        } else {
            MessageKind::Link
        }
    }

    /// The message as the endpoints tell it.
    pub(crate) fn describe(&self) -> Value {
        let mut told = serde_json::to_value(self).unwrap_or_default();
        if let Some(members) = told.as_object_mut() {
            members.insert("kind".to_owned(), json!(self.kind().as_str()));
        }
        told
    }
}

/// Which messages are meant; what is not named makes no difference.
///
/// ```
/// # async fn example(emulator: &descope_emulator::Emulator) {
/// use descope_emulator::{Channel, MessageFilter, MessageKind};
///
/// let texts = MessageFilter::new().to("+15551234567").channel(Channel::Sms).kind(MessageKind::Code);
/// let newest = emulator.inbox().find(&texts).into_iter().next();
/// # let _ = newest;
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    to: Option<String>,
    channel: Option<Channel>,
    kind: Option<MessageKind>,
    after: u64,
}

impl MessageFilter {
    /// All messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those to an email address or phone number; case and separators make no difference.
    #[must_use]
    pub fn to(mut self, address: impl Into<String>) -> Self {
        self.to = Some(address.into());
        self
    }

    /// Those that would have gone by this way.
    #[must_use]
    pub fn channel(mut self, channel: Channel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Those that are about this.
    #[must_use]
    pub fn kind(mut self, kind: MessageKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Those after the message with this number.
    #[must_use]
    pub fn after(mut self, id: u64) -> Self {
        self.after = id;
        self
    }

    /// Takes a word of a query, which may be a kind or the name of a way. Whether it was any.
    pub(super) fn named(mut self, word: &str) -> Option<Self> {
        if let Some(kind) = MessageKind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(word)) {
            // `push` is both, and means the same.
            self.kind = Some(kind);
            return Some(self);
        }
        let channel = Channel::ALL.into_iter().find(|channel| channel.as_str().eq_ignore_ascii_case(word))?;
        self.channel = Some(channel);
        Some(self)
    }

    pub(super) fn takes(&self, message: &Message) -> bool {
        message.id > self.after
            && self.to.as_deref().is_none_or(|to| is_same(&message.to, to))
            && self.channel.is_none_or(|channel| message.channel == channel)
            && self.kind.is_none_or(|kind| message.kind() == kind)
    }
}

impl Inbox {
    /// The messages that the filter takes, newest first, read or not.
    ///
    /// ```
    /// # fn list(emulator: &descope_emulator::Emulator) {
    /// use descope_emulator::MessageFilter;
    ///
    /// for message in emulator.inbox().find(&MessageFilter::new().to("ada@example.com")) {
    ///     println!("{} {}", message.id, message.operation);
    /// }
    /// # }
    /// ```
    pub fn find(&self, filter: &MessageFilter) -> Vec<Message> {
        let mut found: Vec<Message> = self.messages().into_iter().filter(|message| filter.takes(message)).collect();
        found.reverse();
        found
    }

    /// Waits until there is a message that the filter takes, to whomever it is, and gives all of them, newest first. There
    /// is no time limit, as with [`next`](Self::next).
    ///
    /// ```
    /// # async fn read(emulator: &descope_emulator::Emulator) {
    /// use descope_emulator::{MessageFilter, MessageKind};
    ///
    /// let mail = emulator.inbox().wait_for(&MessageFilter::new().kind(MessageKind::MagicLink)).await;
    /// println!("{}", mail[0].links[0].url);
    /// # }
    /// ```
    pub async fn wait_for(&self, filter: &MessageFilter) -> Vec<Message> {
        loop {
            let arrived = self.arrived();
            let found = self.find(filter);
            if !found.is_empty() {
                return found;
            }
            arrived.await;
        }
    }
}
