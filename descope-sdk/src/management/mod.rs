//! What a back end does with a management key.
//!
//! Every call here needs one: without it, it is refused as
//! [`Configuration`](crate::ErrorKind::Configuration) before anything is sent, and with one that is no good as
//! [`Unauthorized`](crate::ErrorKind::Unauthorized).

mod access_key;
mod embedded_link;
mod test_user;
mod user;

pub use access_key::{AccessKeyCreate, AccessKeys, CreatedAccessKey};
pub use descope_api::types::{
    AccessKey, AccessKeyTenant, AssociatedTenant, FamilyAssociation, ImportedPassword, ImportedPasswordArgon2,
    ImportedPasswordBach, ImportedPasswordFirebase, ImportedPasswordHash, ImportedPasswordPbkdf2,
    ImportedPasswordPhpass, ImportedPasswordSha,
};
pub use embedded_link::{EmbeddedLinkSignIn, EmbeddedLinkSignUp, EmbeddedLinks};
pub use test_user::{
    TestUserCode, TestUserEnchantedLink, TestUserGenerateEnchantedLink, TestUserGenerateMagicLink, TestUserGenerateOtp,
    TestUserLink, TestUsers,
};
pub use user::{UserCreate, Users};

use crate::Descope;

/// The management of a project, by area. From [`Descope::management`].
///
/// ```
/// # use descope_sdk::{Descope, ErrorKind};
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let (project_id, base_url) = (emulator.project_id(), emulator.base_url());
/// let descope = Descope::builder(project_id).base_url(base_url).build()?;
/// let refused = descope.management().user().load("ada@example.com").await.unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::Configuration);
/// assert_eq!(refused.argument(), Some("management_key"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Management {
    descope: Descope,
}

impl Management {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// The project's users.
    pub fn user(&self) -> Users {
        Users::new(self.descope.clone())
    }

    /// Users for automated tests, whose codes and links are given to you instead of being sent.
    pub fn test_user(&self) -> TestUsers {
        TestUsers::new(self.descope.clone())
    }

    /// Keys with which machines sign in.
    pub fn access_key(&self) -> AccessKeys {
        AccessKeys::new(self.descope.clone())
    }

    /// Sign-in tokens that you deliver yourself.
    pub fn embedded_link(&self) -> EmbeddedLinks {
        EmbeddedLinks::new(self.descope.clone())
    }
}
