//! Users from the export of another system.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use descope_api::{
    Secret,
    types::{
        ImportedPassword, ImportedPasswordHash, UserBatchImportRequest, UserBatchImportResponse, UserCreateRequest,
        UserImportFailure,
    },
    vocabulary::UserStatus,
};
use serde_json::Value;

use super::change::{self, Past};
use crate::{
    error::{NOT_EMULATED, Refusal},
    http::{Call, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table.on::<op::ManagementUserBatchImport>(import);
}

fn import(call: &mut Call<'_>, body: UserBatchImportRequest) -> Result<UserBatchImportResponse, Refusal> {
    if body.source != "auth0" {
        let message = format!("Exports of {:?} are not emulated; those of \"auth0\" are", body.source);
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    let users = objects("users", body.users.as_deref().unwrap_or_default())?;
    if users.is_empty() {
        return Err(Refusal::required("users"));
    }
    let mut hashes: HashMap<String, Secret> = HashMap::new();
    for entry in objects("hashes", body.hashes.as_deref().unwrap_or_default())? {
        let text = |name: &str| entry[name].as_str().map(str::to_owned);
        if let (Some(email), Some(hash)) = (text("email"), text("passwordHash").or_else(|| text("password_hash"))) {
            hashes.insert(email, hash.into());
        }
    }
    let before = call.state.clone();
    let mut answer = UserBatchImportResponse::new();
    for user in &users {
        let one = auth0(user, &hashes);
        let login_id = one.login_id.clone();
        match change::add(call, one, false, Past::default(), None) {
            Ok(user) => answer.users.push(user.to_api(call.state)),
            Err(refusal) => {
                answer.failures.push(UserImportFailure::new().user(login_id).reason(refusal.message));
            }
        }
    }
    if body.dryrun == Some(true) {
        *call.state = before;
    }
    Ok(answer)
}

/// The objects of a file: a JSON array, or an object on each line.
fn objects(field: &str, file: &str) -> Result<Vec<Value>, Refusal> {
    let unreadable = || Refusal::invalid(format!("The {field} field is no export in JSON, encoded in base64"));
    let text = String::from_utf8(STANDARD.decode(file.trim()).map_err(|_| unreadable())?).map_err(|_| unreadable())?;
    let objects = if let Ok(Value::Array(objects)) = serde_json::from_str(&text) {
        objects
    } else {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(serde_json::from_str).collect::<Result<_, _>>().map_err(|_| unreadable())?
    };
    if objects.iter().all(Value::is_object) { Ok(objects) } else { Err(unreadable()) }
}

/// A user as Auth0 exports it.
fn auth0(user: &Value, hashes: &HashMap<String, Secret>) -> UserCreateRequest {
    let text = |names: &[&str]| {
        names.iter().find_map(|name| user[*name].as_str()).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let email = text(&["email", "Email"]);
    let phone = text(&["phone_number"]);
    let login_id = text(&["username"]).or_else(|| email.clone()).or_else(|| phone.clone());
    let mut one = UserCreateRequest::new(login_id.or_else(|| text(&["user_id", "Id"])).unwrap_or_default());
    one.additional_login_ids = email.clone().into_iter().collect();
    one.name = text(&["name", "Name"]);
    one.given_name = text(&["given_name", "Given Name"]);
    one.family_name = text(&["family_name", "Family Name"]);
    one.picture = text(&["picture"]);
    one.verified_email = Some(user["email_verified"] == true);
    one.verified_phone = Some(user["phone_verified"] == true);
    one.status = Some(if user["blocked"] == true { UserStatus::DISABLED } else { UserStatus::ENABLED });
    one.hashed_password = email.as_deref().and_then(|email| hashes.get(email)).map(|hash| {
        let hash = ImportedPasswordHash::new(hash.clone());
        ImportedPassword::new().bcrypt(hash)
    });
    one.email = email;
    one.phone = phone;
    one
}
