//! The operation table of `descope-api`.

use proc_macro2::Ident;
use quote::{format_ident, quote};
use serde_json::Value;

use crate::document::Document;

/// `OPERATIONS`, sorted by function.
pub(crate) fn table(document: &Document) -> syn::File {
    let mut rows: Vec<(String, proc_macro2::TokenStream)> = document
        .operations()
        .iter()
        .map(|operation| {
            let id = operation.id().unwrap_or_default();
            let function = function_name(id);
            let method = operation.method.to_ascii_uppercase();
            let path = operation.path;
            let tag = operation.tag().unwrap_or_default();
            let auth = schemes(operation.value).into_iter().map(|scheme| format_ident!("{scheme}"));
            let retry = match operation.value["x-descope-retry"].as_str() {
                Some("safe") => quote!(Safe),
                Some("idempotent") => quote!(Idempotent),
                _ => quote!(Never),
            };
            let may_be_empty = operation.value["x-descope-may-be-empty"] == Value::Bool(true);
            let answers_nothing = may_be_empty
                || operation.value["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
                    == "#/components/schemas/EmptyResponse";
            let redirects =
                crate::document::members(&operation.value["responses"]).iter().any(|(code, _)| code.starts_with('3'));
            let docs = operation.value["externalDocs"]["url"].as_str();
            let docs = docs.map_or_else(|| quote!(None), |url| quote!(Some(#url)));
            let deprecated = operation.value["deprecated"] == Value::Bool(true);
            let internal = operation.value["x-internal"] == Value::Bool(true);
            let name = constant(&function);
            let row = quote! {
                pub(crate) const #name: Operation = Operation {
                    id: #id,
                    function: #function,
                    method: #method,
                    path: #path,
                    tag: #tag,
                    auth: &[#(Auth::#auth),*],
                    retry: Retry::#retry,
                    answers_nothing: #answers_nothing,
                    redirects: #redirects,
                    docs: #docs,
                    deprecated: #deprecated,
                    internal: #internal,
                };
            };
            (function, row)
        })
        .collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let names: Vec<Ident> = rows.iter().map(|(function, _)| constant(function)).collect();
    let rows = rows.into_iter().map(|(_, row)| row);
    syn::parse_quote! {
        use crate::operation::{Auth, Operation, Retry};

        /// Every operation of the document, sorted by [`Operation::function`].
        pub static OPERATIONS: &[Operation] = &[#(#names),*];

        #(#rows)*
    }
}

/// The name of an operation's row.
pub(super) fn constant(function: &str) -> Ident {
    format_ident!("{}", function.to_ascii_uppercase())
}

/// The alternatives of an operation; `None` where it is public.
fn schemes(operation: &Value) -> Vec<String> {
    let schemes: Vec<String> = operation["security"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|alternative| alternative.as_object()?.keys().next().cloned())
        .collect();
    if schemes.is_empty() { vec!["None".to_owned()] } else { schemes }
}

/// The name of the generated function: the operation id in snake case.
pub(crate) fn function_name(id: &str) -> String {
    let mut name = String::new();
    for (index, c) in id.char_indices() {
        if c.is_ascii_uppercase() {
            if index > 0 {
                name.push('_');
            }
            name.push(c.to_ascii_lowercase());
        } else {
            name.push(c);
        }
    }
    name
}
