//! What sets one thing of a request: values, lists that select, entries of maps, times, and what takes something away.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::Type;

use super::{
    super::{construct::path_of, vocabulary},
    docs::{lines, of_time},
    plan::{Argument, Kind, Place, Scale, Setter, stripped, taken},
    write::plain,
};

/// An argument as a parameter is kept: the conversion that setters of a body do themselves.
pub(super) fn converted(value: &TokenStream, ty: &Type, kind: Kind) -> TokenStream {
    match path_of(stripped(ty)).map(|(name, _)| name).as_deref() {
        _ if vocabulary::is_one(stripped(ty)) => quote!(#value.into()),
        Some("String" | "Secret") if kind == Kind::Plain => quote!(#value.into()),
        Some("Vec") => quote!(#value.into_iter().map(Into::into).collect()),
        _ => quote!(#value),
    }
}

pub(super) fn setter(setter: &Setter) -> TokenStream {
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
pub(super) fn changer(argument: &Argument) -> Option<TokenStream> {
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
pub(super) fn clearer(setter: &Setter) -> Option<TokenStream> {
    let held = stripped(&setter.ty);
    let growing = vocabulary::is_one(held);
    let list = match path_of(held).map(|(name, _)| name).as_deref() {
        Some("Vec") => true,
        Some("String") => false,
        _ if growing => false,
        _ => return None,
    };
    if setter.place != Place::Optional {
        return None;
    }
    let (ident, name) = (&setter.ident, plain(&setter.ident));
    let clear = format_ident!("clear_{name}");
    let about = format!(" Takes away what [`{name}`](Self::{name}) would set. Left alone, it stays as it is.");
    let sends = if list { " An empty list is sent." } else { " An empty text is sent." };
    let nothing = if growing { quote!("".into()) } else { quote!(Default::default()) };
    Some(quote! {
        #[doc = #about]
        #[doc = ""]
        #[doc = #sends]
        pub fn #clear(mut self) -> Self {
            self.body.#ident = Some(#nothing);
            self
        }
    })
}

/// The function that makes the service's number of a time.
pub(super) fn time(kind: Kind) -> Option<Ident> {
    Some(match kind {
        Kind::Moment(Scale::Seconds) => format_ident!("epoch_seconds"),
        Kind::Moment(Scale::Milliseconds) => format_ident!("epoch_milliseconds"),
        Kind::Span(Scale::Seconds) => format_ident!("seconds"),
        Kind::Span(Scale::Milliseconds) => format_ident!("milliseconds"),
        _ => return None,
    })
}

/// The name of one of many: `custom_claim` of `custom_claims`.
pub(super) fn singular(name: &str) -> Option<String> {
    let one = name.strip_suffix('s')?;
    (!one.ends_with('s')).then(|| one.to_owned())
}
