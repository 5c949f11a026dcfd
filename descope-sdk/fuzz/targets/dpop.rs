//! Proofs of possession: as they come, and with a header, a payload or a URL of any sort under a good signature.

#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use descope_sdk::session::{
    AuthScheme, BurnFuture, Burned, DpopRequest, ProofId, ReplayStore, SessionValidator, TokenError,
};
use descope_sdk_fuzz::{
    METHOD, Signer, URL, bound_token, done, proof_claims, proof_header, published, split, validator,
};
use libfuzzer_sys::fuzz_target;

/// Every proof comes for the first time, or else only the first good one would be seen.
struct Forgetful;

impl ReplayStore for Forgetful {
    fn burn(&self, _: ProofId, _: SystemTime, _: Duration) -> BurnFuture<'_> {
        Box::pin(std::future::ready(Ok(Burned::Now)))
    }
}

static VALIDATOR: LazyLock<SessionValidator> = LazyLock::new(|| {
    validator().static_key(published().to_string()).replay_store(Forgetful).build().expect("a validator")
});
static HOLDER: LazyLock<Signer> = LazyLock::new(Signer::holder);
static TOKEN: LazyLock<String> = LazyLock::new(bound_token);
static GOOD: LazyLock<String> = LazyLock::new(|| HOLDER.sign(proof_header().as_bytes(), proof_claims().as_bytes()));

fuzz_target!(|data: &[u8]| {
    let Some((how, rest)) = split(data) else { return };
    let (proof, ours) = match how {
        0 => (HOLDER.sign(proof_header().as_bytes(), rest), true),
        1 => (HOLDER.sign(rest, proof_claims().as_bytes()), true),
        2 => {
            // The server's own URL and forwarded headers, under a good proof.
            let Ok(text) = std::str::from_utf8(rest) else { return };
            let mut lines = text.splitn(3, '\n');
            let (url, proto, host) = (lines.next().unwrap_or_default(), lines.next(), lines.next());
            let request = DpopRequest::new(METHOD, url).forwarded(proto, host).proof(&GOOD);
            let _ = done(VALIDATOR.validate_session_with_proof(&TOKEN, &request));
            return;
        }
        _ => match std::str::from_utf8(rest) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => return,
        },
    };
    let request = DpopRequest::new(METHOD, URL).scheme(AuthScheme::Dpop).proof(&proof);
    match done(VALIDATOR.validate_session_with_proof(&TOKEN, &request)) {
        // Nobody else has the key.
        Ok(_) => assert!(ours || proof.trim() == *GOOD, "{proof}"),
        // The token is good, so it is always the proof.
        Err(error) => assert!(matches!(error, TokenError::InvalidProof(_)), "{error:?}"),
    }
});
