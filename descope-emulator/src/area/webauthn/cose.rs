//! Public keys in COSE form, and the signatures that they check.

use aws_lc_rs::{
    rsa::PublicKeyComponents,
    signature::{ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
};
use ciborium::Value;
use coset::{
    AsCborValue as _, CborSerializable as _, CoseKey, KeyType, Label, RegisteredLabelWithPrivate,
    iana::{self, EnumI64 as _},
};

/// The algorithms that are asked for, in the order of preference.
pub(super) const ALGORITHMS: [i64; 3] =
    [iana::Algorithm::ES256 as i64, iana::Algorithm::EdDSA as i64, iana::Algorithm::RS256 as i64];

/// A public key that can be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// ECDSA on P-256 with SHA-256: the point, uncompressed.
    Es256(Vec<u8>),
    /// Ed25519.
    EdDsa(Vec<u8>),
    /// RSA with SHA-256, PKCS #1 v1.5: modulus and exponent.
    Rs256(Vec<u8>, Vec<u8>),
}

impl PublicKey {
    /// Reads the CBOR form. `None` for a key of another kind, or one that is none.
    pub(super) fn from_slice(cbor: &[u8]) -> Option<Self> {
        Self::of(&CoseKey::from_slice(cbor).ok()?)
    }

    pub(super) fn from_value(value: Value) -> Option<Self> {
        Self::of(&CoseKey::from_cbor_value(value).ok()?)
    }

    fn of(key: &CoseKey) -> Option<Self> {
        let find = |label: i64| {
            let value = key.params.iter().find(|(known, _)| *known == Label::Int(label)).map(|(_, value)| value);
            value.cloned()
        };
        let bytes = |label: i64| find(label).and_then(|value| value.into_bytes().ok());
        let curve = |label: i64| {
            find(label).and_then(|value| value.into_integer().ok()).and_then(|curve| i64::try_from(curve).ok())
        };
        let KeyType::Assigned(kind) = key.kty else { return None };
        let Some(RegisteredLabelWithPrivate::Assigned(algorithm)) = key.alg else { return None };
        match (kind, algorithm) {
            (iana::KeyType::EC2, iana::Algorithm::ES256) => {
                let (x, y) = (bytes(iana::Ec2KeyParameter::X.to_i64())?, bytes(iana::Ec2KeyParameter::Y.to_i64())?);
                let right = curve(iana::Ec2KeyParameter::Crv.to_i64()) == Some(iana::EllipticCurve::P_256.to_i64());
                (right && x.len() == 32 && y.len() == 32).then(|| Self::Es256([&[4], &x[..], &y[..]].concat()))
            }
            (iana::KeyType::OKP, iana::Algorithm::EdDSA) => {
                let right = curve(iana::OkpKeyParameter::Crv.to_i64()) == Some(iana::EllipticCurve::Ed25519.to_i64());
                bytes(iana::OkpKeyParameter::X.to_i64()).filter(|x| right && x.len() == 32).map(Self::EdDsa)
            }
            (iana::KeyType::RSA, iana::Algorithm::RS256) => {
                let (n, e) = (bytes(iana::RsaKeyParameter::N.to_i64())?, bytes(iana::RsaKeyParameter::E.to_i64())?);
                Some(Self::Rs256(n, e))
            }
            _ => None,
        }
    }

    /// The point of a key on P-256, uncompressed.
    pub(super) fn point(&self) -> Option<&[u8]> {
        match self {
            Self::Es256(point) => Some(point),
            Self::EdDsa(_) | Self::Rs256(..) => None,
        }
    }

    /// The number of the algorithm.
    pub(super) fn algorithm(&self) -> i64 {
        match self {
            Self::Es256(_) => iana::Algorithm::ES256.to_i64(),
            Self::EdDsa(_) => iana::Algorithm::EdDSA.to_i64(),
            Self::Rs256(..) => iana::Algorithm::RS256.to_i64(),
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature).is_ok()
            }
            Self::EdDsa(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok(),
            Self::Rs256(n, e) => {
                PublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
        }
    }
}
