//! A CSV file with the header of Cognito's user import. Cognito never gives passwords away, hashed or not.

use std::{fs::File, path::Path};

use descope_sdk::management::user::AssociatedTenant;
use serde_json::Value;

use super::{
    Reader,
    csv::{Cells, Table, list},
    members::choose_names,
};
use crate::{
    cli::SourceArguments,
    error::{Error, Result},
    row::Row,
};

/// What Cognito itself has in the header; anything else is `custom:` or a mistake.
const KNOWN: [&str; 20] = [
    "profile",
    "address",
    "birthdate",
    "gender",
    "preferred_username",
    "updated_at",
    "website",
    "picture",
    "phone_number",
    "phone_number_verified",
    "zoneinfo",
    "locale",
    "email",
    "email_verified",
    "given_name",
    "family_name",
    "middle_name",
    "name",
    "nickname",
    "sub",
];

pub(super) fn reader(arguments: &SourceArguments, path: &Path) -> Result<Reader> {
    let (arguments, path) = (arguments.clone(), path.to_owned());
    let file = File::open(&path).map_err(Error::file(&path))?;
    Ok(Box::new(move |sink| {
        let mut table = Table::open(file, &path, b',')?;
        if !table.columns().iter().any(|column| column == "cognito:username") {
            return Err(Error::input(&path, 1, "the header has no column cognito:username"));
        }
        let odd = table.columns().iter().find(|column| {
            !KNOWN.contains(&column.as_str()) && !column.starts_with("custom:") && !column.starts_with("cognito:")
        });
        if let Some(column) = odd {
            return Err(Error::input(&path, 1, format!("the column {column:?} is not one of Cognito's user import")));
        }
        table.each(|cells| sink(user(&arguments, cells)))
    }))
}

fn user(arguments: &SourceArguments, mut cells: Cells<'_>) -> Row {
    if !cells.row.problems.is_empty() {
        return cells.row;
    }
    let (email, verified) = (cells.text("email"), cells.flag("email_verified"));
    cells.row.email("email", email.as_deref().unwrap_or_default(), verified);
    let (phone, verified) = (cells.text("phone_number"), cells.flag("phone_number_verified"));
    cells.row.phone("phone_number", phone.as_deref().unwrap_or_default(), verified);
    let username = cells.text("preferred_username").or_else(|| cells.text("cognito:username"));
    let id = cells.text("sub").or_else(|| cells.text("cognito:username"));
    choose_names(&mut cells.row, arguments, username.as_deref(), id.as_deref());
    cells.row.entry.name = cells.text("name");
    cells.row.entry.given_name = cells.text("given_name");
    cells.row.entry.middle_name = cells.text("middle_name");
    cells.row.entry.family_name = cells.text("family_name");
    cells.row.entry.picture = cells.text("picture");
    if let Some(roles) = arguments.roles.as_deref().and_then(|column| cells.text(column)) {
        cells.row.entry.role_names = list(&roles);
    }
    if let Some(tenants) = arguments.tenants.as_deref().and_then(|column| cells.text(column)) {
        cells.row.entry.user_tenants = list(&tenants).into_iter().map(AssociatedTenant::new).collect();
    }
    let taken = [arguments.roles.as_deref(), arguments.tenants.as_deref()];
    let own: Vec<(String, String)> = cells
        .columns()
        .iter()
        .filter(|column| !taken.contains(&Some(column.as_str())))
        .filter_map(|column| Some((column.strip_prefix("custom:")?.to_owned(), column.clone())))
        .collect();
    let wanted = match arguments.attribute.as_slice() {
        [] if arguments.no_attributes => Vec::new(),
        [] => own,
        named => named.to_vec(),
    };
    for (name, column) in wanted {
        if let Some(value) = cells.text(&column) {
            cells.row.entry.custom_attributes.insert(name, Value::String(value));
        }
    }
    cells.row.password_left = true;
    cells.row
}
