//! The licence of the project, which tells its clients how often they may call.

use descope_api::types::LicenseResponse;

use crate::http::{Table, op};

pub(super) fn register(table: &mut Table) {
    table.on::<op::ManagementLicenseLoad>(|call, _| {
        Ok(LicenseResponse::new().rate_limit_tier(call.state.settings.rate_limit_tier.as_str()))
    });
}
