//! Changes to what progenitor and typify write: a tolerant reader, derives behind features, leaner docs.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{
    Attribute, Expr, Field, Fields, File, GenericArgument, ImplItem, Item, ItemMod, Lit, Meta, PathArguments, Type,
    parse_quote,
};

use super::prepare::Aliases;
use crate::problem::Failure;

/// Rewrites the client.
pub(crate) fn client(tokens: TokenStream, aliases: &Aliases) -> Result<File, Failure> {
    let mut file: File = syn::parse2(tokens).map_err(|error| Failure::Generator(error.to_string()))?;
    for item in &mut file.items {
        match item {
            Item::Mod(module) if module.ident == "types" => types(module, aliases),
            Item::Impl(block) => {
                // `Client::new` would follow redirects and time out after 15 seconds; the seam has a constructor.
                block.items.retain(|item| !matches!(item, ImplItem::Fn(f) if f.sig.ident == "new"));
                for item in &mut block.items {
                    if let ImplItem::Fn(function) = item
                        && function.sig.ident == "new_with_client"
                    {
                        function.vis = parse_quote!(pub(crate));
                    }
                }
            }
            _ => {}
        }
    }
    file.items.retain(|item| !matches!(item, Item::Mod(module) if module.ident == "prelude"));
    Ok(file)
}

fn types(module: &mut ItemMod, aliases: &Aliases) {
    let Some((_, items)) = &mut module.content else { return };
    for item in items.iter_mut() {
        match item {
            Item::Struct(item) => {
                lean_docs(&mut item.attrs);
                derive_schema(&mut item.attrs);
                let names = aliases.get(&item.ident.to_string());
                fields(&mut item.fields, names);
            }
            Item::Enum(item) => {
                lean_docs(&mut item.attrs);
                derive_schema(&mut item.attrs);
                for variant in &mut item.variants {
                    fields(&mut variant.fields, None);
                }
            }
            _ => {}
        }
    }
    // `From<&T> for T` only hides a clone.
    items.retain(|item| match item {
        Item::Impl(block) => !is_from_reference(block),
        _ => true,
    });
}

fn is_from_reference(block: &syn::ItemImpl) -> bool {
    let Some((path, _)) = &block.trait_ else { return false };
    let Some(last) = path.segments.last() else { return false };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
    last.ident == "From"
        && matches!(arguments.args.first(), Some(GenericArgument::Type(Type::Reference(of)))
            if of.elem.to_token_stream().to_string() == block.self_ty.to_token_stream().to_string())
}

/// typify prints the JSON schema of every type into its documentation; the spec is the better place to read it.
fn lean_docs(attrs: &mut [Attribute]) {
    for attr in attrs {
        let Meta::NameValue(meta) = &mut attr.meta else { continue };
        let Expr::Lit(literal) = &mut meta.value else { continue };
        let Lit::Str(text) = &literal.lit else { continue };
        let value = text.value();
        if let Some(start) = value.find("<details>") {
            let kept = value[..start].trim_end().to_owned();
            literal.lit = Lit::Str(syn::LitStr::new(&kept, text.span()));
        }
    }
}

fn derive_schema(attrs: &mut Vec<Attribute>) {
    attrs.push(parse_quote!(#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]));
}

fn fields(fields: &mut Fields, aliases: Option<&BTreeMap<String, Vec<String>>>) {
    let Fields::Named(named) = fields else { return };
    for field in &mut named.named {
        let attributes: String = field.attrs.iter().map(|attr| attr.to_token_stream().to_string()).collect();
        // A flattened map takes what is left; it is never absent.
        if let Some(reader) = reader(&field.ty).filter(|_| !attributes.contains("flatten")) {
            if reader == OPTIONAL_INTEGER && !attributes.contains("default") {
                // serde lets an `Option` be absent by itself, but not once a function reads it.
                field.attrs.push(parse_quote!(#[serde(default)]));
            }
            let path = format!("crate::tolerant::{reader}");
            field.attrs.push(parse_quote!(#[serde(deserialize_with = #path)]));
        }
        let wire = wire_name(field);
        for alias in aliases.and_then(|names| names.get(&wire)).into_iter().flatten() {
            field.attrs.push(parse_quote!(#[serde(alias = #alias)]));
        }
    }
}

/// The name of a field in JSON.
fn wire_name(field: &Field) -> String {
    for attr in &field.attrs {
        let text = attr.to_token_stream().to_string();
        if let Some(rest) = text.split("rename = \"").nth(1) {
            return rest.split('"').next().unwrap_or_default().to_owned();
        }
    }
    field.ident.as_ref().map(ToString::to_string).unwrap_or_default()
}

const OPTIONAL_INTEGER: &str = "optional_integer";

/// The function that reads a field of this type more tolerantly than serde would, if it needs one.
fn reader(ty: &Type) -> Option<&'static str> {
    let holds_integers = inner(ty).is_some_and(is_integer);
    match outer(ty)?.as_str() {
        _ if is_integer(ty) => Some("integer"),
        "Option" if holds_integers => Some(OPTIONAL_INTEGER),
        "Vec" if holds_integers => Some("integers"),
        "BTreeMap" if holds_integers => Some("integers_by_name"),
        "Vec" | "Map" | "BTreeMap" => Some("null_as_empty"),
        _ => None,
    }
}

fn is_integer(ty: &Type) -> bool {
    outer(ty).is_some_and(|name| ["i64", "i32", "u64", "u32"].contains(&name.as_str()))
}

fn outer(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}

/// What a container holds: the last of its type arguments, which is the value of a map.
fn inner(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    match &path.path.segments.last()?.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.iter().rev().find_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        }),
        _ => None,
    }
}
