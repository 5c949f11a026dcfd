//! What an authenticator says of its own make, by section 8 of the WebAuthn specification. Forms that cannot be checked
//! here are not taken on trust. Certificates are not traced to their makers: there is no list of those.

use aws_lc_rs::digest::{SHA256, digest};
use ciborium::Value as Cbor;
use coset::iana::{Algorithm, EnumI64 as _};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use webpki::{
    EndEntityCert,
    aws_lc_rs::{ECDSA_P256_SHA256, ED25519, RSA_PKCS1_2048_8192_SHA256},
};

use super::cose::PublicKey;
use crate::error::{NOT_EMULATED, Refusal};

/// A new passkey, and what was signed about it.
pub(super) struct Made<'a> {
    pub(super) key: &'a PublicKey,
    pub(super) id: &'a [u8],
    pub(super) aaguid: &'a [u8],
    /// The authenticator data as they came.
    pub(super) data: &'a [u8],
    pub(super) client_data_hash: &'a [u8],
}

/// The members of a statement by their names.
struct Statement<'a>(&'a [(Cbor, Cbor)]);

impl Statement<'_> {
    fn get(&self, name: &str) -> Option<&Cbor> {
        self.0.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
    }

    fn bytes(&self, name: &str) -> &[u8] {
        self.get(name).and_then(Cbor::as_bytes).map(Vec::as_slice).unwrap_or_default()
    }

    fn algorithm(&self) -> Option<i64> {
        self.get("alg").and_then(Cbor::as_integer).and_then(|number| i64::try_from(number).ok())
    }

    /// The certificates, the authenticator's own first. `None` where there are none at all.
    fn certificates(&self) -> Option<Vec<&[u8]>> {
        let certificates = self.get("x5c")?.as_array()?;
        certificates.iter().map(|certificate| certificate.as_bytes().map(Vec::as_slice)).collect()
    }
}

fn refuse(why: &str) -> Refusal {
    Refusal::invalid(format!("The attestation {why}"))
}

/// Checks a statement.
pub(super) fn check(format: &str, statement: &[(Cbor, Cbor)], made: &Made<'_>) -> Result<(), Refusal> {
    let statement = Statement(statement);
    match format {
        "none" if statement.0.is_empty() => Ok(()),
        "none" => Err(refuse("says that it is none, and holds something")),
        "packed" if statement.get("x5c").is_some() => packed(&statement, made),
        "packed" if statement.get("ecdaaKeyId").is_none() => packed_by_itself(&statement, made),
        "fido-u2f" => u2f(&statement, made),
        other => {
            let message = format!("The emulator cannot check an attestation of the form {other:?}; ask for none");
            Err(Refusal::new(&NOT_EMULATED, message))
        }
    }
}

/// The passkey has signed for itself.
fn packed_by_itself(statement: &Statement<'_>, made: &Made<'_>) -> Result<(), Refusal> {
    let signed = [made.data, made.client_data_hash].concat();
    let right = made.key.verifies(&signed, statement.bytes("sig"));
    if statement.algorithm() != Some(made.key.algorithm()) || !right {
        return Err(refuse("was not signed by the passkey"));
    }
    Ok(())
}

/// Whether a certificate's key has signed.
fn signed_by(certificate: &[u8], algorithm: i64, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
    let algorithm: &dyn SignatureVerificationAlgorithm = match Algorithm::from_i64(algorithm) {
        Some(Algorithm::ES256) => ECDSA_P256_SHA256,
        Some(Algorithm::EdDSA) => ED25519,
        Some(Algorithm::RS256) => RSA_PKCS1_2048_8192_SHA256,
        _ => return Err(refuse("is signed by an algorithm that was not asked for")),
    };
    let certificate = CertificateDer::from(certificate);
    let certificate =
        EndEntityCert::try_from(&certificate).map_err(|_| refuse("holds a certificate that cannot be read"))?;
    let right = certificate.verify_signature(algorithm, message, signature);
    right.map_err(|_| refuse("was not signed by the key of its certificate"))
}

/// What certificates of authenticators have in their subject.
const UNIT: &[u8] = b"Authenticator Attestation";
/// The extension that tells the model: 1.3.6.1.4.1.45724.1.1.4, as it stands in a certificate.
const MODEL: [u8; 13] = [0x06, 0x0b, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xe5, 0x1c, 0x01, 0x01, 0x04];

fn find<'a>(text: &'a [u8], part: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(part.len()).position(|window| window == part)?;
    text.get(at + part.len()..)
}

/// The model that a certificate is for, where it tells.
fn model(certificate: &[u8]) -> Option<&[u8]> {
    let rest = find(certificate, &MODEL)?;
    // Whether it is critical may stand between; then come a text of 18 bytes and in it one of 16.
    let rest = rest.strip_prefix(&[0x01, 0x01, 0x00]).unwrap_or(rest);
    Some(rest.strip_prefix(&[0x04, 0x12, 0x04, 0x10])?.get(..16).unwrap_or_default())
}

fn packed(statement: &Statement<'_>, made: &Made<'_>) -> Result<(), Refusal> {
    let certificates = statement.certificates().unwrap_or_default();
    let own = *certificates.first().ok_or_else(|| refuse("holds no certificate"))?;
    let signed = [made.data, made.client_data_hash].concat();
    signed_by(own, statement.algorithm().unwrap_or_default(), &signed, statement.bytes("sig"))?;
    let der = CertificateDer::from(own);
    let certificate = EndEntityCert::try_from(&der).map_err(|_| refuse("holds a certificate that cannot be read"))?;
    if find(certificate.subject(), UNIT).is_none() {
        return Err(refuse("holds a certificate that is not one of an authenticator"));
    }
    if model(own).is_some_and(|model| model != made.aaguid) {
        return Err(refuse("holds the certificate of another model"));
    }
    Ok(())
}

/// The older form of security keys.
fn u2f(statement: &Statement<'_>, made: &Made<'_>) -> Result<(), Refusal> {
    let certificates = statement.certificates().unwrap_or_default();
    let &[own] = certificates.as_slice() else {
        return Err(refuse("does not hold one certificate"));
    };
    let point = made.key.point().ok_or_else(|| refuse("is of a form that goes with another kind of key"))?;
    if made.aaguid.iter().any(|byte| *byte != 0) {
        return Err(refuse("is of a form whose authenticators do not tell their model"));
    }
    let domain = made.data.get(..digest(&SHA256, &[]).as_ref().len()).unwrap_or_default();
    let signed = [&[0][..], domain, made.client_data_hash, made.id, point].concat();
    signed_by(own, Algorithm::ES256.to_i64(), &signed, statement.bytes("sig"))
}
