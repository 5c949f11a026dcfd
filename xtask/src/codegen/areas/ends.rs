//! How a call ends: what is checked, what is sent, and what of the answer comes back.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::Type;

use super::{
    super::construct::path_of,
    docs::{endpoint, errors, lines, send_docs, summary},
    plan::{Answer, Body, Held, Kind, Place, Plan, stripped},
    raw::{ident_of, inner},
    write::plain,
};
use crate::document::Document;

/// `send`, for what is answered at once.
pub(super) fn send(document: &Document, plan: &Plan<'_>) -> TokenStream {
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
pub(super) fn held(plan: &Plan<'_>, name: &Ident, members: &[(Ident, Type, Vec<String>)]) -> TokenStream {
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
pub(super) fn member(ident: &Ident, ty: &Type) -> (TokenStream, TokenStream) {
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
pub(super) fn pages(document: &Document, plan: &Plan<'_>) -> TokenStream {
    let Answer::Pages { items, item, total } = &plan.answer else { return TokenStream::new() };
    let Some(page) = &plan.overlay.page else { return TokenStream::new() };
    let (builder, function) = (&plan.builder, &plan.function);
    let (number, size) = (ident_of(page.number), ident_of(page.size));
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

/// The parameters that a builder keeps: those that say which page come when it is asked for, and hidden ones never.
pub(super) fn kept<'a>(plan: &'a Plan<'_>) -> impl Iterator<Item = &'a Held> {
    let page = plan.overlay.page.iter().flat_map(|page| [page.number, page.size]);
    let spent: Vec<Ident> = page.map(ident_of).collect();
    plan.parameters.iter().filter(move |held| !spent.contains(&held.ident) && !is_hidden(plan, held))
}

fn is_hidden(plan: &Plan<'_>, held: &Held) -> bool {
    plan.overlay.hidden.iter().any(|name| ident_of(name) == held.ident)
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
    let given = |held: &Held| if is_hidden(plan, held) { quote!(None) } else { held.lent() };
    let mut arguments: Vec<TokenStream> = plan.parameters.iter().map(given).collect();
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
            let member = if argument.place == Place::Body { format_ident!("body") } else { ident_of(json) };
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
    let some = some_of(plan);
    quote!(#(#checks)* #some)
}

/// What refuses a call that would reach everything, because it says nothing of what.
fn some_of(plan: &Plan<'_>) -> Option<TokenStream> {
    let names = plan.overlay.some_of.iter().map(|json| plain(&ident_of(json)));
    let given = plan.overlay.some_of.iter().map(|json| {
        let ident = ident_of(json);
        if plan.parameters.iter().any(|held| held.ident == ident) {
            return quote!(check::is_given(#ident.as_deref()));
        }
        let setter = plan.setters.iter().find(|setter| setter.ident == ident);
        let list = setter.is_some_and(|setter| path_of(&setter.ty).is_some_and(|(name, _)| name == "Vec"));
        if list { quote!(!body.#ident.is_empty()) } else { quote!(check::is_given(body.#ident.as_deref())) }
    });
    (!plan.overlay.some_of.is_empty()).then(|| quote!(check::some_of([#((#names, #given)),*])?;))
}

fn is_option(plan: &Plan<'_>, member: &Ident, place: Place) -> bool {
    match place {
        Place::Parameter => plan.parameters.iter().any(|held| held.ident == *member && held.optional),
        Place::Optional => true,
        Place::Required | Place::Body => false,
    }
}
