//! Accessors for the numbers of answers that are times: the member keeps what the service wrote, whatever it is.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;
use syn::{FieldsNamed, Item, parse_quote};

use super::{
    construct::path_of,
    objects::Member,
    prepare::{self, Side},
};
use crate::{document::members, problem::Failure};

/// The units of the numbers that answers hold: schema, property, unit.
pub(super) type Units = BTreeMap<String, BTreeMap<String, String>>;

/// Reads `x-descope-unit` of every schema that stands in an answer.
pub(super) fn units(bundle: &Value) -> Units {
    let answered = prepare::reached(bundle, Side::Answers);
    let schemas = members(&bundle["components"]["schemas"]);
    let units = schemas.into_iter().filter(|(name, _)| answered.contains(*name)).map(|(name, schema)| {
        let properties = members(&schema["properties"]).into_iter();
        let units = properties.filter_map(|(name, property)| Some((name, property["x-descope-unit"].as_str()?)));
        (name.to_owned(), units.map(|(name, unit)| (name.to_owned(), unit.to_owned())).collect())
    });
    units.filter(|(_, units): &(String, BTreeMap<_, _>)| !units.is_empty()).collect()
}

/// The accessors of a type. None of them may have the name of a setter.
pub(super) fn accessors(
    name: &Ident,
    fields: &FieldsNamed,
    members: &[Member],
    units: &BTreeMap<String, String>,
) -> Result<Item, Failure> {
    let mut taken: BTreeSet<String> = members.iter().map(|member| member.field.to_string()).collect();
    let mut functions = Vec::new();
    for member in members.iter().filter(|member| units.contains_key(&member.name)) {
        let field = &member.field;
        let accessor = accessor(&field.to_string(), &units[&member.name]);
        if !taken.insert(accessor.clone()) {
            let why = format!("`{name}`: the time of `{field}` would be `{accessor}`, which there is already");
            return Err(Failure::Generator(why));
        }
        let ty = fields.named.iter().find(|it| it.ident.as_ref() == Some(field)).and_then(|field| path_of(&field.ty));
        let optional = ty.is_some_and(|(name, _)| name == "Option");
        let number = if optional { quote!(self.#field) } else { quote!(::std::option::Option::Some(self.#field)) };
        functions.push(function(field, &accessor, &units[&member.name], &number));
    }
    Ok(parse_quote!(impl #name { #(#functions)* }))
}

fn function(field: &Ident, accessor: &str, unit: &str, number: &TokenStream) -> TokenStream {
    let accessor = format_ident!("{accessor}");
    let counts = if unit.ends_with("milliseconds") { quote!(from_millis) } else { quote!(from_secs) };
    let (ty, read, about) = if unit.starts_with("epoch") {
        let about = format!(" `{field}` as a time. Nothing where it is absent, 0, or no time that there is.");
        (quote!(::std::time::SystemTime), quote!(moment), about)
    } else {
        let about = format!(" `{field}` as a duration. Nothing where it is absent or negative.");
        (quote!(::std::time::Duration), quote!(span), about)
    };
    quote! {
        #[doc = #about]
        #[must_use]
        pub fn #accessor(&self) -> ::std::option::Option<#ty> {
            crate::time::#read(#number, ::std::time::Duration::#counts)
        }
    }
}

/// What the accessor of a member is called: `created_at` for `created_time`, `expires_at` for an expiry however it is
/// spelled, `max_lifetime` for `max_lifetime_seconds`, `interval_duration` for `interval`.
fn accessor(field: &str, unit: &str) -> String {
    let ends = |end: &str| field.strip_suffix(end).filter(|begin| begin.is_empty() || begin.ends_with('_'));
    if !unit.starts_with("epoch") {
        return field.strip_suffix("_seconds").map_or_else(|| format!("{field}_duration"), str::to_owned);
    }
    if let Some(begin) = ["expire_time", "expiration_time", "expiration", "expiry"].into_iter().find_map(ends) {
        return format!("{begin}expires_at");
    }
    match (field.strip_suffix("_time"), field.strip_suffix("_at")) {
        (Some(event), _) => format!("{event}_at"),
        (None, Some(event)) => format!("{event}_time"),
        (None, None) => format!("{field}_at"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn accessors_are_called_by_what_they_tell() {
        for (field, unit, expected) in [
            ("created_time", "epoch-seconds", "created_at"),
            ("last_success_test_time", "epoch-seconds", "last_success_test_at"),
            ("occurred", "epoch-milliseconds", "occurred_at"),
            ("created_at", "epoch-seconds", "created_time"),
            ("expire_time", "epoch-seconds", "expires_at"),
            ("expiration_time", "epoch-seconds", "expires_at"),
            ("expiration", "epoch-seconds", "expires_at"),
            ("session_expiration", "epoch-seconds", "session_expires_at"),
            ("access_token_expiry", "epoch-seconds", "access_token_expires_at"),
            ("client_secret_expires_at", "epoch-seconds", "client_secret_expires_time"),
            ("max_lifetime_seconds", "seconds", "max_lifetime"),
            ("interval", "seconds", "interval_duration"),
            ("expires_in", "seconds", "expires_in_duration"),
        ] {
            assert_eq!(accessor(field, unit), expected, "{field}");
        }
    }

    #[test]
    fn only_what_is_answered_gets_accessors() {
        let body = |name: &str| {
            json!({ "content": { "application/json": { "schema": {
            "$ref": format!("#/components/schemas/{name}")
        } } } })
        };
        let schema = json!({ "properties": { "at": { "x-descope-unit": "seconds" }, "name": {} } });
        let bundle = json!({
            "paths": { "/a": { "post": { "requestBody": body("Ask"), "responses": { "200": body("Answer") } } } },
            "components": { "schemas": { "Ask": schema, "Answer": schema } },
        });
        let expected = [("at".to_owned(), "seconds".to_owned())].into();
        assert_eq!(units(&bundle), [("Answer".to_owned(), expected)].into());
    }

    #[test]
    fn a_name_that_is_taken_is_told() {
        let mut fields: FieldsNamed = parse_quote!({
            pub created_time: ::std::option::Option<i64>,
            pub created_at: ::std::option::Option<i64>,
        });
        let (members, _) = super::super::objects::members(&mut fields, None).expect("members");
        let units = [("created_time".to_owned(), "epoch-seconds".to_owned())].into();
        let refused = accessors(&format_ident!("Shop"), &fields, &members, &units).expect_err("twice");
        assert!(refused.to_string().contains("`created_at`, which there is already"), "{refused}");
    }
}
