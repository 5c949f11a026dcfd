//! Tenants that somebody or something new belongs to, one after the other.

use descope_api::types::AssociatedTenant;

use super::{access_key, jwt, test_user, user};

macro_rules! tenant_adder {
    ($($builder:ty: $member:ident),+ $(,)?) => {$(
        impl $builder {
            /// Adds a tenant to belong to, with these roles there. Call it again for more.
            pub fn tenant<T: Into<String>>(
                mut self,
                tenant_id: impl Into<String>,
                role_names: impl IntoIterator<Item = T>,
            ) -> Self {
                self.body.$member.push(AssociatedTenant::new(tenant_id).role_names(role_names));
                self
            }
        }
    )+};
}

tenant_adder! {
    access_key::Create: key_tenants,
    jwt::SignUp: user_tenants,
    jwt::SignUpOrIn: user_tenants,
    test_user::Create: user_tenants,
    user::Create: user_tenants,
    user::Replace: user_tenants,
}
