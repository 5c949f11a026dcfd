//! Changes to what progenitor and typify write: leaner functions, types and docs, and a tolerant reader.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{
    Attribute, Expr, Fields, File, GenericArgument, ImplItem, Item, ItemEnum, ItemMod, ItemStruct, Lit, Meta,
    PathArguments, Type, parse_quote,
};

use super::{functions, objects, prepare::Aliases};
use crate::problem::Failure;

/// Rewrites the client.
pub(crate) fn client(tokens: TokenStream, aliases: &Aliases) -> Result<File, Failure> {
    let mut file: File = syn::parse2(tokens).map_err(|error| Failure::Generator(error.to_string()))?;
    for item in &mut file.items {
        match item {
            Item::Mod(module) if module.ident == "types" => types(module, aliases)?,
            Item::Impl(block) => {
                // `Client::new` would follow redirects and time out after 15 seconds; the seam has a constructor.
                block.items.retain(|item| !matches!(item, ImplItem::Fn(f) if f.sig.ident == "new"));
                for item in &mut block.items {
                    if let ImplItem::Fn(function) = item
                        && function.sig.ident == "new_with_client"
                    {
                        function.vis = parse_quote!(pub(crate));
                    } else if let ImplItem::Fn(function) = item
                        && function.sig.asyncness.is_some()
                    {
                        functions::outline(function)?;
                    }
                }
            }
            _ => {}
        }
    }
    file.items.retain(|item| !matches!(item, Item::Mod(module) if module.ident == "prelude"));
    Ok(file)
}

fn types(module: &mut ItemMod, aliases: &Aliases) -> Result<(), Failure> {
    let Some((_, items)) = &mut module.content else { return Ok(()) };
    // `From<&T> for T` only hides a clone.
    items.retain(|item| !matches!(item, Item::Impl(block) if is_from_reference(block)));
    let mut implementations: Vec<Item> = Vec::new();
    for item in items.iter_mut() {
        match item {
            Item::Struct(ItemStruct { ident, attrs, fields: Fields::Named(named), .. }) => {
                lean_docs(attrs);
                objects::without_serde(attrs);
                let members = objects::members(named, aliases.get(&ident.to_string()))?;
                implementations.extend(objects::object(ident, &members));
            }
            Item::Struct(ItemStruct { ident, attrs, .. }) => {
                lean_docs(attrs);
                implementations.push(objects::read_by_serde(ident));
            }
            Item::Enum(item) => {
                lean_docs(&mut item.attrs);
                item.variants.iter_mut().for_each(|variant| objects::tolerant(&mut variant.fields));
                implementations.push(objects::read_by_serde(&item.ident));
            }
            _ => continue,
        }
        let (Item::Struct(ItemStruct { attrs, .. }) | Item::Enum(ItemEnum { attrs, .. })) = item else { continue };
        attrs.push(parse_quote!(#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]));
    }
    items.extend(implementations);
    Ok(())
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
