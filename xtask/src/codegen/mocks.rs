//! The typed mocks, for a crate of their own.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Attribute, File, ImplItem, ImplItemFn, Item, TraitItem, parse_quote};

use super::{
    fixup::{Fixup, Tally},
    slices::by_function,
};
use crate::{document::Document, problem::Failure};

const BEHIND_FEATURE: Fixup = Fixup::new("behind-feature", "a mock needs the types of its operation's feature");
const ENCODED_PATH: Fixup =
    Fixup::new("encoded-path", "progenitor takes the value of a path parameter for a regular expression");

/// What [`client`] changes.
pub(super) const FIXUPS: [Fixup; 2] = [BEHIND_FEATURE, ENCODED_PATH];

/// Each mock behind the feature of its operation, and matching the path that the client sends.
pub(super) fn client(document: &Document, tokens: TokenStream, tally: &mut Tally) -> Result<File, Failure> {
    let mut file: File = syn::parse2(tokens).map_err(super::fault)?;
    for item in &mut file.items {
        if let Item::Mod(module) = item {
            for item in module.content.iter_mut().flat_map(|(_, items)| items) {
                if let Item::Impl(block) = item {
                    block.items.iter_mut().filter_map(method).try_for_each(|function| encode(function, tally))?;
                }
            }
        }
    }
    behind_features(document, &mut file, tally);
    Ok(file)
}

fn method(item: &mut ImplItem) -> Option<&mut ImplItemFn> {
    match item {
        ImplItem::Fn(function) => Some(function),
        _ => None,
    }
}

/// Has a path parameter compared with what the client makes of it, to the letter.
fn encode(function: &mut ImplItemFn, tally: &mut Tally) -> Result<(), Failure> {
    let has_parameter = function.sig.inputs.len() == 2;
    let text = function.block.to_token_stream().to_string();
    if !has_parameter || !text.contains("path_matches") {
        return Ok(());
    }
    let encoded = text.replace("value . to_string ()", "crate :: segment (& value . to_string ())");
    if encoded == text {
        let name = &function.sig.ident;
        return Err(Failure::Generator(format!("the mock of the path parameter `{name}` is unlike all others")));
    }
    function.block = syn::parse_str(&encoded).map_err(super::fault)?;
    tally.made(ENCODED_PATH);
    Ok(())
}

fn behind_features(document: &Document, file: &mut File, tally: &mut Tally) {
    let by_function = by_function(document);
    let by_type: BTreeMap<String, &'static str> = by_function
        .iter()
        .flat_map(|(function, slice)| {
            let stem: String = function.split('_').map(capitalised).collect();
            [(format!("{stem}When"), *slice), (format!("{stem}Then"), *slice)]
        })
        .collect();
    let mut mark = |attrs: &mut Vec<Attribute>, slice: Option<&&'static str>| {
        if let Some(slice) = slice {
            attrs.push(parse_quote!(#[cfg(feature = #slice)]));
            tally.made(BEHIND_FEATURE);
        }
    };
    for item in &mut file.items {
        match item {
            Item::Mod(module) => {
                for item in module.content.iter_mut().flat_map(|(_, items)| items) {
                    match item {
                        Item::Struct(item) => mark(&mut item.attrs, by_type.get(&item.ident.to_string())),
                        Item::Impl(block) => {
                            mark(&mut block.attrs, by_type.get(&block.self_ty.to_token_stream().to_string()));
                        }
                        _ => {}
                    }
                }
            }
            Item::Trait(item) => {
                for item in &mut item.items {
                    if let TraitItem::Fn(function) = item {
                        mark(&mut function.attrs, by_function.get(&function.sig.ident.to_string()));
                    }
                }
            }
            Item::Impl(block) => {
                for function in block.items.iter_mut().filter_map(method) {
                    mark(&mut function.attrs, by_function.get(&function.sig.ident.to_string()));
                }
            }
            _ => {}
        }
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
