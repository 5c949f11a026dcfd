//! Keys with which machines sign in.

use std::time::{SystemTime, UNIX_EPOCH};

use descope_api::{
    Secret,
    types::{AccessKey, AccessKeyCreateRequest, AccessKeyDeleteRequest, AssociatedTenant},
};
use serde_json::Value;

use crate::{Descope, Error, Result, check, raw_error::call};

/// The access keys of the project. From [`Management::access_key`](super::Management::access_key).
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// let created = descope
///     .management()
///     .access_key()
///     .create("nightly report")
///     .description("Reads the figures of the day")
///     .custom_claim("department", "finance")
///     .send()
///     .await?;
/// println!("Store this, it is shown once: {}", created.cleartext().expose());
///
/// let session = descope.access_key().exchange(created.cleartext()).send().await?;
/// # assert_eq!(session.key_id(), created.id());
/// descope.management().access_key().delete(created.id().unwrap_or_default()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AccessKeys {
    descope: Descope,
}

/// A new access key. From [`AccessKeys::create`]; [`send`](Self::send) creates it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct AccessKeyCreate {
    descope: Descope,
    expires_at: Option<SystemTime>,
    body: AccessKeyCreateRequest,
}

/// An access key and its clear text, which nobody can get again.
#[derive(Clone, Debug)]
pub struct CreatedAccessKey {
    cleartext: Secret,
    key: AccessKey,
}

impl AccessKeys {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Creates a key.
    ///
    /// - `name`: its display name; need not be unique.
    ///
    /// `POST /v1/mgmt/accesskey/create`
    pub fn create(&self, name: impl Into<String>) -> AccessKeyCreate {
        let body = AccessKeyCreateRequest::new(name);
        AccessKeyCreate { descope: self.descope.clone(), expires_at: None, body }
    }

    /// Deletes a key for good. It gets no new sessions; those that it has run until they expire.
    ///
    /// - `id`: the id of the key, not its clear text.
    ///
    /// `POST /v1/mgmt/accesskey/delete`; [`AccessKeys`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the id is blank; nothing was sent.
    /// - [`NotFound`](crate::ErrorKind::NotFound): there is no such key.
    /// - [`Configuration`](crate::ErrorKind::Configuration): there is no management key; nothing was sent.
    pub async fn delete(&self, id: &str) -> Result<()> {
        check::text("id", id)?;
        let body = AccessKeyDeleteRequest::new(id);
        call!(self.descope.managing()?, management_access_key_delete, &body)?;
        Ok(())
    }
}

impl AccessKeyCreate {
    /// What the key is for.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.body.description = Some(description.into());
        self
    }

    /// When the key stops getting sessions, to the second. It never does unless this is set.
    pub fn expires_at(mut self, time: SystemTime) -> Self {
        self.expires_at = Some(time);
        self
    }

    /// Binds the key to a user, whose roles and tenants then count.
    pub fn user_id(mut self, user_id: impl Into<String>) -> Self {
        self.body.user_id = Some(user_id.into());
        self
    }

    /// Roles at the level of the project.
    pub fn role_names<T: Into<String>>(mut self, role_names: impl IntoIterator<Item = T>) -> Self {
        self.body.role_names.extend(role_names.into_iter().map(Into::into));
        self
    }

    /// Associates the key with a tenant, with these roles there.
    pub fn tenant<T: Into<String>>(
        mut self,
        tenant_id: impl Into<String>,
        role_names: impl IntoIterator<Item = T>,
    ) -> Self {
        self.body.key_tenants.push(AssociatedTenant::new(tenant_id).role_names(role_names));
        self
    }

    /// Adds a claim to the key's sessions. It is trusted and stands at the top level of the token.
    pub fn custom_claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.body.custom_claims.insert(name.into(), value.into());
        self
    }

    /// Sets one of the project's own access key attributes.
    pub fn custom_attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.body.custom_attributes.insert(name.into(), value.into());
        self
    }

    /// Addresses and CIDR ranges from which the key may be exchanged; any unless this is set.
    pub fn permitted_ips<T: Into<String>>(mut self, ips: impl IntoIterator<Item = T>) -> Self {
        self.body.permitted_ips.extend(ips.into_iter().map(Into::into));
        self
    }

    /// Creates the key.
    ///
    /// `POST /v1/mgmt/accesskey/create`; [`AccessKeys`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the name is blank, or the key would have expired
    ///   before 1970; nothing was sent.
    /// - [`Configuration`](crate::ErrorKind::Configuration): there is no management key; nothing was sent.
    /// - [`Decode`](crate::ErrorKind::Decode): the answer holds no key.
    pub async fn send(mut self) -> Result<CreatedAccessKey> {
        check::text("name", &self.body.name)?;
        self.body.expire_time = self.expires_at.map(epoch_seconds).transpose()?;
        let answer = call!(self.descope.managing()?, management_access_key_create, &self.body)?;
        match (answer.body.cleartext.filter(|cleartext| !cleartext.is_empty()), answer.body.key) {
            (Some(cleartext), Some(key)) => Ok(CreatedAccessKey { cleartext, key }),
            _ => Err(answer.origin.lacks("the answer holds no key")),
        }
    }
}

impl CreatedAccessKey {
    /// The key itself, for the machine that signs in with it. It is shown this once.
    pub fn cleartext(&self) -> &Secret {
        &self.cleartext
    }

    /// What is known of the key.
    pub fn key(&self) -> &AccessKey {
        &self.key
    }

    /// Identifies the key. It is no secret.
    pub fn id(&self) -> Option<&str> {
        self.key.id.as_deref()
    }
}

/// 0 means "never" to the service, so a time that far back cannot be asked for.
fn epoch_seconds(time: SystemTime) -> Result<i64> {
    time.duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| Error::argument_refused("expires_at", "is no time after 1970"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn expiry_is_in_epoch_seconds() {
        assert_eq!(epoch_seconds(UNIX_EPOCH + Duration::from_millis(1_500)).unwrap(), 1);
        for bad in [UNIX_EPOCH, UNIX_EPOCH - Duration::from_secs(1)] {
            assert_eq!(epoch_seconds(bad).unwrap_err().argument(), Some("expires_at"));
        }
    }
}
