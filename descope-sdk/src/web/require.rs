//! What is asked of a session, beyond that there is one.

use super::Refusal;
use crate::session::{Claims, Session};

/// What a session must have: roles, permissions, a tenant, factors. Everything that is asked for must be there.
///
/// A rule can guard routes ([`RequireLayer`](super::RequireLayer) for tower and axum,
/// [`RequireMiddleware`](super::RequireMiddleware) for actix-web), or be checked inside a handler, where it may depend on
/// the request:
///
/// ```no_run
/// use descope_sdk::session::Session;
/// use descope_sdk::web::{Refusal, Require};
///
/// fn delete_invoice(session: &Session, tenant: &str) -> Result<(), Refusal> {
///     session.require(&Require::new().tenant_permission(tenant, "invoices:delete").step_up())?;
///     // …
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a rule does nothing until a session is checked against it"]
pub struct Require(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Role(String),
    Permission(String),
    Tenant(String),
    TenantRole(String, String),
    TenantPermission(String, String),
    StepUp,
    Factor(String),
    AnyOf(Vec<Require>),
}

/// How far a session falls short. The worse counts: a stronger sign-in does not bring a role.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Short {
    Nothing,
    Factor,
    Right,
}

impl Require {
    /// Any session will do.
    pub fn new() -> Self {
        Self::default()
    }

    /// A role in the project.
    pub fn role(self, role: impl Into<String>) -> Self {
        self.and(Rule::Role(role.into()))
    }

    /// A permission in the project.
    pub fn permission(self, permission: impl Into<String>) -> Self {
        self.and(Rule::Permission(permission.into()))
    }

    /// The user belongs to this tenant.
    pub fn tenant(self, tenant: impl Into<String>) -> Self {
        self.and(Rule::Tenant(tenant.into()))
    }

    /// A role in this tenant. The same role in the project does not count.
    pub fn tenant_role(self, tenant: impl Into<String>, role: impl Into<String>) -> Self {
        self.and(Rule::TenantRole(tenant.into(), role.into()))
    }

    /// A permission in this tenant. The same permission in the project does not count.
    pub fn tenant_permission(self, tenant: impl Into<String>, permission: impl Into<String>) -> Self {
        self.and(Rule::TenantPermission(tenant.into(), permission.into()))
    }

    /// The user has signed in again for this session (claim `su`).
    pub fn step_up(self) -> Self {
        self.and(Rule::StepUp)
    }

    /// The user has used this factor, as `totp`, or several (`mfa`).
    pub fn factor(self, factor: impl Into<String>) -> Self {
        self.and(Rule::Factor(factor.into()))
    }

    /// One of several rules holds. Without any rule the session is refused.
    ///
    /// ```
    /// use descope_sdk::web::Require;
    ///
    /// let editors = Require::new().any_of([Require::new().role("editor"), Require::new().role("admin")]);
    /// ```
    pub fn any_of(self, rules: impl IntoIterator<Item = Require>) -> Self {
        self.and(Rule::AnyOf(rules.into_iter().collect()))
    }

    fn and(mut self, rule: Rule) -> Self {
        self.0.push(rule);
        self
    }

    /// Holds a session against the rule; [`Session::require`] does the same.
    ///
    /// # Errors
    ///
    /// [`Refusal::Forbidden`] for a missing right, [`Refusal::StepUpNeeded`] if only a stronger sign-in is missing.
    pub fn check(&self, session: &Session) -> Result<(), Refusal> {
        match self.shortfall(session) {
            Short::Nothing => Ok(()),
            Short::Factor => Err(Refusal::StepUpNeeded),
            Short::Right => Err(Refusal::Forbidden),
        }
    }

    fn shortfall(&self, session: &Claims) -> Short {
        self.0.iter().map(|rule| rule.shortfall(session)).max().unwrap_or(Short::Nothing)
    }
}

impl Rule {
    fn shortfall(&self, session: &Claims) -> Short {
        let (holds, otherwise) = match self {
            Self::Role(role) => (session.has_role(role), Short::Right),
            Self::Permission(permission) => (session.has_permission(permission), Short::Right),
            Self::Tenant(tenant) => (session.has_tenant(tenant), Short::Right),
            Self::TenantRole(tenant, role) => (session.has_tenant_roles(tenant, &[role]), Short::Right),
            Self::TenantPermission(tenant, permission) => {
                (session.has_tenant_permissions(tenant, &[permission]), Short::Right)
            }
            Self::StepUp => (session.is_step_up(), Short::Factor),
            Self::Factor(factor) => (session.has_factor(factor), Short::Factor),
            Self::AnyOf(rules) => {
                return rules.iter().map(|rule| rule.shortfall(session)).min().unwrap_or(Short::Right);
            }
        };
        if holds { Short::Nothing } else { otherwise }
    }
}

impl Session {
    /// Holds the session against a rule, in the middle of a handler. [`Require`] has an example.
    ///
    /// # Errors
    ///
    /// [`Refusal::Forbidden`] for a missing right, [`Refusal::StepUpNeeded`] if only a stronger sign-in is missing. Both
    /// can be returned from the handlers of axum and actix-web as they are.
    pub fn require(&self, rule: &Require) -> Result<(), Refusal> {
        rule.check(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::session::testing::claims;

    #[test]
    fn everything_that_is_asked_for_must_be_there() {
        use Short::{Factor, Nothing, Right};
        let session = claims(json!({
            "sub": "U1", "roles": ["writer"], "permissions": ["read"], "amr": ["email", "mfa"], "dct": "acme",
            "tenants": {"acme": {"roles": ["owner"], "permissions": ["pay"]}, "beta": {}},
        }));
        let rule = Require::new;
        for (rule, short) in [
            (rule(), Nothing),
            (rule().role("writer").permission("read").tenant("beta"), Nothing),
            (rule().role("writer").role("owner"), Right),
            (rule().permission("pay"), Right),
            (rule().tenant_role("acme", "owner").tenant_permission("acme", "pay"), Nothing),
            (rule().tenant_role("acme", "writer"), Right),
            (rule().tenant_permission("beta", "pay"), Right),
            (rule().tenant("gamma"), Right),
            (rule().factor("mfa"), Nothing),
            (rule().factor("totp"), Factor),
            (rule().step_up(), Factor),
            // What a stronger sign-in would not bring counts first, wherever it stands.
            (rule().step_up().role("admin"), Right),
            (rule().role("admin").step_up(), Right),
            (rule().any_of([rule().role("admin"), rule().role("writer")]), Nothing),
            (rule().any_of([rule().role("admin"), rule().step_up()]), Factor),
            (rule().any_of([rule().role("admin"), rule().tenant("gamma")]), Right),
            (rule().role("writer").any_of([]), Right),
            (rule().any_of([rule()]), Nothing),
        ] {
            assert!(rule.shortfall(&session) == short, "{rule:?}");
        }
        let stepped_up = claims(json!({"sub": "U1", "su": true}));
        assert!(rule().step_up().shortfall(&stepped_up) == Nothing);
    }
}
