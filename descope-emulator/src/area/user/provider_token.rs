//! What social providers have given at a sign-in, for the back end to call their APIs with.

use descope_api::types::UserProviderTokenResponse;
use serde::{Deserialize, Serialize};

use super::{change, find};
use crate::{
    error::Refusal,
    http::{Call, Nothing, Table, op},
};

/// How long an access token is good for, in seconds.
const LIFETIME: i64 = 3600;
/// What each sign-in asks a provider for.
const SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// The tokens of one provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ProviderToken {
    /// Who the user is there.
    account: String,
    access_token: String,
    refresh_token: String,
    expires_at: i64,
}

pub(super) fn register(table: &mut Table) {
    table.on::<op::ManagementUserCredentialLoadProviderToken>(load);
}

/// Keeps what a provider gives to somebody who has signed in by it.
pub(in crate::area) fn keep(call: &mut Call<'_>, user_id: &str, provider: &str, account: &str) {
    let token = ProviderToken {
        account: account.to_owned(),
        access_token: call.state.ids.alphanumeric(40),
        refresh_token: call.state.ids.alphanumeric(40),
        expires_at: call.now + LIFETIME,
    };
    call.state.users.update_quietly(&mut call.state.log, user_id, |user| {
        user.provider_tokens.insert(provider.to_owned(), token);
    });
}

/// The access token, which the provider renews when it has ended or when that is asked for.
fn load(call: &mut Call<'_>, _: Nothing) -> Result<UserProviderTokenResponse, Refusal> {
    let provider = call.query("provider").unwrap_or_default().to_owned();
    let asked = |name: &str| call.query(name) == Some("true");
    let (force, with_refresh_token) = (asked("forceRefresh"), asked("withRefreshToken"));
    let user = find(call.state, call.query("loginId").unwrap_or_default())?;
    let kept = user.provider_tokens.get(&provider).cloned();
    let mut token =
        kept.ok_or_else(|| change::not_there(&format!("token of the provider {provider:?} for this user")))?;
    if force || token.expires_at <= call.now {
        let user_id = user.id.clone();
        token.access_token = call.state.ids.alphanumeric(40);
        token.expires_at = call.now + LIFETIME;
        call.state.users.update_quietly(&mut call.state.log, &user_id, |user| {
            user.provider_tokens.insert(provider.clone(), token.clone());
        });
    }
    let answer = UserProviderTokenResponse::new()
        .provider(provider)
        .provider_user_id(token.account)
        .access_token(token.access_token)
        .expiration(token.expires_at)
        .scopes(SCOPES);
    Ok(if with_refresh_token { answer.refresh_token(token.refresh_token) } else { answer })
}
