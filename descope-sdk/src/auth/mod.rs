//! Ways to sign in.

mod access_key;
mod callback;
mod enchanted_link;
mod magic_link;
mod otp;
mod security_questions;

pub use access_key::{AccessKeyAuth, AccessKeyExchange, AccessKeySession};
pub use enchanted_link::{
    EnchantedLink, EnchantedLinkChannel, EnchantedLinkSignIn, EnchantedLinkSignUp, EnchantedLinkUpdate, PendingLink,
    PendingLinkState,
};
pub use magic_link::{MagicLink, MagicLinkChannel, MagicLinkSignIn, MagicLinkSignUp, MagicLinkUpdate, SentLink};
pub use otp::{Otp, OtpChannel, OtpSignIn, OtpSignUp, OtpUpdate, PendingCode, PendingCodeState};
pub use security_questions::{SecurityQuestions, SecurityQuestionsSetup, SecurityQuestionsVerify};
