//! Changing some of what can only be replaced, where what there is has to be looked for among others first.

use descope_api::types::{Permission, PermissionUpdateRequest, ResourcePolicy, Role, RoleUpdateRequest};

use super::{
    permission::{self, Permissions},
    resource_policy::{self, ResourcePolicies},
    role::{self, Roles},
};
use crate::{Error, ErrorKind, NameOrId, Result, call::carried_but, check, error::Inner};

impl Roles {
    /// Reads the role by [`load_all`](Self::load_all), has it changed, and writes it back by [`replace`](Self::replace).
    ///
    /// What `change` leaves alone stays. Two callers who do this at the same time can undo each other's change: the service
    /// has no versions.
    ///
    /// - `role`: which one, by its id as `NameOrId::id`, or by its name if it is one of the whole project: tenants can have
    ///   roles of the same name.
    ///
    /// `GET /v1/mgmt/role/all`, then `POST /v1/mgmt/role/update`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// let roles = descope.management().roles();
    /// roles.create("Auditor").description("Reads everything").send().await?;
    ///
    /// let auditor = roles.modify("Auditor", |role| role.new_name("Reader")).await?;
    /// assert_eq!(auditor.description.as_deref(), Some("Reads everything"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`NotFound`](ErrorKind::NotFound): there is no such role; nothing was written.
    /// - As for either of the two calls.
    pub async fn modify(
        &self,
        role: impl Into<NameOrId>,
        change: impl FnOnce(role::Replace) -> role::Replace,
    ) -> Result<Role> {
        let role = named("role", role.into())?;
        let now = role_as_it_is(&self.load_all().send().await?, &role)?;
        // The body that this makes is not the one that is sent.
        let mut replace = self.replace(role, now.new_name.as_str());
        replace.body = now;
        change(replace).send().await
    }

    /// Reads the roles by [`load_all`](Self::load_all), has each of them changed, and writes them back by
    /// [`replace_batch`](Self::replace_batch), in two calls whatever their number.
    ///
    /// What `change` leaves alone stays. Two callers who do this at the same time can undo each other's change: the service
    /// has no versions.
    ///
    /// - `roles`: which ones, each named as for [`modify`](Self::modify).
    /// - `change`: is called for one after the other, in the order of `roles`.
    ///
    /// `GET /v1/mgmt/role/all`, then `POST /v1/mgmt/role/update/batch`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// let roles = descope.management().roles();
    /// roles.create("Auditor").description("Reads everything").send().await?;
    /// roles.create("Editor").description("Writes articles").send().await?;
    ///
    /// let private = roles.modify_batch(["Auditor", "Editor"], |role| role.private(true)).await?;
    /// assert!(private.iter().all(|role| role.private == Some(true) && role.description.is_some()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](ErrorKind::InvalidArgument): `roles` is empty, or one of them is; nothing was sent.
    /// - [`NotFound`](ErrorKind::NotFound): one of them is not there; nothing was written.
    /// - As for either of the two calls.
    pub async fn modify_batch(
        &self,
        roles: impl IntoIterator<Item = impl Into<NameOrId>>,
        mut change: impl FnMut(RoleUpdateRequest) -> RoleUpdateRequest,
    ) -> Result<Vec<Role>> {
        let roles = all_named("roles", roles)?;
        let all = self.load_all().send().await?;
        let as_they_are: Vec<_> = roles.iter().map(|role| role_as_it_is(&all, role)).collect::<Result<_>>()?;
        self.replace_batch(as_they_are.into_iter().map(&mut change)).send().await
    }
}

/// The request that leaves a role as it is.
fn role_as_it_is(all: &[Role], role: &NameOrId) -> Result<RoleUpdateRequest> {
    let of_project = |it: &Role| it.tenant_id.as_deref().unwrap_or_default().is_empty();
    let now = all.iter().find(|it| match role {
        NameOrId::Id(id) => it.id.as_ref() == Some(id),
        NameOrId::Name(name) => it.name.as_ref() == Some(name) && of_project(it),
    });
    let now = now.cloned().ok_or_else(|| missing("the project has no such role"))?;
    let mut request = RoleUpdateRequest::new(now.name.unwrap_or_default());
    (request.id, request.name) = id_and_name(role);
    request.default = now.default;
    request.description = now.description;
    request.permission_names = now.permission_names;
    request.private = now.private;
    request.tenant_id = now.tenant_id.filter(|tenant| !tenant.is_empty());
    Ok(request)
}

impl Permissions {
    /// Reads the permission by [`load_all`](Self::load_all), has it changed, and writes it back by
    /// [`replace`](Self::replace).
    ///
    /// What `change` leaves alone stays. Two callers who do this at the same time can undo each other's change: the service
    /// has no versions.
    ///
    /// - `permission`: which one, by the name that it has now, or by its id as `NameOrId::id`.
    ///
    /// `GET /v1/mgmt/permission/all`, then `POST /v1/mgmt/permission/update`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// let permissions = descope.management().permissions();
    /// permissions.create("invoices:read").description("See invoices").send().await?;
    /// permissions.modify("invoices:read", |permission| permission.new_name("invoices:view")).await?;
    /// # let all = permissions.load_all().send().await?;
    /// # let renamed = all.iter().find(|it| it.name.as_deref() == Some("invoices:view")).unwrap();
    /// # assert_eq!(renamed.description.as_deref(), Some("See invoices"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`NotFound`](ErrorKind::NotFound): there is no such permission; nothing was written.
    /// - As for either of the two calls.
    pub async fn modify(
        &self,
        permission: impl Into<NameOrId>,
        change: impl FnOnce(permission::Replace) -> permission::Replace,
    ) -> Result<()> {
        let permission = named("permission", permission.into())?;
        let now = permission_as_it_is(&self.load_all().send().await?, &permission)?;
        // The body that this makes is not the one that is sent.
        let mut replace = self.replace(permission, now.new_name.as_str());
        replace.body = now;
        change(replace).send().await
    }

