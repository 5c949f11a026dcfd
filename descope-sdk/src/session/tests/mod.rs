//! Tests of the validator as a whole.

mod ages;
mod attacks;
mod cache;
mod differential;
mod dpop;
mod dpop_urls;
mod fetches;
mod properties;
mod received;
mod validator;

use super::token::error::TokenError;

/// The name of a verdict's variant, or `ok`.
fn verdict<T>(result: Result<T, TokenError>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => format!("{error:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned(),
    }
}
