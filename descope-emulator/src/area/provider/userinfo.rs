//! The claims about the user of an access token.

use serde_json::Value;

use super::{
    Params, Place, claims,
    client::Client,
    grant::{self, Use},
};
use crate::{
    error::Refusal,
    flow::token,
    http::{Call, Reply},
};

pub(super) fn answer(call: &mut Call<'_>, place: &Place, params: &Params) -> Result<Reply, Refusal> {
    let refuse = || Refusal::oauth("invalid_token", "The access token is not good, or there is none in the bearer");
    let app = place.app.as_deref().or_else(|| params.text("ssoAppId"));
    let given = super::bearer(call.headers).ok_or_else(refuse)?;
    let shown = grant::read(call, given, Use::Access)
        .filter(|shown| shown.grant.place.side == place.side && app.is_none_or(|app| app == shown.grant.app_id))
        .ok_or_else(refuse)?;
    let user = call.state.users.get(&shown.grant.user_id).ok_or_else(refuse)?;
    token::refuse_disabled(Some(user)).map_err(|_| refuse())?;
    let client = Client::get(call.state, &call.project.id, &shown.grant.place, &shown.grant.app_id)?;
    let mut claims = claims::of_user(call.state, &client, user, &shown.scopes());
    claims::further(call.state, &client, user, &mut claims);
    claims.insert("sub".to_owned(), Value::from(user.id.as_str()));
    Ok(Reply::json(200, &claims)?.bare())
}
