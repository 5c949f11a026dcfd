//! The handlers, one module per tag of the specification.

mod auth;
mod management;

use crate::handler::Table;

/// All handlers.
pub(crate) fn table() -> Table {
    let mut table = Table::default();
    auth::register(&mut table);
    management::register(&mut table);
    table
}
