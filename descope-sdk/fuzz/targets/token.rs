//! Session tokens: as they come, and with a header or a payload of any sort under a good signature.

#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use descope_sdk::session::SessionValidator;
use descope_sdk_fuzz::{NOW, Signer, done, published, split, token_claims, token_header, validator};
use libfuzzer_sys::fuzz_target;

static VALIDATOR: LazyLock<SessionValidator> = LazyLock::new(|| {
    // Nothing is remembered, so that every input takes the whole way.
    validator().static_key(published().to_string()).cache_capacity(0).build().expect("a validator")
});
static PROJECT: LazyLock<Signer> = LazyLock::new(Signer::project);
static GOOD: LazyLock<String> =
    LazyLock::new(|| PROJECT.sign(token_header().as_bytes(), token_claims().to_string().as_bytes()));

fuzz_target!(|data: &[u8]| {
    let Some((how, rest)) = split(data) else { return };
    let (token, ours) = match how {
        0 => (PROJECT.sign(token_header().as_bytes(), rest), true),
        1 => (PROJECT.sign(rest, token_claims().to_string().as_bytes()), true),
        _ => match std::str::from_utf8(rest) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => return,
        },
    };
    let _ = done(VALIDATOR.validate_refresh(&token));
    let Ok(session) = done(VALIDATOR.validate_session(&token)) else { return };
    // Nobody else has the key, and no other spelling of a good token is one.
    assert!(ours || token == *GOOD, "{token}");
    assert!(!session.user_id().is_empty());
    assert!(session.expires_at() > UNIX_EPOCH + Duration::from_secs(NOW - 5));
    for tenant in session.tenants() {
        assert!(session.has_tenant(tenant));
        let _ = (session.tenant_roles(tenant), session.tenant_permissions(tenant));
    }
    let _ = (session.roles(), session.permissions(), session.factors(), session.audience(), session.impersonator());
    let _ = (session.issued_at(), session.not_before(), session.refresh_expires_at(), session.custom_claims().count());
    assert!(!format!("{session:?}").contains(&token));
});
