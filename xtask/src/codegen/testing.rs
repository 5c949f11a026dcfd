//! What the workspace's tests need to reach every type and every operation without a list kept by hand.

use quote::{ToTokens as _, format_ident, quote};
use syn::{File, FnArg, ImplItem, Item, Pat, parse_quote};

use super::vocabulary::{self, Vocabularies};
use crate::document::Document;

/// `tests/generated.rs`: one dispatcher over all schemas, one over all operations.
pub(super) fn dispatchers(document: &Document, client: &File, vocabularies: &Vocabularies) -> File {
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
    let functions: Vec<_> = client.items.iter().flat_map(methods).collect();
    let names_of_functions = functions.iter().map(|function| &function.sig.ident);
    let dispatch = names_of_functions.map(|name| {
        let text = name.to_string();
        quote!(#text => calls::#name(client, arguments))
    });
    // One function for each, so that the futures of all of them do not share one stack frame.
    let calls = functions.iter().map(|function| {
        let name = &function.sig.ident;
        let arguments: Vec<_> = function.sig.inputs.iter().filter_map(argument).collect();
        let given = if arguments.is_empty() { format_ident!("_arguments") } else { format_ident!("arguments") };
        // An answer that is no JSON comes as a stream.
        let streams = function.sig.output.to_token_stream().to_string().contains("ByteStream");
        let read = if streams { quote!(streamed) } else { quote!(answer) };
        quote! {
            pub(super) fn #name<'a>(client: &'a Client, #given: &'a Arguments) -> Calling<'a> {
                Box::pin(async move { #read(client.#name(#(#arguments),*).await) })
            }
        }
    });
    let vocabularies = vocabulary::table(vocabularies);
    let names = document.schemas().into_iter().map(|(name, _)| name);
    parse_quote! {
        use std::{future::Future, pin::Pin};

        use descope_api::{Client, types, vocabulary};

        use crate::support::raw::{Arguments, Outcome, TypeVisitor, VocabularyVisitor};

        /// A call that is under way.
        pub(crate) type Calling<'a> = Pin<Box<dyn Future<Output = Outcome> + 'a>>;

        /// The name of every schema.
        pub(crate) const SCHEMAS: &[&str] = &[#(#names),*];

        /// Calls the visitor with the Rust type of a schema.
        pub(crate) fn with_type<V: TypeVisitor>(name: &str, visitor: V) -> V::Output {
            match name {
                #(#parse,)*
                _ => panic!("{name} has no type"),
            }
        }

        #vocabularies

        /// Calls an operation of the raw client by the name of its function.
        pub(crate) fn call<'a>(client: &'a Client, function: &str, arguments: &'a Arguments) -> Calling<'a> {
            match function {
                #(#dispatch,)*
                _ => panic!("{function} is not an operation"),
            }
        }

        mod calls {
            use descope_api::Client;

            use super::Calling;
            use crate::support::raw::{Arguments, answer, streamed};

            #(#calls)*
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
    let optional = text.starts_with("Option");
    let argument = match text.trim_start_matches("Option < ") {
        _ if name == "body" => quote!(&arguments.body()),
        inner if inner.starts_with('&') && inner.trim_end_matches(" >").ends_with(" str") => {
            quote!(arguments.text(#name))
        }
        inner if inner.starts_with('&') => quote!(&arguments.value(#name)),
        _ => quote!(arguments.value(#name)),
    };
    Some(if optional { quote!(Some(#argument)) } else { argument })
}
