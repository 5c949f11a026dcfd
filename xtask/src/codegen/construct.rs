//! How a type is made: `new` with what is required, and a setter for every other member.
//!
//! With them every type can be `#[non_exhaustive]`, so that a member that the service gains is not a breaking change, and a
//! request with twenty optional members is built by naming the two that matter.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Attribute, Field, FieldsNamed, GenericArgument, Item, PathArguments, Type, parse_quote};

use super::{objects::Member, vocabulary};

/// `new`, and the setters with the descriptions of the members.
///
/// - `order`: the members that are required, by their names in JSON, as the document orders them: the login id comes
///   before the code.
pub(super) fn constructors(name: &Ident, fields: &FieldsNamed, members: &[Member], order: &[String]) -> Item {
    let place = |ident: &Ident| {
        let member = members.iter().find(|member| member.field == *ident);
        member.and_then(|member| order.iter().position(|required| *required == member.name))
    };
    let optional = |field: &Field| {
        members.iter().any(|member| Some(&member.field) == field.ident.as_ref() && member.may_be_absent())
    };
    let (mut arguments, mut values, mut setters) = (Vec::new(), Vec::new(), Vec::new());
    for field in &fields.named {
        let Some(ident) = &field.ident else { continue };
        if optional(field) {
            values.push(quote!(#ident: ::std::default::Default::default()));
            setters.push(setter(ident, field));
        } else {
            let Given { ty, value, .. } = given(ident, &field.ty);
            arguments.push((place(ident), quote!(#ident: #ty)));
            values.push(quote!(#ident: #value));
        }
    }
    arguments.sort_by_key(|(place, _)| *place);
    let arguments: Vec<TokenStream> = arguments.into_iter().map(|(_, argument)| argument).collect();
    let about =
        if arguments.is_empty() { " With no member set." } else { " With what is required, and no other member set." };
    parse_quote! {
        impl #name {
            #[doc = #about]
            #[must_use]
            pub fn new(#(#arguments),*) -> Self {
                Self { #(#values),* }
            }
            #(#setters)*
        }
    }
}

fn setter(ident: &Ident, field: &Field) -> TokenStream {
    let mut docs: Vec<Attribute> = field.attrs.iter().filter(|attr| attr.path().is_ident("doc")).cloned().collect();
    let Given { ty, value, optional, about } = given(ident, &field.ty);
    if docs.is_empty() {
        let about =
            about.map_or_else(|| " Sets the member of this name.".to_owned(), |about| format!(" See [`{about}`]."));
        docs.push(parse_quote!(#[doc = #about]));
    }
    let value = if optional { quote!(::std::option::Option::Some(#value)) } else { value };
    quote! {
        #(#docs)*
        #[must_use]
        pub fn #ident(mut self, #ident: #ty) -> Self {
            self.#ident = #value;
            self
        }
    }
}

/// How a value is handed over: the type of the argument, and what makes the member of it.
pub(super) struct Given {
    pub(super) ty: TokenStream,
    pub(super) value: TokenStream,
    /// Whether the member is an `Option` around the value.
    pub(super) optional: bool,
    /// The type of this crate that tells more.
    pub(super) about: Option<Ident>,
}

pub(super) fn given(ident: &Ident, ty: &Type) -> Given {
    if let Some(("Option", arguments)) = path_of(ty).as_ref().map(|(name, arguments)| (name.as_str(), arguments))
        && let [inner] = arguments[..]
    {
        return Given { optional: true, ..given(ident, inner) };
    }
    if vocabulary::is_one(ty) {
        let (given, value) = (quote!(impl Into<#ty>), quote!(#ident.into()));
        return Given { ty: given, value, optional: false, about: None };
    }
    let (ty_given, value) = match path_of(ty).as_ref().map(|(name, arguments)| (name.as_str(), &arguments[..])) {
        Some(("String" | "Secret" | "Value", [])) => (quote!(impl Into<#ty>), quote!(#ident.into())),
        Some(("Vec", [item])) => {
            (quote!(impl IntoIterator<Item = impl Into<#item>>), quote!(#ident.into_iter().map(Into::into).collect()))
        }
        Some(("BTreeMap" | "Map", [key, value])) => (
            quote!(impl IntoIterator<Item = (impl Into<#key>, impl Into<#value>)>),
            quote!(#ident.into_iter().map(|(name, value)| (name.into(), value.into())).collect()),
        ),
        Some(("Box", [inner])) => (quote!(#inner), quote!(::std::boxed::Box::new(#ident))),
        _ => (quote!(#ty), quote!(#ident)),
    };
    Given { ty: ty_given, value, optional: false, about: local(ty) }
}

/// The last segment of a path, and its arguments.
pub(super) fn path_of(ty: &Type) -> Option<(String, Vec<&Type>)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let arguments = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.iter().filter_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        }),
        _ => return Some((last.ident.to_string(), Vec::new())),
    };
    Some((last.ident.to_string(), arguments.collect()))
}

/// The name of a generated type: a path of one segment that is not the standard library's.
fn local(ty: &Type) -> Option<Ident> {
    let Type::Path(path) = ty else { return None };
    let name = path.path.get_ident()?;
    (!["bool", "i64", "f64", "u64"].contains(&name.to_string().as_str())).then(|| name.clone())
}

#[cfg(test)]
mod tests {
    use quote::ToTokens as _;
    use syn::ItemStruct;

    use super::*;
    use crate::codegen::objects;

    fn written(item: &str, order: &[&str]) -> String {
        let order: Vec<String> = order.iter().map(|name| (*name).to_owned()).collect();
        let mut item: ItemStruct = syn::parse_str(item).expect("a struct");
        let syn::Fields::Named(fields) = &mut item.fields else { panic!("named fields") };
        let (members, _) = objects::members(fields, None).expect("known attributes");
        let code = constructors(&item.ident, fields, &members, &order);
        prettyplease::unparse(&parse_quote!(#code))
    }

    #[test]
    fn required_members_are_arguments_and_others_have_setters() {
        let code = written(
            r#"struct Shop {
                #[doc = " Its name."] pub name: ::std::string::String,
                #[doc = " Who may enter."]
                #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
                pub roles: ::std::vec::Vec<::std::string::String>,
                #[serde(skip_serializing_if = "::std::option::Option::is_none")]
                pub owner: ::std::option::Option<Person>,
                #[serde(skip_serializing_if = "::std::option::Option::is_none")]
                pub key: ::std::option::Option<crate::Secret>,
            }"#,
            &["name"],
        );
        for part in [
            "pub fn new(name: impl Into<::std::string::String>) -> Self",
            "/// Who may enter.",
            "roles: impl IntoIterator<Item = impl Into<::std::string::String>>",
            "/// See [`Person`].",
            "pub fn owner(mut self, owner: Person) -> Self",
            "pub fn key(mut self, key: impl Into<crate::Secret>) -> Self",
            "self.key = ::std::option::Option::Some(key.into());",
        ] {
            assert!(code.contains(part), "{part} is missing in {code}");
        }
        assert!(!code.contains("pub fn name"), "{code}");
    }

    #[test]
    fn arguments_come_in_the_order_of_the_document() {
        let item = r#"struct Verify {
            pub code: crate::Secret,
            #[serde(rename = "loginId")]
            pub login_id: ::std::string::String,
        }"#;
        let new =
            "pub fn new(\n        login_id: impl Into<::std::string::String>,\n        code: impl Into<crate::Secret>";
        let code = written(item, &["loginId", "code"]);
        assert!(code.contains(new), "{code}");
    }

    #[test]
    fn argument_follows_from_the_type() {
        for (ty, argument) in [
            ("bool", "bool"),
            ("::std::option::Option<i64>", "i64"),
            ("::std::option::Option<::std::vec::Vec<i64>>", "impl IntoIterator < Item = impl Into < i64 >>"),
            ("::serde_json::Value", "impl Into < :: serde_json :: Value >"),
            ("::std::option::Option<::std::boxed::Box<Node>>", "Node"),
            (
                "::std::collections::BTreeMap<::std::string::String, bool>",
                "impl IntoIterator < Item = (impl Into < :: std :: string :: String > , impl Into < bool >) >",
            ),
        ] {
            let parsed: Type = syn::parse_str(ty).expect("a type");
            let given = given(&quote::format_ident!("it"), &parsed);
            assert_eq!(given.ty.to_token_stream().to_string(), argument, "{ty}");
        }
    }
}
