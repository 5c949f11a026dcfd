//! What a back end does with a management key.
//!
//! [`Descope::management`] leads to an area, such as [`tenants`](Management::tenants); a function of the area begins a call,
//! which takes what is optional and is sent by `send`:
//!
//! ```
//! use descope_sdk::LoginId;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let emulator = descope_emulator::Emulator::builder().start().await?;
//! # let descope = emulator.descope()?;
//! let ada = LoginId::new("ada@example.com");
//! let created = descope.management().users().create(&ada).name("Ada Lovelace").verified_email(true).send().await?;
//! let loaded = descope.management().users().load(&ada).send().await?;
//! assert_eq!(loaded.user_id, created.user_id);
//! # Ok(())
//! # }
//! ```
//!
//! An administrator's afternoon: a customer with a role of their own, five thousand people, and what they did.
//!
//! ```no_run
//! use descope_sdk::{Descope, UserId, management::user::{AssociatedTenant, UserBatchCreateEntry}};
//!
//! # async fn afternoon(descope: Descope) -> descope_sdk::Result<()> {
//! let management = descope.management();
//! let acme = management.tenants().create("Acme").self_provisioning_domains(["acme.example.com"]).send().await?;
//! management.roles().create("Auditor").tenant_id(&acme).permission_names(["Read reports"]).send().await?;
//!
//! let tenant = AssociatedTenant::new(&acme);
//! let people = (0..5_000).map(move |n| {
//!     let person = UserBatchCreateEntry::new(format!("user{n}@acme.example.com"));
//!     person.user_tenants([tenant.clone()]).custom_attributes([("seat", n)])
//! });
//! for failed in management.users().create_many(people, |call| call).failures().await {
//!     eprintln!("{}: {:?}", failed.input.login_id, failed.result);
//! }
//!
//! let mut found = management.users().search().tenant_ids([&acme]).stream();
//! while let Some(user) = found.next().await {
//!     let user = UserId::new(user?.user_id.unwrap_or_default());
//!     management.users().add_roles(&user, ["Auditor"]).tenant_id(&acme).send().await?;
//! }
//!
//! let mut entries = management.audit().search().tenants([&acme]).stream();
//! while let Some(entry) = entries.next().await {
//!     println!("{:?}", entry?.action);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Areas and functions are made from the OpenAPI document, so every operation with a management key has one. What an area
//! works with is in its module: [`tenant::Tenant`], [`user::User`].
//!
//! - **Users** are named by a [`LoginId`](crate::LoginId) or a [`UserId`](crate::UserId); a plain text is not taken for
//!   either.
//! - **Values of which there may be more tomorrow** have a type with constants, such as
//!   [`UserStatus::ENABLED`](crate::vocabulary::UserStatus::ENABLED). A text is taken for any of them: `.status("enabled")`.
//! - **`replace` clears** what is not set; `patch`, where there is one, changes only what is set.
//! - **A list that selects must not be empty**: the service takes an empty one for no condition at all.
//! - **Searches that come in pages** have `stream`, `page` and `count` in place of `send`.
//!
//! Every call needs a management key: without it, it is refused as
//! [`Configuration`](crate::ErrorKind::Configuration) before anything is sent, and with one that is not accepted as
//! [`Unauthorized`](crate::ErrorKind::Unauthorized).

mod associations;
pub mod embedded_link;
mod modify;
mod processes;
mod test_user_links;
mod user_batches;

#[allow(clippy::all, clippy::pedantic, reason = "written by cargo xtask codegen")]
#[rustfmt::skip]
#[path = "../generated/management/mod.rs"]
mod areas;

pub use areas::*;
pub use processes::{CloneProcess, ClonedProject, FlowExecution};
pub use test_user_links::{
    TestUserCode, TestUserEnchantedLink, TestUserGenerateEnchantedLink, TestUserGenerateMagicLink, TestUserGenerateOtp,
    TestUserLink,
};

use crate::Descope;
pub use crate::{
    batch::{Batch, BatchItem, BatchProgress},
    paging::{Items, Page, Paged},
};

/// The management of a project, by area. From [`Descope::management`].
///
/// ```
/// # use descope_sdk::{Descope, ErrorKind, LoginId};
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let (project_id, base_url) = (emulator.project_id(), emulator.base_url());
/// let descope = Descope::builder(project_id).base_url(base_url).build()?;
/// let refused = descope.management().users().load(LoginId::new("ada@example.com")).send().await.unwrap_err();
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

    /// Sign-in tokens that you deliver yourself.
    pub fn embedded_links(&self) -> embedded_link::EmbeddedLinks {
        embedded_link::EmbeddedLinks::new(self.descope.clone())
    }
}
