//! The signature algorithms that are accepted, and what verifies them.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, VerificationAlgorithm,
};

/// The allow list. Anything that is not here cannot be expressed, `none` and the HMAC family first of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

/// How a key of some algorithm is read and used.
#[derive(Clone, Copy)]
pub(crate) enum Scheme {
    Rsa(&'static RsaParameters),
    /// A curve: its JWK name, the bytes of one coordinate, and the verifier.
    Ec(&'static str, usize, &'static dyn VerificationAlgorithm),
    Ed25519(&'static dyn VerificationAlgorithm),
}

impl Scheme {
    /// ES512, which a proof of possession may be made with. It is not an [`Algorithm`]: Descope does not sign tokens with it.
    pub(crate) const ES512: Self = Self::Ec("P-521", 66, &ECDSA_P521_SHA512_FIXED);
}

impl Algorithm {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// The algorithm of a JOSE name, which is case-sensitive (RFC 7515, section 4.1.1).
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }

    /// What a key without an `alg` is for, by its type and curve.
    pub(crate) fn implied_by(kty: &str, crv: Option<&str>) -> Option<Self> {
        Some(match (kty, crv) {
            ("RSA", _) => Self::Rs256,
            ("EC", Some("P-256")) => Self::Es256,
            ("EC", Some("P-384")) => Self::Es384,
            ("OKP", Some("Ed25519")) => Self::EdDsa,
            _ => return None,
        })
    }

    pub(crate) fn scheme(self) -> Scheme {
        match self {
            Self::Rs256 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA512),
            Self::Es256 => Scheme::Ec("P-256", 32, &ECDSA_P256_SHA256_FIXED),
            Self::Es384 => Scheme::Ec("P-384", 48, &ECDSA_P384_SHA384_FIXED),
            Self::EdDsa => Scheme::Ed25519(&ED25519),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_list_has_a_name() {
        for name in [
            "", "none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "hs256", "rs256", "RS256 ", " RS256", "RS1",
            "ES512", "ES256K", "Ed25519", "eddsa", "RSA-OAEP", "dir", "RS256\0",
        ] {
            assert_eq!(Algorithm::from_name(name), None, "{name:?}");
        }
    }

    #[test]
    fn keys_without_an_algorithm_imply_one() {
        assert_eq!(Algorithm::implied_by("RSA", None), Some(Algorithm::Rs256));
        assert_eq!(Algorithm::implied_by("EC", Some("P-256")), Some(Algorithm::Es256));
        assert_eq!(Algorithm::implied_by("EC", Some("P-384")), Some(Algorithm::Es384));
        assert_eq!(Algorithm::implied_by("OKP", Some("Ed25519")), Some(Algorithm::EdDsa));
        for (kty, crv) in
            [("EC", Some("P-521")), ("EC", Some("secp256k1")), ("EC", None), ("OKP", Some("X25519")), ("oct", None)]
        {
            assert_eq!(Algorithm::implied_by(kty, crv), None, "{kty} {crv:?}");
        }
    }
}
