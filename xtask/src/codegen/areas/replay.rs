//! Code that makes the call of a recorded request again: a table of functions, one for each generated function of the SDK.
//!
//! Each takes what the request has of its arguments and setters, so that whatever it has besides is left over for the
//! test to see.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Type, parse_quote};

use super::{
    super::{construct::path_of, vocabulary},
    examples::constant,
    plan::{Argument, Kind, Place, Plan, Scale, Setter, stripped},
    setters::singular,
    write::{Area, plain},
};

/// The function that leads from the id of an operation to its call.
pub(super) fn calls(areas: &[Area<'_>]) -> syn::File {
    let mut functions = Vec::new();
    let mut names = Vec::new();
    for area in areas {
        let name = format_ident!("{}", area.name);
        let arms = area.plans.iter().map(|plan| arm(area, plan));
        functions.push(quote! {
            fn #name(operation: &str) -> Option<Replay> {
                Some(match operation {
                    #(#arms)*
                    _ => return None,
                })
            }
        });
        names.push(name);
    }
    parse_quote! {
        //! The call of every generated function of the SDK, with the arguments that a recorded request has.
        #![allow(deprecated, unused_mut)]

        use descope_api::types;
        use descope_sdk::{LoginId, Secret, UserId};

        use super::{Given, Replay};

        pub(super) fn call(operation: &str) -> Option<Replay> {
            [#(#names),*].into_iter().find_map(|area| area(operation))
        }

        #(#functions)*
    }
}

fn arm(area: &Area<'_>, plan: &Plan<'_>) -> TokenStream {
    let (id, handle, verb) = (plan.operation.id().unwrap_or_default(), format_ident!("{}", area.handle), &plan.verb);
    let arguments = plan.arguments.iter().map(argument);
    let setters = plan.setters.iter().map(setter);
    let fixed = plan.overlay.sets.iter().map(|(name, value)| {
        let value = constant(value);
        quote!(given.fixed(#name, #value);)
    });
    let token = plan.token.then(|| {
        quote! {
            let call = match given.bearer() {
                Ok(token) => call.with_token(token),
                Err(_) => call,
            };
        }
    });
    let (page, end) = match &plan.overlay.page {
        Some(page) => {
            let (number, size) = (page.number, page.size);
            let in_body = plan.parameters.iter().all(|held| held.ident != super::raw::ident_of(number));
            let read = if in_body { format_ident!("member") } else { format_ident!("parameter") };
            let page = quote! {
                let number = given.#read::<u32>(#number)?.unwrap_or(super::PAGE.0);
                let size = given.#read::<u32>(#size)?.unwrap_or(super::PAGE.1);
            };
            (page, quote!(page(number, size)))
        }
        None => (TokenStream::new(), quote!(send())),
    };
    quote! {
        #id => |descope, mut given: Given| Box::pin(async move {
            let call = descope.management().#handle().#verb(#(#arguments),*);
            #token
            #(#setters)*
            #(#fixed)*
            #page
            given.end(call.#end.await.map(drop))
        }),
    }
}

fn argument(argument: &Argument) -> TokenStream {
    let name = &argument.names[0];
    let read = format_ident!("{}", if argument.place == Place::Parameter { "parameter" } else { "member" });
    if argument.place == Place::Body {
        let ty = &argument.ty;
        return quote!(given.whole::<#ty>()?);
    }
    if let Some(second) = argument.names.get(1) {
        let named = format_ident!("{}", if argument.kind == Kind::Named { "named" } else { "user" });
        return quote!(given.#named(#name, #second, Given::#read)?);
    }
    let ty = held(&argument.ty, argument.kind);
    let value = quote!(given.#read::<#ty>(#name)?);
    let value = quote!(Given::needed(#name, #value)?);
    timed(&value, argument.kind)
}

fn setter(setter: &Setter) -> TokenStream {
    let (name, ident) = (&setter.name, &setter.ident);
    let read = format_ident!("{}", if setter.place == Place::Parameter { "parameter" } else { "member" });
    let ty = held(&setter.ty, setter.kind);
    let one = path_of(stripped(&setter.ty))
        .filter(|(map, _)| setter.place == Place::Optional && ["Map", "BTreeMap"].contains(&map.as_str()))
        .and_then(|_| singular(&plain(ident)));
    if let Some(one) = one {
        let one = format_ident!("{one}");
        return quote! {
            let call = given.member::<#ty>(#name)?.into_iter().flatten().fold(call, |call, (name, it)| call.#one(name, it));
        };
    }
    let value = timed(&quote!(it), setter.kind);
    // Other clients say with an empty list that they have no condition, and with 0 that they set no time: not to call the
    // setter says that here.
    let unsaid = match setter.kind {
        Kind::Moment(_) | Kind::Span(_) => Some(quote!(.filter(|it| *it != 0))),
        _ if setter.filter => Some(quote!(.filter(|it| !it.is_empty()))),
        _ => None,
    };
    quote! {
        let call = match given.#read::<#ty>(#name)? #unsaid {
            Some(it) => call.#ident(#value),
            None => call,
        };
    }
}

/// The type that a value is read as.
fn held(ty: &Type, kind: Kind) -> Type {
    let ty = stripped(ty);
    let named = |wanted: &str| path_of(ty).is_some_and(|(name, _)| name == wanted);
    let list = named("Vec");
    match (kind, list) {
        (Kind::LoginId | Kind::User, true) => parse_quote!(Vec<LoginId>),
        (Kind::LoginId | Kind::User, false) => parse_quote!(LoginId),
        (Kind::UserId, true) => parse_quote!(Vec<UserId>),
        (Kind::UserId, false) => parse_quote!(UserId),
        (Kind::Moment(_) | Kind::Span(_), _) => parse_quote!(i64),
        (Kind::Plain | Kind::Named, _) if named("Secret") => parse_quote!(Secret),
        // A text is taken for any vocabulary.
        (Kind::Plain, false) if vocabulary::is_one(ty) => parse_quote!(String),
        (Kind::Plain, true) if super::raw::inner(ty).is_some_and(vocabulary::is_one) => parse_quote!(Vec<String>),
        (Kind::Plain | Kind::Named, _) => ty.clone(),
    }
}

/// A number as the time that it counts.
fn timed(value: &TokenStream, kind: Kind) -> TokenStream {
    match kind {
        Kind::Moment(Scale::Seconds) => quote!(super::moment(#value, 1_000)),
        Kind::Moment(Scale::Milliseconds) => quote!(super::moment(#value, 1)),
        Kind::Span(Scale::Seconds) => quote!(super::span(#value, 1_000)),
        Kind::Span(Scale::Milliseconds) => quote!(super::span(#value, 1)),
        _ => quote!(#value),
    }
}
