//! Another Descope project, by credentials of its own. Passwords, passkeys and authenticator secrets cannot be read there.

use std::{env, time::Duration};

use descope_sdk::{
    Descope, Secret,
    management::user::{AssociatedTenant, User, UserStatus},
};
use tokio::sync::mpsc;

use super::{AHEAD, Reading};
use crate::{
    error::{Error, Result},
    row::{Place, Row},
    service::{Service, documented},
};

const PROJECT_ID: &str = "DESCOPE_SOURCE_PROJECT_ID";
const MANAGEMENT_KEY: &str = "DESCOPE_SOURCE_MANAGEMENT_KEY";
const BASE_URL: &str = "DESCOPE_SOURCE_BASE_URL";

pub(super) async fn read(timeout: Duration) -> Result<Reading> {
    let given = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let needed = |name: &'static str| given(name).ok_or_else(|| Error::option("from", format!("{name} is not set")));
    let mut builder = Descope::builder(needed(PROJECT_ID)?).management_key(Secret::from(needed(MANAGEMENT_KEY)?));
    if let Some(base_url) = given(BASE_URL) {
        builder = builder.base_url(base_url);
    }
    let descope = builder.timeout(timeout).pace(documented(1.0)).build().map_err(Error::Client)?;
    let source = Service::of(descope);
    let total = source.count().await?;
    let (sender, rows) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut users = source.descope().management().users().search().stream();
        let (mut number, mut failures) = (0, 0);
        while let Some(user) = users.next().await {
            let row = match user {
                Ok(user) => {
                    failures = 0;
                    number += 1;
                    Ok(of(Place { number, line: None, read: number }, user).finished())
                }
                // Polled again, the stream asks for the same page.
                Err(error) => match Service::patience(&error, failures) {
                    Some(wait) => {
                        failures += 1;
                        tokio::time::sleep(wait).await;
                        continue;
                    }
                    None => Err(Error::service(error)),
                },
            };
            let last = row.is_err();
            if sender.send(row).await.is_err() || last {
                return;
            }
        }
    });
    Ok(Reading { rows, total: Some(total) })
}

fn of(place: Place, user: User) -> Row {
    let mut row = Row::new(place);
    row.email("email", user.email.as_deref().unwrap_or_default(), user.verified_email == Some(true));
    row.phone("phone", user.phone.as_deref().unwrap_or_default(), user.verified_phone == Some(true));
    row.names(user.login_ids);
    row.password_left = user.password == Some(true);
    let entry = &mut row.entry;
    entry.name = user.name;
    entry.given_name = user.given_name;
    entry.middle_name = user.middle_name;
    entry.family_name = user.family_name;
    entry.picture = user.picture.filter(|picture| !picture.is_empty());
    // Whoever has expired there does not come to life here.
    let kept = [UserStatus::ENABLED, UserStatus::INVITED];
    entry.status = Some(user.status.filter(|status| kept.contains(status)).unwrap_or(UserStatus::DISABLED));
    entry.role_names = user.role_names;
    let tenants = user.user_tenants.into_iter();
    entry.user_tenants = tenants
        .filter_map(|tenant| Some(AssociatedTenant::new(tenant.tenant_id?).role_names(tenant.role_names)))
        .collect();
    entry.custom_attributes = user.custom_attributes;
    entry.created_time = user.created_time.filter(|time| *time > 0);
    row
}
