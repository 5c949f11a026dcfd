//! One call that gives a signed-in session, for tests that are about what comes after the sign-in.

use std::fmt;

use descope_api::{Secret, types::JwtResponse};
use serde::Serialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::{members::Members, person::PersonError};
use crate::{
    address::{clean_phone, is_email, is_phone},
    area::{
        role, tenant,
        user::{Profile, UserRecord},
    },
    error::{PROJECT_NOT_FOUND, Refusal},
    flow::{self, SessionWish, token},
    http::{App, Call},
    world::{Settings, clock::system_now},
};

/// The operation of the service that comes closest, by which the answer has its form.
const OPERATION: &str = "managementJwtSignUpOrIn";

/// Who is to be signed in, and with what.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use descope_emulator::{Emulator, SessionRequest};
///
/// let emulator = Emulator::builder().start().await?;
/// let ada = emulator.sign_in(&SessionRequest::new("ada@example.com").claim("plan", "pro"))?;
/// println!("{}", ada.storage_state());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct SessionRequest {
    project: Option<String>,
    login_id: String,
    name: Option<String>,
    tenant: Option<String>,
    roles: Vec<String>,
    claims: Map<String, Value>,
    origin: Option<String>,
}

impl SessionRequest {
    /// A session of the user with this login id, who comes into being where there is none.
    pub fn new(login_id: impl Into<String>) -> Self {
        Self { login_id: login_id.into(), ..Self::default() }
    }

    /// In another project than the one that the emulator was started for.
    #[must_use]
    pub fn project(mut self, project_id: impl Into<String>) -> Self {
        self.project = Some(project_id.into());
        self
    }

    /// The name of a user who comes into being.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The current tenant, by its id. The user joins it if they are not in it yet.
    #[must_use]
    pub fn tenant(mut self, tenant_id: impl Into<String>) -> Self {
        self.tenant = Some(tenant_id.into());
        self
    }

    /// A role that the user gets: in the tenant where one is named, else in the project.
    #[must_use]
    pub fn role(mut self, name: impl Into<String>) -> Self {
        self.roles.push(name.into());
        self
    }

    /// A claim of the tokens, at their top level.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// The origin of the application that the browser opens, such as `http://localhost:3000`: the cookies are for its host,
    /// and the storage state has the tokens in its local storage too.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Reads the members of a JSON object.
    pub(super) fn read(members: Map<String, Value>) -> Result<Self, Refusal> {
        let mut members = Members::new(members);
        let request = Self {
            login_id: members.text("loginId")?.ok_or_else(|| Refusal::required("loginId"))?,
            project: members.text("project")?,
            name: members.text("name")?,
            tenant: members.text("tenant")?,
            roles: members.texts("roles")?,
            claims: members.object("claims")?,
            origin: members.text("origin")?,
        };
        members.finish()?;
        Ok(request)
    }
}

/// A cookie in the form in which browser tests take it, such as Playwright's.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BrowserCookie {
    /// Its name, such as `DS`.
    pub name: String,
    /// Its value, which is a token.
    pub value: String,
    /// The host that it is for.
    pub domain: String,
    /// The path that it is for.
    pub path: String,
    /// When the browser forgets it, in seconds since 1970 by the computer's clock.
    pub expires: i64,
    /// Whether scripts of the page cannot read it.
    pub http_only: bool,
    /// Whether it goes over https only.
    pub secure: bool,
    /// `Strict`, `Lax` or `None`.
    pub same_site: String,
}

impl fmt::Debug for BrowserCookie {
    /// Leaves the value out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserCookie").field("name", &self.name).field("domain", &self.domain).finish_non_exhaustive()
    }
}

/// A session of a user who has been signed in.
///
/// `Debug` leaves the tokens out.
#[derive(Clone)]
#[non_exhaustive]
pub struct SignedIn {
    /// The id of the user.
    pub user_id: String,
    /// Whether the user has come into being with this.
    pub created: bool,
    /// The session JWT.
    pub session_jwt: Secret,
    /// The refresh JWT.
    pub refresh_jwt: Secret,
    /// Both as cookies.
    pub cookies: Vec<BrowserCookie>,
    origin: Option<String>,
    answer: Value,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn")
            .field("user_id", &self.user_id)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}

impl SignedIn {
    /// What `storageState` of a browser test takes: the cookies and, where the request named an origin, the tokens in its
    /// local storage, where the browser SDK looks for them.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use descope_emulator::{Emulator, SessionRequest};
    /// let emulator = Emulator::builder().start().await?;
    /// let ada = emulator.sign_in(&SessionRequest::new("ada@example.com").origin("http://localhost:3000"))?;
    /// let state = ada.storage_state();
    /// assert_eq!(state["cookies"][0]["domain"], "localhost");
    /// assert_eq!(state["origins"][0]["localStorage"][0]["name"], "DS");
    /// # Ok(())
    /// # }
    /// ```
    pub fn storage_state(&self) -> Value {
        let item = |name: &str, value: &Secret| json!({"name": name, "value": value.expose()});
        let items = [item("DS", &self.session_jwt), item("DSR", &self.refresh_jwt)];
        let origins: Vec<Value> =
            self.origin.iter().map(|origin| json!({"origin": origin, "localStorage": items})).collect();
        json!({"cookies": self.cookies, "origins": origins})
    }

    /// What the endpoint answers: the answer of a sign-in, and the storage state.
    pub(super) fn into_answer(self) -> Value {
        let state = self.storage_state();
        let mut answer = self.answer;
        if let Some(members) = answer.as_object_mut() {
            members.insert("created".to_owned(), json!(self.created));
            members.insert("cookies".to_owned(), json!(self.cookies));
            members.insert("storageState".to_owned(), state);
        }
        answer
    }
}

