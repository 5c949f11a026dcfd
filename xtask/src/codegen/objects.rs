//! Leaner types: what serde would derive is in `descope-api/src/json.rs` once.

use std::collections::BTreeMap;

use proc_macro2::Ident;
use quote::{ToTokens as _, format_ident, quote};
use syn::{Attribute, Field, FieldsNamed, Item, LitStr, Meta, Token, Type, parse_quote};

use crate::problem::Failure;

/// Takes serde's derives away; see `descope-api/src/json.rs`.
pub(super) fn without_serde(attrs: &mut [Attribute]) {
    for attr in attrs.iter_mut().filter(|attr| attr.path().is_ident("derive")) {
        let Meta::List(list) = &mut attr.meta else { continue };
        let kept = list.tokens.to_string();
        let kept: Vec<&str> = kept.split(',').map(str::trim).filter(|path| !path.contains("serde")).collect();
        list.tokens = kept.join(", ").parse().unwrap_or_default();
    }
}

/// Derives `Default` unless it is derived already. Tells whether there was need.
pub(super) fn with_default(attrs: &mut Vec<Attribute>) -> bool {
    let derives = attrs.iter().filter(|attr| attr.path().is_ident("derive"));
    let needed = !derives.into_iter().any(|attr| attr.to_token_stream().to_string().contains("Default"));
    if needed {
        attrs.push(parse_quote!(#[derive(Default)]));
    }
    needed
}

/// A field, and how it is called and treated in JSON.
pub(super) struct Member {
    pub(super) field: Ident,
    pub(super) name: String,
    aliases: Vec<String>,
    /// Whether its type has a value that stands for an absent one.
    defaults: bool,
    /// Whether it is left out when it holds nothing.
    skips: bool,
    /// Whether it takes what no other member takes.
    rest: bool,
}

impl Member {
    /// Whether there is something to put in its place.
    pub(super) fn may_be_absent(&self) -> bool {
        self.defaults || self.skips || self.rest
    }
}

/// Names that are split in odd places by the usual rule, and how they are to be read.
const READABLE: [(&str, &str); 4] = [("IDs", "Ids"), ("SSOID", "SsoId"), ("JWKs", "Jwks"), ("OAuth", "Oauth")];

/// A name in JSON as the usual rule splits it well.
pub(super) fn readable(name: &str) -> String {
    READABLE.iter().fold(name.to_owned(), |name, (odd, plain)| name.replace(odd, plain))
}

/// Gives a member the name that a reader expects, such as `sso_app_ids` for `ssoAppIDs`. Tells whether there was need.
fn rename(field: &mut Field, member: &mut Member) -> bool {
    let spelled = readable(&member.name);
    if spelled == member.name {
        return false;
    }
    let ident = format_ident!("{}", heck::ToSnakeCase::to_snake_case(spelled.as_str()));
    let renamed = member.field != ident;
    field.ident = Some(ident.clone());
    member.field = ident;
    renamed
}

/// Reads what typify wants serde to do, and leaves it to schemars, which reads the same attributes. The number is how many
/// fields got a more readable name.
pub(super) fn members(
    fields: &mut FieldsNamed,
    aliases: Option<&BTreeMap<String, Vec<String>>>,
) -> Result<(Vec<Member>, usize), Failure> {
    let (mut members, mut renamed) = (Vec::new(), 0);
    for field in &mut fields.named {
        let Some(ident) = field.ident.clone() else { continue };
        let mut member = Member {
            name: ident.to_string().trim_start_matches("r#").to_owned(),
            field: ident,
            aliases: Vec::new(),
            defaults: false,
            skips: false,
            rest: false,
        };
        for attr in field.attrs.iter_mut().filter(|attr| attr.path().is_ident("serde")) {
            attr.parse_nested_meta(|meta| {
                if meta.path.is_ident("rename") {
                    member.name = meta.value()?.parse::<LitStr>()?.value();
                } else if meta.path.is_ident("skip_serializing_if") {
                    member.skips = true;
                    meta.value()?.parse::<LitStr>()?;
                } else if meta.path.is_ident("default") && !meta.input.peek(Token![=]) {
                    member.defaults = true;
                } else if meta.path.is_ident("flatten") {
                    member.rest = true;
                } else {
                    return Err(meta.error("an attribute that is not translated"));
                }
                Ok(())
            })
            .map_err(|error| Failure::Generator(format!("`{}`: {error}", member.field)))?;
            let Meta::List(list) = &attr.meta else { continue };
            let tokens = &list.tokens;
            *attr = parse_quote!(#[cfg_attr(feature = "schemars", serde(#tokens))]);
        }
        renamed += usize::from(rename(field, &mut member));
        member.aliases = aliases.and_then(|names| names.get(&member.name)).cloned().unwrap_or_default();
        members.push(member);
    }
    if let Some(twice) =
        members.iter().enumerate().find(|(at, one)| members[..*at].iter().any(|it| it.field == one.field))
    {
        let name = &twice.1.name;
        return Err(Failure::Generator(format!(
            "`{name}` has the name of another member in Rust: use `x-descope-aliases`"
        )));
    }
    // What takes the rest comes last.
    members.sort_by_key(|member| member.rest);
    Ok((members, renamed))
}

/// What makes a type an object of the API.
pub(super) fn object(name: &Ident, members: &[Member]) -> [Item; 3] {
    let aliases = members.iter().flat_map(|member| {
        let name = &member.name;
        member.aliases.iter().map(move |alias| quote!(from.alias(#name, #alias);))
    });
    let reads = members.iter().map(|Member { field, name, defaults, rest, .. }| match (rest, defaults) {
        (true, _) => quote!(#field: from.rest()),
        (_, true) => quote!(#field: from.take_or_default(#name)?),
        _ => quote!(#field: from.take(#name)?),
    });
    let writes = members.iter().map(|Member { field, name, skips, rest, .. }| match (rest, skips) {
        (true, _) => quote!(to.rest(&self.#field);),
        (_, true) => quote!(to.filled(#name, &self.#field);),
        _ => quote!(to.always(#name, &self.#field);),
    });
    [
        parse_quote! {
            impl crate::json::Object for #name {
                fn read(from: &mut crate::json::Members<'_>) -> crate::json::Read<Self> {
                    #(#aliases)*
                    Ok(Self { #(#reads,)* })
                }
                fn write<M: ::serde::ser::SerializeMap>(&self, to: &mut crate::json::Writer<M>) {
                    #(#writes)*
                }
            }
        },
        parse_quote! {
            impl ::serde::Serialize for #name {
                fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                    crate::json::serialize(self, serializer)
                }
            }
        },
        parse_quote! {
            impl<'de> ::serde::Deserialize<'de> for #name {
                fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                    crate::json::deserialize(deserializer)
                }
            }
        },
    ]
}

/// The few types that are not plain objects keep what typify wrote.
pub(super) fn read_by_serde(name: &Ident) -> Item {
    parse_quote! {
        impl crate::json::FromJson for #name {
            fn from_json(node: crate::json::Node<'_>) -> crate::json::Read<Self> {
                crate::json::by_serde(node)
            }
        }
    }
}

/// Has the fields of a variant read as those of an object are.
pub(super) fn tolerant(fields: &mut FieldsNamed) {
    for field in &mut fields.named {
        let attributes: String = field.attrs.iter().map(|attr| attr.to_token_stream().to_string()).collect();
        if !attributes.contains("default") && is_option(&field.ty) {
            // serde lets an `Option` be absent by itself, but not once a function reads it.
            field.attrs.push(parse_quote!(#[serde(default)]));
        }
        field.attrs.push(parse_quote!(#[serde(deserialize_with = "crate::json::deserialize")]));
    }
}

/// Whether the type is `Option<_>`, by whatever path.
fn is_option(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Option"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_type_with_option_in_its_name_stays_required() {
        let mut fields: FieldsNamed = parse_quote!({
            options: LoginOptions,
            note: ::std::option::Option<::std::string::String>,
        });
        tolerant(&mut fields);
        let attributes: Vec<String> = fields
            .named
            .iter()
            .map(|field| field.attrs.iter().map(|attr| attr.to_token_stream().to_string()).collect())
            .collect();
        assert!(!attributes[0].contains("default"), "{attributes:?}");
        assert!(attributes[1].contains("default"), "{attributes:?}");
    }
}
