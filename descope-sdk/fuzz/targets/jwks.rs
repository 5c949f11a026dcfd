//! Answers of the keys endpoint, and keys from a configuration.

#![no_main]

use std::sync::{Arc, LazyLock};

use descope_sdk::session::TokenError;
use descope_sdk_fuzz::{Signer, done, token_claims, token_header, validator};
use libfuzzer_sys::fuzz_target;

static GOOD: LazyLock<String> =
    LazyLock::new(|| Signer::project().sign(token_header().as_bytes(), token_claims().to_string().as_bytes()));

fuzz_target!(|data: &[u8]| {
    if let Ok(validator) = validator().static_key(data).build() {
        let verdict = done(validator.validate_session(&GOOD));
        assert!(!matches!(verdict, Err(TokenError::KeysUnavailable(_))));
    }
    let body = data.to_vec();
    let fetching = validator().fetch_keys(Arc::new(move || Box::pin(std::future::ready(Ok(body.clone()))))).build();
    let fetching = fetching.expect("a validator");
    let loaded = done(fetching.preload_keys()).is_ok();
    let verdict = done(fetching.validate_session(&GOOD));
    assert_eq!(loaded, !matches!(verdict, Err(TokenError::KeysUnavailable(_))));
});