impl From<Refusal> for SignInError {
    fn from(refusal: Refusal) -> Self {
        Self(PersonError::from(refusal))
    }
}

/// Nobody was signed in: the tenant, a role or the project does not exist, the user is disabled, or a value cannot be.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SignInError(PersonError);

/// The host that cookies are for, and the origin whose local storage holds the tokens.
fn place(origin: Option<&str>, own_host: &str) -> Result<(String, Option<String>), Refusal> {
    let Some(origin) = origin else { return Ok((own_host.to_owned(), None)) };
    let url = Url::parse(origin).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    let host = url.as_ref().and_then(Url::host_str).map(str::to_owned);
    match (url, host) {
        (Some(url), Some(host)) => Ok((host, Some(url.origin().ascii_serialization()))),
        _ => Err(Refusal::invalid("The member origin has to be an origin such as http://localhost:3000")),
    }
}

fn cookies(tokens: [(&Secret, i64); 2], settings: &Settings, host: &str) -> Vec<BrowserCookie> {
    let names = [&settings.session_cookie_name, &settings.refresh_cookie_name];
    let domain = if settings.cookie_domain.is_empty() { host } else { &settings.cookie_domain };
    let one = |((token, age), name): ((&Secret, i64), &String)| BrowserCookie {
        name: name.clone(),
        value: token.expose().to_owned(),
        domain: domain.to_owned(),
        path: "/".to_owned(),
        expires: system_now() + age,
        http_only: true,
        secure: settings.cookie_secure,
        same_site: settings.cookie_same_site.clone(),
    };
    tokens.into_iter().zip(names).map(one).collect()
}

/// The user of the login id, who comes into being where there is none, and whether that happened.
fn user_of(call: &mut Call<'_>, request: &SessionRequest) -> Result<(String, bool), Refusal> {
    if let Some(user) = call.state.users.find(&request.login_id) {
        token::refuse_disabled(Some(user))?;
        return Ok((user.id.clone(), false));
    }
    let email = is_email(&request.login_id).then(|| request.login_id.clone());
    let phone = is_phone(&request.login_id).then(|| clean_phone(&request.login_id));
    let profile = Profile {
        verified_email: email.is_some(),
        verified_phone: phone.is_some(),
        name: request.name.clone(),
        email,
        phone,
        ..Profile::default()
    };
    let login_ids = vec![request.login_id.clone()];
    Ok((flow::create_user(call, login_ids, profile)?, true))
}

fn open(call: &mut Call<'_>, request: &SessionRequest) -> Result<(JwtResponse, String, bool), Refusal> {
    let (user_id, created) = user_of(call, request)?;
    role::require(call.state, &request.roles, request.tenant.as_deref())?;
    if let Some(tenant) = &request.tenant {
        tenant::require_named(call.state, tenant)?;
    }
    let joins = |user: &UserRecord| request.tenant.as_ref().is_some_and(|tenant| !user.tenants.contains_key(tenant));
    if !request.roles.is_empty() || call.state.users.get(&user_id).is_some_and(joins) {
        call.state.users.update(&mut call.state.log, &user_id, |user| {
            let roles = match &request.tenant {
                Some(tenant) => &mut user.tenants.entry(tenant.clone()).or_default().roles,
                None => &mut user.roles,
            };
            for role in &request.roles {
                if !roles.contains(role) {
                    roles.push(role.clone());
                }
            }
        });
    }
    let method = match &request.login_id {
        id if is_email(id) => "email",
        id if is_phone(id) => "sms",
        _ => "pwd",
    };
    let wish = SessionWish { claims: request.claims.clone(), tenant: request.tenant.clone(), ..SessionWish::default() };
    Ok((flow::sign_in(call, &user_id, &wish, method)?, user_id, created))
}

/// Signs a user in. `own_host` is where the emulator is reached, without a port.
pub(crate) fn sign_in(app: &App, request: &SessionRequest, own_host: &str) -> Result<SignedIn, Refusal> {
    if request.login_id.trim().is_empty() {
        return Err(Refusal::required("loginId"));
    }
    if let Some(name) = request.claims.keys().find(|name| token::is_reserved(name)) {
        return Err(Refusal::invalid(format!("The member claims.{name} is the service's own")));
    }
    let (host, origin) = place(request.origin.as_deref(), own_host)?;
    let project = match &request.project {
        None => app.world.default_project(),
        Some(id) => app.world.project(id).ok_or_else(|| {
            Refusal::new(&PROJECT_NOT_FOUND, format!("The member project is {id}, which is not emulated here"))
        })?,
    };
    let operation = descope_api::operation(OPERATION).ok_or_else(|| Refusal::missing("operation", OPERATION))?;
    let settings = project.state().settings.clone();
    let (mut user_id, mut created) = (String::new(), false);
    let answer = app.act(&project, operation, |call| {
        let (answer, id, new) = open(call, request)?;
        (user_id, created) = (id, new);
        Ok(answer)
    })?;
    let token = |name: &str| Secret::from(answer.get(name).and_then(Value::as_str).unwrap_or_default());
    let (session_jwt, refresh_jwt) = (token("sessionJwt"), token("refreshJwt"));
    let age = settings.refresh_seconds;
    let tokens = [(&session_jwt, age.min(settings.session_seconds)), (&refresh_jwt, age)];
    let cookies = cookies(tokens, &settings, &host);
    Ok(SignedIn { user_id, created, session_jwt, refresh_jwt, cookies, origin, answer })
}
