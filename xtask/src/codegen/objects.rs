//! Leaner types: what serde would derive is in `descope-api/src/json/` once.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, format_ident, quote};
use syn::{Attribute, Field, FieldsNamed, Item, LitStr, Meta, Token, Type, parse_quote};

use crate::problem::Failure;

/// Takes serde's derives away; see `descope-api/src/json/`.
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
#[allow(clippy::struct_excessive_bools, reason = "each is an attribute that a field has or has not")]
pub(super) struct Member {
    pub(super) field: Ident,
    pub(super) name: String,
    aliases: Vec<String>,
    /// Whether its type is an `Option`.
    optional: bool,
    /// Whether its type has another value that stands for an absent one.
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

    /// Whether an answer without it can be read; a request may have to say that there is none.
    fn may_be_left_out(&self) -> bool {
        self.optional || self.may_be_absent()
    }
}

/// How many members `descope-api/src/json/object.rs` can keep in mind.
const BITS: usize = 64;

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

/// Reads what typify wants serde to do. The number is how many fields got a more readable name.
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
            optional: is_option(&field.ty),
            defaults: false,
            skips: false,
            rest: false,
        };
        for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
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
        }
        field.attrs.retain(|attr| !attr.path().is_ident("serde"));
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
pub(super) fn object(name: &Ident, members: &[Member]) -> Result<[Item; 3], Failure> {
    let required: Vec<&str> =
        members.iter().filter(|member| !member.may_be_left_out()).map(|member| member.name.as_str()).collect();
    let many = members.iter().filter(|member| !member.aliases.is_empty()).count();
    if required.len().max(many) > BITS {
        return Err(Failure::Generator(format!("`{name}` has more members than `json::Members` can tell apart")));
    }
    let names = (!required.is_empty()).then(|| quote!(const REQUIRED: &'static [&'static str] = &[#(#required),*];));
    let blank = if required.is_empty() {
        quote!(<Self as ::std::default::Default>::default())
    } else {
        let fields = members.iter().map(|member| {
            let field = &member.field;
            if member.may_be_left_out() {
                quote!(#field: ::std::default::Default::default())
            } else {
                quote!(#field: crate::json::FromJson::blank())
            }
        });
        quote!(Self { #(#fields),* })
    };
    let (mut arms, mut several, mut others) = (Vec::new(), 0_u8, quote!(from.unknown()));
    for member in members {
        let Member { field, name, aliases, .. } = member;
        let place = required.iter().position(|required| required == name).and_then(|place| u8::try_from(place).ok());
        let read = |from: TokenStream, name: TokenStream| {
            if let Some(place) = place {
                quote!(#from.required(#name, #place, &mut self.#field))
            } else {
                quote!(#from.optional(#name, &mut self.#field))
            }
        };
        if member.rest {
            others = quote!(from.rest(name, &mut self.#field));
        } else if aliases.is_empty() {
            let read = read(quote!(from), quote!(name));
            arms.push(quote!(#name => #read,));
        } else {
            let (own, other) = (read(quote!(from.told(#several)), quote!(name)), read(quote!(from), quote!(#name)));
            arms.push(quote! {
                #name => #own,
                #(#aliases)|* if from.is_told(#several) => from.unknown(),
                #(#aliases)|* => #other,
            });
            several += 1;
        }
    }
    let writes = members.iter().map(|Member { field, name, skips, rest, .. }| match (rest, skips) {
        (true, _) => quote!(to.rest(&self.#field);),
        (_, true) => quote!(to.filled(#name, &self.#field);),
        _ => quote!(to.always(#name, &self.#field);),
    });
    Ok([
        parse_quote! {
            impl crate::json::Object for #name {
                #names
                fn blank() -> Self {
                    #blank
                }
                fn member<'de, A: ::serde::de::MapAccess<'de>>(
                    &mut self,
                    name: &str,
                    from: &mut crate::json::Members<A>,
                ) -> ::std::result::Result<(), A::Error> {
                    match name {
                        #(#arms)*
                        _ => #others,
                    }
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
    ])
}

/// The few types that are not plain objects keep what typify wrote.
///
/// - `blank`: a value that says nothing.
pub(super) fn read_by_serde(name: &Ident, blank: &TokenStream) -> Item {
    parse_quote! {
        impl crate::json::FromJson for #name {
            fn blank() -> Self {
                #blank
            }
            fn read<'de, D: ::serde::Deserializer<'de>>(
                &mut self,
                from: D,
            ) -> ::std::result::Result<crate::json::Read, D::Error> {
                crate::json::by_serde(from, self)
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
