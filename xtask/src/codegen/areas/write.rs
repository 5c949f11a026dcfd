//! The code of an area: its handle, a builder for each operation, and what all of them share.

use std::{collections::BTreeSet, fmt::Write as _};

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Type, parse_quote};

use super::{
    super::construct::path_of,
    plan::{Answer, Argument, Body, Held, Kind, Place, Plan, Scale, Setter, stripped, taken},
    raw::{Raw, inner},
};
use crate::{document::Document, errors::Row};

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
    let exported: Vec<Ident> =
        raw.reachable(met).into_iter().filter(|name| !own.contains(name)).map(|name| format_ident!("{name}")).collect();
    let exports = (!exported.is_empty()).then(|| quote!(pub use descope_api::types::{#(#exported),*};));
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

        #exports

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
    let deprecated = (plan.operation.value["deprecated"] == true)
        .then(|| quote!(#[deprecated = "the service has a newer operation, or none, for this"]));
    let internal = (plan.operation.value["x-internal"] == true).then(|| quote!(#[doc(hidden)]));
    let parameters = plan.arguments.iter().map(|argument| {
        let (ident, (ty, _)) = (&argument.ident, taken(&argument.ident, &argument.ty, argument.kind));
        quote!(#ident: #ty)
    });
    let made = made(plan);
    quote! {
        #(#[doc = #docs])*
        #internal
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
    let wrapper = area.name;
    // A request that holds one thing is about this thing; others have the members of the thing themselves.
    let (changed, write) = match &plan.arguments[..] {
        [one] if one.place == Place::Required && !is_text(&one.ty) => {
            let ty = &one.ty;
            (quote!(#ty), quote!(self.#verb(change(crate::call::carried(&now, #wrapper)?)).send().await))
        }
        _ => (
            quote!(#builder),
            quote! {
                let body = crate::call::carried(&now, #wrapper)?;
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
                    let (first, second) = (super::raw::ident_of(first), super::raw::ident_of(second));
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
                    let setter = super::raw::ident_of(&argument.names[0]);
                    let (_, value) = taken(&argument.ident, &argument.ty, argument.kind);
                    body = quote!(#body.#setter(#value));
                }
            }
            for (name, value) in &plan.overlay.sets {
                let setter = super::raw::ident_of(name);
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

/// An argument as a parameter is kept: the conversion that setters of a body do themselves.
fn converted(value: &TokenStream, ty: &Type, kind: Kind) -> TokenStream {
    match path_of(stripped(ty)).map(|(name, _)| name).as_deref() {
        Some("String" | "Secret") if kind == Kind::Plain => quote!(#value.into()),
        Some("Vec") => quote!(#value.into_iter().map(Into::into).collect()),
        _ => quote!(#value),
    }
}

/// Whether the argument names the user, and this is one of the members that it fills.
fn is_user(argument: &Argument, ident: &Ident) -> bool {
    argument.kind == Kind::User && argument.names.iter().any(|name| super::raw::ident_of(name) == *ident)
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
    // Where another credential is accepted too.
    let alternatives = plan.operation.value["security"].as_array().map_or(0, Vec::len);
    let token = (alternatives > 1).then(|| quote!(crate::call::token_setter!();));
    let load = area.plans.iter().find(|other| Some(other.overlay.verb) == plan.overlay.modify);
    let identifies =
        |argument: &&Argument| load.is_none_or(|load| load.arguments.iter().any(|other| other.ident == argument.ident));
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

fn setter(setter: &Setter) -> TokenStream {
    let ident = &setter.ident;
    let name = plain(ident);
    let mut docs: Vec<String> = setter.docs.iter().flat_map(|text| lines(&of_time(text, setter.kind))).collect();
    if setter.filter {
        docs.push(String::new());
        docs.push(" An empty list is refused: the service would take it for no condition at all.".to_owned());
    }
    let (taken, value) = taken(ident, &setter.ty, setter.kind);
    let held = stripped(&setter.ty);
    let optional = path_of(&setter.ty).is_some_and(|(name, _)| name == "Option");
    // One entry of a map at a time.
    if let Some((map, arguments)) = path_of(held)
        && setter.place == Place::Optional
        && ["Map", "BTreeMap"].contains(&map.as_str())
        && let Some(single) = singular(&name)
    {
        let single = format_ident!("{single}");
        let entry = match arguments.get(1) {
            Some(value) if path_of(value).is_some_and(|(name, _)| name != "Map") => quote!(impl Into<#value>),
            Some(value) => quote!(#value),
            None => quote!(impl Into<::serde_json::Value>),
        };
        let value = if entry.to_string().starts_with("impl") { quote!(value.into()) } else { quote!(value) };
        let members = if optional {
            quote!(self.body.#ident.get_or_insert_with(Default::default))
        } else {
            quote!(self.body.#ident)
        };
        docs.push(String::new());
        docs.push(" Adds one; call it again for more.".to_owned());
        return quote! {
            #(#[doc = #docs])*
            pub fn #single(mut self, name: impl Into<String>, value: #entry) -> Self {
                #members.insert(name.into(), #value);
                self
            }
        };
    }
    let time = time(setter.kind).map(|reading| quote!(let #ident = self.call.#reading(#name, #ident);));
    let store = if setter.place == Place::Parameter {
        let value = converted(&value, &setter.ty, setter.kind);
        quote!(self.#ident = Some(#value);)
    } else {
        quote!(self.body = self.body.#ident(#value);)
    };
    let filter = setter.filter.then(|| {
        let list = if setter.place == Place::Parameter { quote!(self.#ident) } else { quote!(self.body.#ident) };
        let empty = if optional { quote!(#list.as_ref().is_some_and(Vec::is_empty)) } else { quote!(#list.is_empty()) };
        quote!(self.call.filter(#name, #empty);)
    });
    quote! {
        #(#[doc = #docs])*
        pub fn #ident(mut self, #ident: #taken) -> Self {
            #time
            #store
            #filter
            self
        }
    }
}

/// What changes something that has to be there, where what there is was read before.
fn changer(argument: &Argument) -> Option<TokenStream> {
    let whole = raw_type(&argument.ty);
    if argument.place != Place::Required || argument.kind != Kind::Plain || whole {
        return None;
    }
    let (ident, (taken, _)) = (&argument.ident, taken(&argument.ident, &argument.ty, argument.kind));
    let value = match path_of(&argument.ty).map(|(name, _)| name).as_deref() {
        Some("Map" | "BTreeMap") => {
            quote!(#ident.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
        }
        _ => converted(&quote!(#ident), &argument.ty, argument.kind),
    };
    let docs = lines(&argument.docs);
    Some(quote! {
        #(#[doc = #docs])*
        pub fn #ident(mut self, #ident: #taken) -> Self {
            self.body.#ident = #value;
            self
        }
    })
}

/// Whether a type is one of the API's own, which is changed by its own setters.
fn raw_type(ty: &Type) -> bool {
    matches!(stripped(ty), Type::Path(path) if path.path.segments.first().is_some_and(|first| first.ident == "types"))
}

/// What takes a text or a list away, where leaving it out would keep it.
fn clearer(setter: &Setter) -> Option<TokenStream> {
    let list = match path_of(stripped(&setter.ty)).map(|(name, _)| name).as_deref() {
        Some("Vec") => true,
        Some("String") => false,
        _ => return None,
    };
    if setter.place != Place::Optional {
        return None;
    }
    let (ident, name) = (&setter.ident, plain(&setter.ident));
    let clear = format_ident!("clear_{name}");
    let about = format!(" Takes away what [`{name}`](Self::{name}) would set. Left alone, it stays as it is.");
    let sends = if list { " An empty list is sent." } else { " An empty text is sent." };
    Some(quote! {
        #[doc = #about]
        #[doc = ""]
        #[doc = #sends]
        pub fn #clear(mut self) -> Self {
            self.body.#ident = Some(Default::default());
            self
        }
    })
}

/// The function that makes the service's number of a time.
fn time(kind: Kind) -> Option<Ident> {
    Some(match kind {
        Kind::Moment(Scale::Seconds) => format_ident!("epoch_seconds"),
        Kind::Moment(Scale::Milliseconds) => format_ident!("epoch_milliseconds"),
        Kind::Span(Scale::Seconds) => format_ident!("seconds"),
        Kind::Span(Scale::Milliseconds) => format_ident!("milliseconds"),
        _ => return None,
    })
}

/// A description without the unit of the wire, where the argument is a time.
fn of_time(text: &str, kind: Kind) -> String {
    if time(kind).is_none() {
        return text.to_owned();
    }
    let units = [", in epoch milliseconds", ", in epoch seconds", ", in milliseconds", ", in seconds"];
    units.iter().fold(text.to_owned(), |text, unit| text.replace(unit, ""))
}

/// The name of one of many: `custom_claim` of `custom_claims`.
pub(super) fn singular(name: &str) -> Option<String> {
    let one = name.strip_suffix('s')?;
    (!one.ends_with('s')).then(|| one.to_owned())
}

/// `send`, for what is answered at once.
fn send(document: &Document, plan: &Plan<'_>) -> TokenStream {
    let (builder, function) = (&plan.builder, &plan.function);
    let (taken, checks, arguments) = (taken_apart(plan), checks(plan), lent(plan));
    let (ty, read) = match &plan.answer {
        Answer::Nothing => (quote!(()), quote!(Ok(()))),
        Answer::Whole(ty) => (quote!(#ty), quote!(Ok(answer.body))),
        Answer::Stream => (quote!(descope_api::ByteStream), quote!(Ok(answer.body))),
        Answer::Member { ident, ty } => member(ident, ty),
        Answer::Members { name, members } => {
            let fields = members.iter().map(|(ident, ty, _)| {
                let (_, value) = member(ident, ty);
                quote!(#ident: { let value: Result<_> = #value; value? })
            });
            (quote!(#name), quote!(Ok(#name { #(#fields),* })))
        }
        Answer::Authentication => {
            (quote!(crate::Authentication), quote!(crate::Authentication::read(answer, call.token_names())))
        }
        Answer::Pages { .. } => unreachable!("pages are not sent"),
    };
    let answer = if matches!(plan.answer, Answer::Nothing) { None } else { Some(quote!(let answer =)) };
    let docs = send_docs(document, plan);
    let sent = match plan.overlay.cache {
        Some("read") => quote! {
            match call.cache() {
                Some(cache) => match call!(cache?, #function #arguments) {
                    Err(error) if crate::call::may_ask_elsewhere(&error) => call!(api, #function #arguments)?,
                    answer => answer?,
                },
                None => call!(api, #function #arguments)?,
            }
        },
        Some(_) => quote! {
            match call.cache() {
                Some(cache) => call!(cache?, #function #arguments)?,
                None => call!(api, #function #arguments)?,
            }
        },
        None => quote!(call!(api, #function #arguments)?),
    };
    let held = match &plan.answer {
        Answer::Members { name, members } => Some(held(plan, name, members)),
        _ => None,
    };
    quote! {
        #held

        impl #builder {
            #(#[doc = #docs])*
            pub async fn send(self) -> Result<#ty> {
                let Self { call, #taken } = self;
                #checks
                let api = call.managing()?;
                #answer #sent;
                #read
            }
        }
    }
}

/// The type of an answer of several members.
fn held(plan: &Plan<'_>, name: &Ident, members: &[(Ident, Type, Vec<String>)]) -> TokenStream {
    let about = format!(" What [`{}::send`] gives.", plan.builder);
    let members = members.iter().map(|(ident, ty, docs)| {
        let (ty, docs) = (member(ident, ty).0, docs.iter().flat_map(|text| lines(text)));
        quote!(#(#[doc = #docs])* pub #ident: #ty)
    });
    quote! {
        #[doc = #about]
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct #name {
            #(#members),*
        }
    }
}

/// A member of the answer as the caller gets it.
fn member(ident: &Ident, ty: &Type) -> (TokenStream, TokenStream) {
    let lacks = format!("the answer holds no `{}`", plain(ident));
    match path_of(ty) {
        Some((name, _)) if name == "Option" => {
            let held = stripped(ty);
            let by_value = path_of(held).is_some_and(|(name, _)| ["bool", "i64"].contains(&name.as_str()));
            let unbox = inner(ty).is_some_and(|ty| path_of(ty).is_some_and(|(name, _)| name == "Box"));
            let value = match (by_value, unbox) {
                // What is false or zero is left out.
                (true, _) => quote!(Ok(answer.body.#ident.unwrap_or_default())),
                (_, true) => {
                    quote!(answer.body.#ident.map(|it| *it).ok_or_else(|| answer.origin.lacks(#lacks)))
                }
                _ => quote!(answer.body.#ident.ok_or_else(|| answer.origin.lacks(#lacks))),
            };
            (quote!(#held), value)
        }
        _ => (quote!(#ty), quote!(Ok(answer.body.#ident))),
    }
}

/// `page`, `stream` and `count`, for what comes in pages.
fn pages(document: &Document, plan: &Plan<'_>) -> TokenStream {
    let Answer::Pages { items, item, total } = &plan.answer else { return TokenStream::new() };
    let Some(page) = &plan.overlay.page else { return TokenStream::new() };
    let (builder, function) = (&plan.builder, &plan.function);
    let (number, size) = (super::raw::ident_of(page.number), super::raw::ident_of(page.size));
    let in_body = matches!(plan.body, Some(Body::Object { .. }));
    let (taken, checks, arguments) = (taken_apart(plan), checks(plan), lent(plan));
    let set = if in_body {
        quote!(let body = body.#number(page).#size(size);)
    } else {
        quote!(let (#number, #size) = (Some(page), Some(size));)
    };
    let said = total.as_ref().map_or_else(|| quote!(None), |total| quote!(answer.body.#total));
    let count = total.as_ref().map(|_| {
        let (docs, errors) = ([" How many there are, on all pages together.", ""], errors(document, plan));
        quote! {
            #(#[doc = #docs])*
            #(#[doc = #errors])*
            /// - [`Decode`](crate::ErrorKind::Decode): the answer does not say.
            pub async fn count(self) -> Result<u64> {
                crate::paging::count(self).await
            }
        }
    });
    let errors = errors(document, plan);
    let first = format!(" {}, one page of it.", summary(plan).trim_end_matches('.'));
    let asks = format!(" {}", endpoint(plan));
    quote! {
        impl #builder {
            #[doc = #first]
            ///
            /// - `number`: which page, counted from 0.
            /// - `size`: how many items a page has at most.
            ///
            #[doc = #asks]
            ///
            #(#[doc = #errors])*
            pub async fn page(self, number: u32, size: u32) -> Result<Page<#item>> {
                self.fetch(i64::from(number), i64::from(size)).await
            }

            /// Every item, one after the other. A page is asked for when the one before it is used up.
            pub fn stream(self) -> Items<Self> {
                Items::new(self)
            }

            #count
        }

        impl Paged for #builder {
            type Item = #item;

            async fn fetch(self, page: i64, size: i64) -> Result<Page<#item>> {
                let Self { call, #taken } = self;
                #checks
                #set
                let api = call.managing()?;
                let answer = call!(api, #function #arguments)?;
                Ok(Page::new(answer.body.#items, #said, answer.origin.operation))
            }
        }
    }
}

/// The parameters that a builder keeps: those that say which page come when it is asked for.
fn kept<'a>(plan: &'a Plan<'_>) -> impl Iterator<Item = &'a Held> {
    let page = plan.overlay.page.iter().flat_map(|page| [page.number, page.size]);
    let spent: Vec<Ident> = page.map(super::raw::ident_of).collect();
    plan.parameters.iter().filter(move |held| !spent.contains(&held.ident))
}

/// The fields of the builder besides the call, for a pattern.
fn taken_apart(plan: &Plan<'_>) -> TokenStream {
    let body = match &plan.body {
        Some(Body::Object { .. } | Body::Whole { .. }) => Some(quote!(body,)),
        _ => None,
    };
    let parameters = kept(plan).map(|held| &held.ident);
    quote!(#body #(#parameters,)*)
}

/// The arguments of the raw function, each after a comma.
fn lent(plan: &Plan<'_>) -> TokenStream {
    let mut arguments: Vec<TokenStream> = plan.parameters.iter().map(Held::lent).collect();
    match &plan.body {
        Some(Body::Empty { ty }) => arguments.push(quote!(&types::#ty(Default::default()))),
        Some(_) => arguments.push(quote!(&body)),
        None => {}
    }
    quote!(#(, #arguments)*)
}

/// What is refused before anything is sent.
fn checks(plan: &Plan<'_>) -> TokenStream {
    let checks = plan.arguments.iter().flat_map(|argument| {
        argument.names.iter().map(move |json| {
            let member = if argument.place == Place::Body { format_ident!("body") } else { super::raw::ident_of(json) };
            let value = match argument.place {
                Place::Parameter | Place::Body => quote!(#member),
                _ => quote!(body.#member),
            };
            let name = plain(&argument.ident);
            let optional = path_of(&argument.ty).is_some_and(|(name, _)| name == "Option")
                || argument.names.len() == 2
                || argument.kind == Kind::User && argument.place == Place::Optional;
            let optional = optional || is_option(plan, &member, argument.place);
            let kind = path_of(stripped(&argument.ty)).map(|(name, _)| name);
            match (kind.as_deref(), optional) {
                (Some("String"), false) if plan.overlay.lines.contains(&json.as_str()) => {
                    quote!(check::lines(#name, &#value)?;)
                }
                (Some("String" | "UserIdentifier"), false) => quote!(check::text(#name, &#value)?;),
                (Some("String" | "UserIdentifier"), true) => quote!(check::optional_text(#name, #value.as_deref())?;),
                (Some("Secret"), false) => quote!(check::secret(#name, &#value)?;),
                (Some("Vec"), false) if argument.filled => quote!(check::list(#name, &#value)?;),
                _ => TokenStream::new(),
            }
        })
    });
    quote!(#(#checks)*)
}

fn is_option(plan: &Plan<'_>, member: &Ident, place: Place) -> bool {
    match place {
        Place::Parameter => plan.parameters.iter().any(|held| held.ident == *member && held.optional),
        Place::Optional => true,
        Place::Required | Place::Body => false,
    }
}

const CACHED: &str =
    "It goes to the cache of [`fga_cache_url`](crate::DescopeBuilder::fga_cache_url), if there is one.";

fn send_docs(document: &Document, plan: &Plan<'_>) -> Vec<String> {
    let success = crate::document::members(&plan.operation.value["responses"])
        .into_iter()
        .find(|(code, _)| code.starts_with('2'))
        .map(|(_, answer)| document.resolve(answer)["description"].as_str().unwrap_or_default());
    let answers = match &plan.answer {
        Answer::Nothing => None,
        _ => success.map(|text| format!(" Gives: {}", lowered(&folded(text)))),
    };
    let mut docs = vec![format!(" {}.", summary(plan).trim_end_matches('.'))];
    if let Some(answers) = answers {
        docs.push(String::new());
        docs.push(answers);
    }
    docs.push(String::new());
    docs.push(format!(" {}", endpoint(plan)));
    docs.push(String::new());
    match plan.overlay.cache {
        Some("read") => docs.push(format!(" {CACHED} Where the cache fails, the service is asked.")),
        Some(_) => docs.push(format!(" {CACHED} It is not sent a second time where that fails.")),
        None => {}
    }
    docs.push(String::new());
    docs.extend(errors(document, plan));
    let may_lack = |ty: &Type| {
        let by_value = |name: &str| ["bool", "i64"].contains(&name);
        path_of(ty).is_some_and(|(name, _)| name == "Option")
            && !path_of(stripped(ty)).is_some_and(|(name, _)| by_value(&name))
    };
    let lacks = match &plan.answer {
        Answer::Member { ty, .. } => may_lack(ty),
        Answer::Members { members, .. } => members.iter().any(|(_, ty, _)| may_lack(ty)),
        Answer::Authentication => true,
        _ => false,
    };
    if lacks {
        docs.push(" - [`Decode`](crate::ErrorKind::Decode): the answer does not hold what it should.".to_owned());
    }
    docs
}

/// The refusals that can come, from the table of codes.
fn errors(document: &Document, plan: &Plan<'_>) -> Vec<String> {
    let mut docs = vec![" # Errors".to_owned(), String::new()];
    let mut refused: Vec<String> = plan
        .arguments
        .iter()
        .filter(|argument| match path_of(stripped(&argument.ty)).map(|(name, _)| name).as_deref() {
            Some("String" | "Secret" | "UserIdentifier") => true,
            Some("Vec") => argument.filled,
            _ => false,
        })
        .map(|argument| format!("`{}`", plain(&argument.ident)))
        .collect();
    refused
        .extend(plan.setters.iter().filter(|setter| setter.filter).map(|setter| format!("`{}`", plain(&setter.ident))));
    if !refused.is_empty() {
        docs.push(format!(
            " - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): {} {} empty; nothing was sent.",
            either(&refused),
            if refused.len() == 1 { "is" } else { "is given and" }
        ));
        if refused.len() > 1 {
            docs.pop();
            docs.push(format!(
                " - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): one of {} is empty; nothing was sent.",
                either(&refused)
            ));
        }
    }
    docs.push(
        " - [`Configuration`](crate::ErrorKind::Configuration): there is no management key; nothing was sent."
            .to_owned(),
    );
    for row in document.errors.iter().filter(|row| is_given_by(row, plan)) {
        docs.push(format!(
            " - [`{}`](crate::ErrorKind::{}) ([`{}`](crate::ErrorCode::{})): {}",
            row.kind,
            row.kind,
            row.name,
            row.name,
            lowered(&row.meaning.replace('`', ""))
        ));
    }
    docs.push(" - [`Unauthorized`](crate::ErrorKind::Unauthorized): the management key is not accepted.".to_owned());
    docs
}

fn is_given_by(row: &Row, plan: &Plan<'_>) -> bool {
    let id = plan.operation.id().unwrap_or_default();
    !row.kind.is_empty()
        && row.from.iter().any(|from| from == id || Some(from.as_str()) == plan.operation.tag())
        && row.kind != "Unauthorized"
}

fn either(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
        [] => String::new(),
    }
}

fn summary(plan: &Plan<'_>) -> String {
    let mut text = plan.operation.value["summary"].as_str().unwrap_or_default().to_owned();
    text.push('.');
    text
}

/// Method, path and the service's own page.
fn endpoint(plan: &Plan<'_>) -> String {
    let mut text = format!("`{} {}`", plan.operation.method.to_ascii_uppercase(), plan.operation.path);
    if let Some(url) = plan.operation.value["externalDocs"]["url"].as_str() {
        let _ = write!(text, " · [reference]({url})");
    }
    text
}

/// Prose of the document as lines of documentation.
fn lines(text: &str) -> Vec<String> {
    escaped(text).trim().lines().map(|line| format!(" {}", line.trim_end())).collect()
}

/// The same on one line.
fn folded(text: &str) -> String {
    escaped(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Brackets and angle brackets mean something to rustdoc.
fn escaped(text: &str) -> String {
    if text.starts_with("See [`") {
        return text.to_owned();
    }
    let mut escaped = String::new();
    let mut code = false;
    for c in text.chars() {
        match c {
            '`' => code = !code,
            '[' | ']' | '<' | '>' if !code => escaped.push('\\'),
            _ => {}
        }
        escaped.push(c);
    }
    escaped
}

/// With its first letter small, behind a colon.
fn lowered(text: &str) -> String {
    let mut chars = text.chars();
    let second_is_large = text.chars().nth(1).is_some_and(char::is_uppercase);
    match chars.next() {
        Some(first) if !second_is_large => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
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
