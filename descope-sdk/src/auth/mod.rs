//! Ways to sign in.

mod access_key;
#[cfg(feature = "agents")]
mod agent;
mod callback;
mod device;
mod enchanted_link;
mod flow;
mod magic_link;
mod notp;
mod oauth;
mod one_tap;
mod otp;
mod outbound;
mod password;
mod polled;
mod push;
mod recovery_codes;
mod redirect;
mod security_questions;
mod sso;
mod totp;
mod webauthn;

pub use access_key::{AccessKeyAuth, AccessKeyExchange, AccessKeySession, MachineSession};
#[cfg(feature = "agents")]
pub use agent::{
    Agent, AgentBackchannel, AgentDevice, AgentGrant, AgentToken, AgentTokens, PendingApproval, PendingApprovalState,
};
pub use device::DeviceTokens;
pub use enchanted_link::{
    EnchantedLink, EnchantedLinkChannel, EnchantedLinkSignIn, EnchantedLinkSignUp, EnchantedLinkUpdate, PendingLink,
    PendingLinkState,
};
pub use flow::{Flow, FlowNext, FlowStart, FlowStep};
pub use magic_link::{MagicLink, MagicLinkChannel, MagicLinkSignIn, MagicLinkSignUp, MagicLinkUpdate, SentLink};
pub use notp::{Notp, NotpSignIn, NotpSignUp, NotpUpdate, PendingMessage, PendingMessageState};
pub use oauth::{Oauth, OauthNative, OauthNativeFinish, OauthNativeStart, OauthStart, OauthUpdate, PendingNative};
pub use one_tap::{OneTap, OneTapSignIn};
pub use otp::{Otp, OtpChannel, OtpSignIn, OtpSignUp, OtpUpdate, PendingCode, PendingCodeState};
pub use outbound::{Outbound, OutboundConnect};
pub use password::{
    Password, PasswordPolicy, PasswordProblem, PasswordReplace, PasswordReset, PasswordResetSent, PasswordSignIn,
    PasswordSignUp,
};
pub use push::{PendingPush, PendingPushState, Push, PushEnroll};
pub use recovery_codes::{RecoveryCodes, RecoveryCodesSignIn};
pub use redirect::{Pkce, Redirect, RedirectState};
pub use security_questions::{SecurityQuestions, SecurityQuestionsSetup, SecurityQuestionsVerify};
pub use sso::{Sso, SsoStart};
pub use totp::{Totp, TotpSeed, TotpSignUp, TotpVerify};
pub use webauthn::{
    PendingDevice, PendingDeviceState, PendingPasskey, PendingPasskeyState, Webauthn, WebauthnAddDevice,
    WebauthnSignIn, WebauthnSignUp, WebauthnSignUpOrIn,
};