    /// Reads the permissions by [`load_all`](Self::load_all), has each of them changed, and writes them back by
    /// [`replace_batch`](Self::replace_batch), in two calls whatever their number.
    ///
    /// What `change` leaves alone stays. Two callers who do this at the same time can undo each other's change: the service
    /// has no versions.
    ///
    /// - `permissions`: which ones, each by the name that it has now, or by its id as `NameOrId::id`.
    /// - `change`: is called for one after the other, in the order of `permissions`.
    ///
    /// `GET /v1/mgmt/permission/all`, then `POST /v1/mgmt/permission/update/batch`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// let permissions = descope.management().permissions();
    /// permissions.create("invoices:read").description("See invoices").send().await?;
    /// permissions
    ///     .modify_batch(["invoices:read"], |mut permission| {
    ///         permission.new_name = permission.new_name.replace("invoices", "bills");
    ///         permission
    ///     })
    ///     .await?;
    /// # let all = permissions.load_all().send().await?;
    /// # let renamed = all.iter().find(|it| it.name.as_deref() == Some("bills:read")).unwrap();
    /// # assert_eq!(renamed.description.as_deref(), Some("See invoices"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](ErrorKind::InvalidArgument): `permissions` is empty, or one of them is; nothing was sent.
    /// - [`NotFound`](ErrorKind::NotFound): one of them is not there; nothing was written.
    /// - As for either of the two calls.
    pub async fn modify_batch(
        &self,
        permissions: impl IntoIterator<Item = impl Into<NameOrId>>,
        mut change: impl FnMut(PermissionUpdateRequest) -> PermissionUpdateRequest,
    ) -> Result<()> {
        let permissions = all_named("permissions", permissions)?;
        let all = self.load_all().send().await?;
        let as_they_are: Vec<_> =
            permissions.iter().map(|permission| permission_as_it_is(&all, permission)).collect::<Result<_>>()?;
        self.replace_batch(as_they_are.into_iter().map(&mut change)).send().await
    }
}

/// The request that leaves a permission as it is.
fn permission_as_it_is(all: &[Permission], permission: &NameOrId) -> Result<PermissionUpdateRequest> {
    let now = all.iter().find(|it| match permission {
        NameOrId::Id(id) => it.id.as_ref() == Some(id),
        NameOrId::Name(name) => it.name.as_ref() == Some(name),
    });
    let now = now.cloned().ok_or_else(|| missing("the project has no such permission"))?;
    let mut request = PermissionUpdateRequest::new(now.name.unwrap_or_default());
    (request.id, request.name) = id_and_name(permission);
    request.description = now.description;
    Ok(request)
}

impl ResourcePolicies {
    /// Reads the policy by [`load_by_app`](Self::load_by_app), has it changed, and writes it back by
    /// [`replace`](Self::replace).
    ///
    /// What `change` leaves alone stays. Two callers who do this at the same time can undo each other's change.
    ///
    /// - `third_party_application_id`: the application that uses the resource.
    /// - `resource_id`: the resource.
    ///
    /// `GET /v1/mgmt/resourcepolicy/app/load`, then `POST /v1/mgmt/resourcepolicy/update`
    ///
    /// ```no_run
    /// # async fn example(descope: descope_sdk::Descope) -> descope_sdk::Result<()> {
    /// let policies = descope.management().resource_policies();
    /// policies.modify("TPA2RmxQ7w8E9r", "RS2RmxQ7w8E9r", |policy| policy.all_user_scopes(true)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`NotFound`](ErrorKind::NotFound): the application has no policy for the resource; nothing was written.
    /// - As for either of the two calls.
    pub async fn modify(
        &self,
        third_party_application_id: impl Into<String>,
        resource_id: impl Into<String>,
        change: impl FnOnce(resource_policy::Replace) -> resource_policy::Replace,
    ) -> Result<ResourcePolicy> {
        let (app, resource) = (third_party_application_id.into(), resource_id.into());
        check::text("resource_id", &resource)?;
        let mut all = self.load_by_app(app.clone()).send().await?.into_iter();
        let now = all.find(|it| it.resource_id.as_ref() == Some(&resource));
        let now = now.ok_or_else(|| missing("the application has no policy for the resource"))?;
        let mut replace = self.replace(resource, app);
        replace.body = carried_but(&now, &[], &[])?;
        change(replace).send().await
    }
}

/// What is looked for, which is refused here if it says nothing: the call that reads does not hold it.
fn named(argument: &'static str, what: NameOrId) -> Result<NameOrId> {
    let (NameOrId::Name(text) | NameOrId::Id(text)) = &what;
    check::text(argument, text)?;
    Ok(what)
}

fn all_named(argument: &'static str, what: impl IntoIterator<Item = impl Into<NameOrId>>) -> Result<Vec<NameOrId>> {
    let what = what.into_iter().map(|one| named(argument, one.into())).collect::<Result<Vec<_>>>()?;
    check::list(argument, &what)?;
    Ok(what)
}

fn id_and_name(what: &NameOrId) -> (Option<String>, Option<String>) {
    match what {
        NameOrId::Id(id) => (Some(id.clone()), None),
        NameOrId::Name(name) => (None, Some(name.clone())),
    }
}

fn missing(detail: &'static str) -> Error {
    Error::from(Inner { detail: Some(detail.into()), ..Inner::of(ErrorKind::NotFound) })
}
