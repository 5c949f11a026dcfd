//! How a device is recognised.

use descope_api::{CallOptions, Secret};
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::{Authentication, Descope, Error, Result, check};

const KNOWN: HeaderName = HeaderName::from_static("x-descope-known-device-token");
const TRUSTED: HeaderName = HeaderName::from_static("x-descope-trusted-device-token");

/// The tokens by which the service knows a device again that has signed in before: one for a device that was seen, one for
/// a device that the user trusts, and that need not show a second factor.
///
/// Keep them on the device, longer than the session, and give them to the calls that sign the user in there the next time. It
/// serialises with both tokens in the clear.
///
/// ```
/// # use descope_sdk::DeviceTokens;
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// let ada = descope.password().sign_up("ada@example.com", "Difference-Engine-2").send().await?;
/// let device = DeviceTokens::of(&ada);
///
/// // The next time on this device:
/// let ada = descope.with_device(&device)?.password().sign_in("ada@example.com", "Difference-Engine-2").send().await?;
/// let device = device.renewed_by(&ada);
/// # assert!(device.known().is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceTokens {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trusted: Option<Secret>,
}

impl DeviceTokens {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With the token of a device that was seen before, as the device has brought it.
    #[must_use]
    pub fn with_known(mut self, token: impl Into<Secret>) -> Self {
        self.known = Some(token.into());
        self
    }

    /// With the token of a device that the user trusts, as the device has brought it.
    #[must_use]
    pub fn with_trusted(mut self, token: impl Into<Secret>) -> Self {
        self.trusted = Some(token.into());
        self
    }

    /// Those that came with a sign-in, if any.
    pub fn of(authentication: &Authentication) -> Self {
        Self::default().renewed_by(authentication)
    }

    /// These, and in their place those that came with another sign-in on the device.
    #[must_use]
    pub fn renewed_by(self, authentication: &Authentication) -> Self {
        Self {
            known: authentication.known_device_jwt().cloned().or(self.known),
            trusted: authentication.trusted_device_jwt().cloned().or(self.trusted),
        }
    }

    /// The token of a device that was seen before.
    pub fn known(&self) -> Option<&Secret> {
        self.known.as_ref()
    }

    /// The token of a device that the user trusts.
    pub fn trusted(&self) -> Option<&Secret> {
        self.trusted.as_ref()
    }
}

impl Descope {
    /// The same client for a user's device: its calls bring the tokens of the device along. [`DeviceTokens`] has an example.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument): a token is empty, or has characters that no token can have.
    pub fn with_device(&self, device: &DeviceTokens) -> Result<Self> {
        let mut options = CallOptions::new();
        for (name, argument, token) in
            [(KNOWN, "known_device_jwt", &device.known), (TRUSTED, "trusted_device_jwt", &device.trusted)]
        {
            let Some(token) = token else { continue };
            check::bearer(argument, token)?;
            let mut value = HeaderValue::from_str(token.expose())
                .map_err(|_| Error::argument_refused(argument, "has characters that no token has"))?;
            value.set_sensitive(true);
            options = options.header(name, value);
        }
        Ok(self.with_options(options))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::authentication::testing::authentication;

    #[test]
    fn tokens_of_a_device_outlive_sign_ins_that_bring_none() {
        let first = authentication(json!({"sessionJwt": "s", "knownDeviceJwt": "k1", "trustedDeviceJwt": "t1"}));
        let next = authentication(json!({"sessionJwt": "s", "knownDeviceJwt": "k2"}));
        let device = DeviceTokens::of(&first).renewed_by(&next);
        let both = (device.known().map(Secret::expose), device.trusted().map(Secret::expose));
        assert_eq!(both, (Some("k2"), Some("t1")));
        let kept: DeviceTokens = serde_json::from_str(&serde_json::to_string(&device).unwrap()).unwrap();
        assert_eq!(kept, device);
        assert!(!format!("{device:?}").contains("k2"));
    }

    #[test]
    fn odd_tokens_are_refused_by_name() {
        let descope = Descope::builder("P2RmuXyZ0123456789abcdefghij").build().unwrap();
        let device: DeviceTokens = serde_json::from_value(json!({"known": "a\nb"})).unwrap();
        assert_eq!(descope.with_device(&device).unwrap_err().argument(), Some("known_device_jwt"));
        descope.with_device(&DeviceTokens::default()).unwrap();
    }
}
