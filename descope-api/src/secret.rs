//! A string that does not show itself.

use std::{fmt, mem};

use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

/// A token, code, password or key: not printed by `Debug`, wiped from memory when dropped, and sent as it is.
///
/// ```
/// use descope_api::Secret;
///
/// let code = Secret::from("123456");
/// assert_eq!(format!("{code:?}"), "Secret(**)");
/// assert_eq!(code.expose(), "123456");
/// assert_eq!(serde_json::to_string(&code).unwrap(), "\"123456\"");
/// ```
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Secret(#[cfg_attr(feature = "schemars", schemars(schema_with = "password"))] String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself. Named so that every place that reads it can be found.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl From<&Secret> for Secret {
    fn from(value: &Secret) -> Self {
        value.clone()
    }
}

impl PartialEq for Secret {
    /// Takes the same time wherever the first difference is.
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        a.len() == b.len() && a.iter().zip(b).fold(0, |found, (x, y)| found | (x ^ y)) == 0
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "Secret()" } else { "Secret(**)" })
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut mem::take(&mut self.0).into_bytes());
    }
}

/// Overwrites all that is allocated, which may have held more. Volatile writes are never merged, so wiping byte by byte
/// would take eight times as many.
fn wipe(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.capacity(), 0);
    let (first, words, last) = bytemuck::pod_align_to_mut::<u8, u64>(bytes);
    first.zeroize();
    words.zeroize();
    last.zeroize();
}

#[cfg(feature = "schemars")]
fn password(generator: &mut schemars::r#gen::SchemaGenerator) -> schemars::schema::Schema {
    let mut schema = generator.subschema_for::<String>().into_object();
    schema.format = Some("password".to_owned());
    schema.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_allocated_is_wiped() {
        for length in 0..40 {
            for spare in [0, 1, 7, 100] {
                let mut bytes = Vec::with_capacity(length + spare);
                bytes.resize(length, b'x');
                let room = bytes.capacity();
                wipe(&mut bytes);
                assert_eq!(bytes, vec![0; room], "{length} and {spare}");
            }
        }
    }
}
