//! The project that users go to.

use std::{collections::HashSet, time::Duration};

use descope_sdk::{Descope, DescopeBuilder, ErrorKind, Pacing, RateGroup, RetryPolicy, management::user::User};

use crate::{
    cli::ServiceArguments,
    error::{Error, Result},
    row::normal,
};

/// How often in a row a call may fail for a reason that passes.
const ATTEMPTS: u32 = 10;
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The longest wait that the service may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(120);

/// The documented rate limits, or a part or a multiple of them.
///
/// A part is fewer calls in the same time, so that others always find room. A multiple is the same number in less time, so
/// that there are no longer bursts than the service knows.
pub(crate) fn documented(factor: f64) -> Pacing {
    let documented = [
        (RateGroup::All, 1000, 10.0),
        (RateGroup::Users, 500, 60.0),
        (RateGroup::UserCreation, 100, 60.0),
        (RateGroup::UserUpdates, 200, 60.0),
    ];
    documented.into_iter().fold(Pacing::documented(), |pacing, (group, calls, seconds)| {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float becomes the nearest number"
        )]
        let calls = (f64::from(calls) * factor.min(1.0)).round().max(1.0) as u32;
        pacing.limit(group, calls, Duration::from_secs_f64(seconds / factor.max(1.0)))
    })
}

#[derive(Clone)]
pub(crate) struct Service {
    descope: Descope,
}

impl Service {
    pub(crate) fn connect(arguments: &ServiceArguments) -> Result<Self> {
        let mut builder = DescopeBuilder::from_env().map_err(Error::Client)?;
        if let Some(base_url) = &arguments.base_url {
            builder = builder.base_url(base_url);
        }
        // Whoever repeats a creation has to look first, also after a 503, which may come from something in between. What can
        // be repeated is repeated here.
        let builder = builder.retry(RetryPolicy::none());
        let builder = builder.timeout(arguments.timeout).pace(documented(arguments.limit_factor));
        Ok(Self { descope: builder.build().map_err(Error::Client)? })
    }

    pub(crate) fn of(descope: Descope) -> Self {
        Self { descope }
    }

    pub(crate) fn descope(&self) -> &Descope {
        &self.descope
    }

    /// How long to wait before a call that has failed is made again, if that makes sense.
    pub(crate) fn patience(error: &descope_sdk::Error, failures: u32) -> Option<Duration> {
        let passing = error.is_retryable() || error.kind() == ErrorKind::Decode;
        let own = Duration::from_millis(250 << failures.min(7)).min(LONGEST_WAIT);
        let wait = error.retry_after().map_or(own, |asked| asked.min(LONGEST_ASKED));
        (passing && failures < ATTEMPTS).then_some(wait)
    }

    /// Makes a call that can be made twice, until it succeeds or will not.
    pub(crate) async fn persist<T, F>(call: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = descope_sdk::Result<T>>,
    {
        let mut failures = 0;
        loop {
            match call().await {
                Ok(value) => return Ok(value),
                Err(error) => match Self::patience(&error, failures) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(Error::service(error)),
                },
            }
            failures += 1;
        }
    }

    /// How many users there are.
    pub(crate) async fn count(&self) -> Result<u64> {
        Self::persist(|| self.descope.management().users().search().with_test_user(true).count()).await
    }

    /// The users who have any of the login ids.
    pub(crate) async fn find(&self, login_ids: &[String]) -> Result<Found> {
        let mut users = Vec::new();
        for some in login_ids.chunks(100) {
            let size = u32::try_from(some.len()).unwrap_or(100);
            let search = || {
                let search = self.descope.management().users().search().with_test_user(true);
                search.login_ids(some.iter().map(|id| descope_sdk::LoginId::new(id.as_str()))).page(0, size)
            };
            users.extend(Self::persist(search).await?.items);
        }
        Ok(Found::new(users))
    }

    /// What users of the project can have.
    pub(crate) async fn facts(&self) -> Result<Facts> {
        let management = self.descope.management();
        let roles = Self::persist(|| management.roles().load_all().send()).await?;
        let tenants = Self::persist(|| management.tenants().load_all().send()).await?;
        let attributes = Self::persist(|| management.users().load_attributes().send()).await?;
        Ok(Facts {
            roles: roles
                .into_iter()
                .filter_map(|role| Some((role.name?, role.tenant_id.filter(|tenant| !tenant.is_empty()))))
                .collect(),
            tenants: tenants.into_iter().filter_map(|tenant| tenant.id).collect(),
            attributes: attributes.into_iter().filter_map(|attribute| attribute.name).collect(),
        })
    }
}

/// Users who were looked up.
pub(crate) struct Found {
    users: Vec<User>,
    by_login_id: std::collections::HashMap<String, usize>,
}

impl Found {
    fn new(users: Vec<User>) -> Self {
        let names =
            users.iter().enumerate().flat_map(|(at, user)| user.login_ids.iter().map(move |id| (normal(id), at)));
        Self { by_login_id: names.collect(), users }
    }

    pub(crate) fn get(&self, login_id: &str) -> Option<&User> {
        self.by_login_id.get(login_id).map(|at| &self.users[*at])
    }
}

/// The roles, tenants and custom attributes of a project.
pub(crate) struct Facts {
    roles: HashSet<(String, Option<String>)>,
    tenants: HashSet<String>,
    attributes: HashSet<String>,
}

impl Facts {
    /// Whether a role can be given at the level of the project, or in a tenant.
    pub(crate) fn has_role(&self, name: &str, tenant: Option<&str>) -> bool {
        let has = |tenant: Option<&str>| self.roles.contains(&(name.to_owned(), tenant.map(str::to_owned)));
        has(None) || tenant.is_some() && has(tenant)
    }

    pub(crate) fn has_tenant(&self, id: &str) -> bool {
        self.tenants.contains(id)
    }

    pub(crate) fn has_attribute(&self, name: &str) -> bool {
        self.attributes.contains(name)
    }
}
