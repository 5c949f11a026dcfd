//! The code of an area: its handle, a builder for each operation, and what all of them share.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Type, parse_quote};

use super::{
    super::construct::path_of,
    docs::{endpoint, folded, lines, of_time, summary},
    ends::{kept, member, pages, send},
    overlay::BY_HAND,
    plan::{Answer, Argument, Body, Kind, Place, Plan, taken},
    raw::{Raw, ident_of},
    setters::{changer, clearer, converted, setter, time},
};
use crate::document::Document;

/// An area: what its module and its handle are called, what they are about, and its operations.
pub(super) struct Area<'a> {
    pub(super) name: &'a str,
    pub(super) handle: &'a str,
    /// The type of the handle.
    pub(super) ty: Ident,
    pub(super) about: String,
    pub(super) docs: Option<&'a str>,
    pub(super) plans: Vec<Plan<'a>>,
}

/// The module of an area.
pub(super) fn module(document: &Document, area: &Area<'_>, raw: &Raw<'_>, example: &str) -> syn::File {
    let handle = &area.ty;
    let own: BTreeSet<String> =
        area.plans.iter().map(|plan| plan.builder.to_string()).chain([handle.to_string()]).collect();
    let met = area.plans.iter().flat_map(Plan::met).chain(area.plans.iter().filter_map(|plan| match &plan.body {
        Some(Body::Whole { ty }) => Some(ty.clone()),
        _ => None,
    }));
    let exports = |module: TokenStream, names: BTreeSet<String>| {
        let names = names.difference(&own).map(|name| format_ident!("{name}")).collect::<Vec<_>>();
        (!names.is_empty()).then(|| quote!(pub use #module::{#(#names),*};))
    };
    let (types, vocabularies) = raw.reachable(met);
    let types = exports(quote!(descope_api::types), types);
    let vocabularies = exports(quote!(crate::vocabulary), vocabularies);
    let ids = uses_ids(area);
    let paged = area.plans.iter().any(|plan| matches!(plan.answer, Answer::Pages { .. }));
    let imports = paged.then(|| {
        quote!(
            use crate::paging::{Items, Page, Paged};
        )
    });
    let reference = area.docs.map(|url| format!(" See <{url}>."));
    let module = format!(
        " {} From [`Management::{}`](crate::management::Management::{}).",
        area.about, area.handle, area.handle
    );
    let about = format!(" {}", area.about);
    let from = format!(" From [`Management::{0}`](crate::management::Management::{0}).", area.handle);
    let reference = reference.map(|text| quote!(#[doc = ""] #[doc = #text]));
    let example = example.lines().map(|line| if line.is_empty() { String::new() } else { format!(" {line}") });
    let methods = area.plans.iter().map(|plan| method(area, plan));
    let modifiers = area.plans.iter().filter_map(|plan| modifier(area, plan));
    let builders = area.plans.iter().map(|plan| builder(document, area, plan));
    parse_quote! {
        #![doc = #module]
        #[allow(unused_imports)]
        use descope_api::types;

        #types
        #vocabularies

        #[allow(unused_imports)]
        use crate::{Descope, Result, call::{Call, call_setters}, check, raw_error::call};
        #ids
        #imports

        #[doc = #about]
        #[doc = ""]
        #[doc = #from]
        #reference
        #[doc = ""]
        #(#[doc = #example])*
        #[derive(Clone, Debug)]
        pub struct #handle {
            pub(crate) descope: Descope,
        }

        impl #handle {
            #(#methods)*
            #(#modifiers)*
        }

        #(#builders)*
    }
}

fn uses_ids(area: &Area<'_>) -> Option<TokenStream> {
    let mut ids = BTreeSet::new();
    for plan in &area.plans {
        let kinds = plan.arguments.iter().map(|argument| argument.kind);
        for kind in kinds.chain(plan.setters.iter().map(|setter| setter.kind)) {
            match kind {
                Kind::LoginId => ids.insert("LoginId"),
                Kind::UserId => ids.insert("UserId"),
                Kind::User => ids.insert("UserIdentifier"),
                Kind::Named => ids.insert("NameOrId"),
                _ => false,
            };
        }
    }
    let names = ids.iter().map(|name| format_ident!("{name}"));
    (!ids.is_empty()).then(|| quote!(use crate::identifier::{#(#names),*};))
}

/// The function of the handle.
fn method(area: &Area<'_>, plan: &Plan<'_>) -> TokenStream {
    let patch = plan.overlay.verb.replacen("replace", "patch", 1);
    let keeper = area.plans.iter().map(|other| other.overlay.verb).find(|verb| *verb == patch);
    let (verb, builder) = (&plan.verb, &plan.builder);
    let mut docs = lines(&summary(plan));
    docs.push(String::new());
    docs.extend(lines(plan.operation.value["description"].as_str().unwrap_or_default()));
    if plan.overlay.replaces {
        docs.push(String::new());
        let keeper = match plan.overlay.modify {
            Some(_) => Some(modify_of(plan)),
            None => keeper.map(str::to_owned),
        };
        let keeper = keeper.map(|keeper| format!(" [`{keeper}`](Self::{keeper}) keeps it."));
        docs.push(format!(
            " **Whatever is not set is cleared**: the service replaces the whole.{}",
            keeper.unwrap_or_default()
        ));
    }
    if !plan.arguments.is_empty() {
        docs.push(String::new());
        for argument in &plan.arguments {
            let about = folded(&of_time(&argument.docs, argument.kind));
            docs.push(format!(" - `{}`: {}", plain(&argument.ident), about));
        }
    }
    docs.push(String::new());
    docs.push(format!(" {}", endpoint(plan)));
    if plan.operation.value["x-internal"] == true {
        docs.push(String::new());
        docs.push(" The published document marks it as meant for Descope's own clients.".to_owned());
    }
    let deprecated = (plan.operation.value["deprecated"] == true)
        .then(|| quote!(#[deprecated = "the service has a newer operation, or none, for this"]));
    let parameters = plan.arguments.iter().map(|argument| {
        let (ident, (ty, _)) = (&argument.ident, taken(&argument.ident, &argument.ty, argument.kind));
        quote!(#ident: #ty)
    });
    let made = made(plan);
    quote! {
        #(#[doc = #docs])*
        #deprecated
        pub fn #verb(&self, #(#parameters),*) -> #builder {
            #made
        }
    }
}

/// The function that changes some of what another one replaces.
fn modify_of(plan: &Plan<'_>) -> String {
    plan.overlay.verb.replacen("replace", "modify", 1)
}

fn modifier(area: &Area<'_>, plan: &Plan<'_>) -> Option<TokenStream> {
    let load = area.plans.iter().find(|other| Some(other.overlay.verb) == plan.overlay.modify)?;
    let (load_verb, verb, builder) = (&load.verb, &plan.verb, &plan.builder);
    let name = modify_of(plan);
    let modify = format_ident!("{name}");
    let parameters = load.arguments.iter().map(|argument| {
        let (ident, (ty, _)) = (&argument.ident, taken(&argument.ident, &argument.ty, argument.kind));
        quote!(#ident: #ty)
    });
    let given = load.arguments.iter().map(|argument| &argument.ident);
    let answer = match &plan.answer {
        Answer::Whole(ty) => quote!(#ty),
        Answer::Member { ident, ty } => member(ident, ty).0,
        _ => quote!(()),
    };
    let (wrapper, within, leaves) = (area.name, &plan.overlay.within, &plan.overlay.leaves);
    let carried = if within.is_empty() && leaves.is_empty() {
        quote!(crate::call::carried(&now, #wrapper))
    } else {
        quote!(crate::call::carried_but(&now, &[#(#within),*], &[#(#leaves),*]))
    };
    // A request that holds one thing is about this thing; others have the members of the thing themselves.
    let (changed, write) = match &plan.arguments[..] {
        [one] if one.place == Place::Required && !is_text(&one.ty) => {
            let ty = &one.ty;
            (quote!(#ty), quote!(self.#verb(change(#carried?)).send().await))
        }
        _ => (
            quote!(#builder),
            quote! {
                let body = #carried?;
                change(#builder { call: Call::new(&self.descope), body }).send().await
            },
        ),
    };
    let about = format!(
        " Reads what there is by [`{load_verb}`](Self::{load_verb}), has it changed, and writes it back by [`{verb}`](Self::{verb})."
    );
    let asks = format!(" {}, then {}", endpoint(load), endpoint(plan));
    Some(quote! {
        #[doc = #about]
        ///
        /// What `change` leaves alone stays. Two callers who do this at the same time can undo each other's change: the
        /// service has no versions.
        ///
        #[doc = #asks]
        ///
        /// # Errors
        ///
        /// As for either of the two calls.
        pub async fn #modify(&self, #(#parameters,)* change: impl FnOnce(#changed) -> #changed) -> Result<#answer> {
            let now = self.#load_verb(#(#given),*).send().await?;
            #write
        }
    })
}

fn is_text(ty: &Type) -> bool {
    path_of(ty).is_some_and(|(name, _)| name == "String")
}

/// What makes the builder of its arguments.
fn made(plan: &Plan<'_>) -> TokenStream {
    let builder = &plan.builder;
    let value = |ident: &Ident| {
        let argument = plan.arguments.iter().find(|argument| argument.ident == *ident || is_user(argument, ident));
        argument.map_or_else(|| quote!(#ident), |argument| taken(&argument.ident, &argument.ty, argument.kind).1)
    };
    let times: Vec<TokenStream> = plan
        .arguments
        .iter()
        .filter_map(|argument| {
            let (reading, ident) = (time(argument.kind)?, &argument.ident);
            let name = plain(ident);
            Some(quote!(let #ident = call.#reading(#name, #ident);))
        })
        .collect();
    let (mut fields, mut before) = if times.is_empty() {
        (vec![quote!(call: Call::new(&self.descope))], TokenStream::new())
    } else {
        (vec![quote!(call)], quote!(let mut call = Call::new(&self.descope); #(#times)*))
    };
    let of = |place: Place| plan.arguments.iter().filter(move |argument| argument.place == place);
    match &plan.body {
        Some(Body::Object { ty, new }) => {
            let given = new.iter().map(value);
            let mut body = quote!(types::#ty::new(#(#given),*));
            for argument in of(Place::Optional) {
                if let [first, second] = &argument.names[..] {
                    let (first, second) = (ident_of(first), ident_of(second));
                    let given = &argument.ident;
                    let (ty, one, other) = if argument.kind == Kind::Named {
                        (quote!(NameOrId), quote!(Name), quote!(Id))
                    } else {
                        (quote!(UserIdentifier), quote!(LoginId), quote!(UserId))
                    };
                    before = quote! {
                        #before
                        let body = #body;
                        let body = match #given.into() {
                            #ty::#one(id) => body.#first(id),
                            #ty::#other(id) => body.#second(id),
                        };
                    };
                    body = quote!(body);
                } else {
                    let setter = ident_of(&argument.names[0]);
                    let (_, value) = taken(&argument.ident, &argument.ty, argument.kind);
                    body = quote!(#body.#setter(#value));
                }
            }
            for (name, value) in &plan.overlay.sets {
                let setter = ident_of(name);
                let value = super::examples::constant(value);
                body = quote!(#body.#setter(#value));
            }
            fields.push(if body.to_string() == "body" { quote!(body) } else { quote!(body: #body) });
        }
        Some(Body::Whole { .. }) => {
            let argument = of(Place::Body).next().map(|argument| (&argument.ident, &argument.ty));
            if let Some((ident, ty)) = argument {
                let list = path_of(ty).is_some_and(|(name, _)| name == "Vec");
                let value = if list { quote!(#ident.into_iter().map(Into::into).collect()) } else { quote!(#ident) };
                fields.push(quote!(body: #value));
            }
        }
        Some(Body::Empty { .. }) | None => {}
    }
    for held in kept(plan) {
        let ident = &held.ident;
        let argument = of(Place::Parameter).find(|argument| argument.ident == *ident || is_user(argument, ident));
        let Some(argument) = argument else {
            fields.push(if held.optional { quote!(#ident: None) } else { quote!(#ident: Default::default()) });
            continue;
        };
        if argument.names.len() == 2 {
            if !before.to_string().contains("login_id") {
                before = quote!(#before let (login_id, user_id) = user.into().into_either(););
            }
            fields.push(quote!(#ident));
            continue;
        }
        let (_, value) = taken(&argument.ident, &argument.ty, argument.kind);
        let value = converted(&value, &argument.ty, argument.kind);
        fields.push(if held.optional { quote!(#ident: Some(#value)) } else { quote!(#ident: #value) });
    }
    quote! {
        #before
        #builder { #(#fields),* }
    }
}

/// Whether the argument names the user, and this is one of the members that it fills.
fn is_user(argument: &Argument, ident: &Ident) -> bool {
    argument.kind == Kind::User && argument.names.iter().any(|name| ident_of(name) == *ident)
}

/// The type that an operation is put together with.
fn builder(document: &Document, area: &Area<'_>, plan: &Plan<'_>) -> TokenStream {
    let (builder, verb, handle) = (&plan.builder, &plan.verb, &area.ty);
    let about = format!(" {}. From [`{handle}::{verb}`].", summary(plan).trim_end_matches('.'));
    let body = match &plan.body {
        Some(Body::Object { ty, .. }) => Some(quote!(pub(in crate::management) body: types::#ty,)),
        Some(Body::Whole { ty }) => Some(quote!(body: #ty,)),
        Some(Body::Empty { .. }) | None => None,
    };
    let parameters = kept(plan).map(|held| {
        let (ident, ty) = (&held.ident, held.owned());
        let ty = if held.optional { quote!(Option<#ty>) } else { quote!(#ty) };
        quote!(#ident: #ty,)
    });
    let paged = matches!(plan.answer, Answer::Pages { .. });
    let must = if paged { "nothing is sent before `stream` or `page`" } else { "nothing is sent before `send`" };
    let setters = plan.setters.iter().map(setter);
    let token = plan.token.then(|| quote!(crate::call::token_setter!();));
    let load = area.plans.iter().find(|other| Some(other.overlay.verb) == plan.overlay.modify);
    let by_hand = plan.overlay.modify == Some(BY_HAND) && !plan.overlay.named.is_empty();
    let identifies = |argument: &&Argument| match load {
        Some(load) => load.arguments.iter().any(|other| other.ident == argument.ident),
        None => !by_hand || argument.kind == Kind::Named,
    };
    let changers = plan.arguments.iter().filter(|argument| !identifies(argument)).filter_map(changer);
    let clearers = plan.setters.iter().filter(|_| plan.partial).filter_map(clearer);
    let ends = if paged { pages(document, plan) } else { send(document, plan) };
    quote! {
        #[doc = #about]
        #[derive(Clone, Debug)]
        #[must_use = #must]
        pub struct #builder {
            call: Call,
            #body
            #(#parameters)*
        }

        impl #builder {
            #(#setters)*
            #(#clearers)*
            #(#changers)*

            call_setters!();
            #token
        }

        #ends
    }
}

/// The name without what keeps it from being a word of Rust.
pub(super) fn plain(ident: &Ident) -> String {
    ident.to_string().trim_end_matches('_').to_owned()
}

/// The module that has all areas, and the functions that lead to them.
pub(super) fn index(areas: &[Area<'_>]) -> syn::File {
    let modules = areas.iter().map(|area| {
        let name = format_ident!("{}", area.name);
        quote!(pub mod #name;)
    });
    let handles = areas.iter().map(|area| {
        let (module, handle, ty) = (format_ident!("{}", area.name), format_ident!("{}", area.handle), &area.ty);
        let about = format!(" {}", area.about);
        quote! {
            #[doc = #about]
            pub fn #handle(&self) -> #module::#ty {
                #module::#ty { descope: self.descope.clone() }
            }
        }
    });
    parse_quote! {
        #(#modules)*

        impl crate::management::Management {
            #(#handles)*
        }
    }
}
