//! What the workspace's tests need to reach every type and every operation without a list kept by hand.

use quote::{ToTokens as _, format_ident, quote};
use syn::{File, FnArg, ImplItem, Item, Pat, Type, parse_quote};

use crate::document::Document;

/// `tests/generated.rs`: one dispatcher over all schemas, one over all operations.
pub(crate) fn dispatchers(document: &Document, client: &File) -> File {
    let types = client.items.iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content.as_ref().map(|(_, items)| items),
        _ => None,
    });
    let parse = document.schemas().into_iter().filter_map(|(name, _)| {
        let ident = format_ident!("{name}");
        let known = types?.iter().any(|item| match item {
            Item::Struct(item) => item.ident == ident,
            Item::Enum(item) => item.ident == ident,
            Item::Type(item) => item.ident == ident,
            _ => false,
        });
        known.then(|| quote!(#name => visitor.visit::<types::#ident>(name)))
    });
    let calls = client.items.iter().flat_map(methods).map(|function| {
        let name = &function.sig.ident;
        let text = name.to_string();
        let arguments = function.sig.inputs.iter().filter_map(argument);
        quote!(#text => answer(client.#name(#(#arguments),*).await))
    });
    let names = document.schemas().into_iter().map(|(name, _)| name);
    parse_quote! {
        use descope_api::{Client, types};

        use crate::support::raw::{Arguments, Outcome, TypeVisitor, answer};

        /// The name of every schema.
        pub(crate) const SCHEMAS: &[&str] = &[#(#names),*];

        /// Calls the visitor with the Rust type of a schema.
        pub(crate) fn with_type<V: TypeVisitor>(name: &str, visitor: V) -> V::Output {
            match name {
                #(#parse,)*
                _ => panic!("{name} has no type"),
            }
        }

        /// Calls an operation of the raw client by the name of its function.
        pub(crate) async fn call(client: &Client, function: &str, arguments: &Arguments) -> Outcome {
            match function {
                #(#calls,)*
                _ => panic!("{function} is no operation"),
            }
        }
    }
}

fn methods(item: &Item) -> Vec<&syn::ImplItemFn> {
    match item {
        Item::Impl(block) if block.trait_.is_none() => block
            .items
            .iter()
            .filter_map(|item| match item {
                ImplItem::Fn(function) if function.sig.asyncness.is_some() => Some(function),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// How one parameter is taken out of the arguments of a test.
fn argument(input: &FnArg) -> Option<proc_macro2::TokenStream> {
    let FnArg::Typed(typed) = input else { return None };
    let Pat::Ident(pattern) = &*typed.pat else { return None };
    let name = pattern.ident.to_string();
    let text = typed.ty.to_token_stream().to_string();
    Some(match &*typed.ty {
        Type::Reference(reference) if reference.elem.to_token_stream().to_string() != "str" => {
            quote!(&arguments.body())
        }
        Type::Reference(_) => quote!(arguments.text(#name)),
        _ if text.starts_with("Option") && text.contains("str") => quote!(Some(arguments.text(#name))),
        _ if text.starts_with("Option") => quote!(Some(arguments.value(#name))),
        _ => quote!(arguments.value(#name)),
    })
}
