//! Cuts the generated code into one file per cargo feature, with the types that several of them use in one of their own.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident, quote};
use syn::{File, ImplItem, Item, ItemImpl, parse_quote};

use super::operations::function_name;
use crate::{document::Document, problem::Failure};

/// Generated files by name, below `descope-api/src/generated/`.
type Files = Vec<(String, File)>;

/// The feature that an operation with this tag belongs to.
fn slice_of(tag: &str) -> &'static str {
    ["management", "federation", "scim"]
        .into_iter()
        .find(|slice| tag.strip_prefix(slice).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
        .unwrap_or("auth")
}

/// The slice of every operation, by the name of its function.
pub(super) fn by_function(document: &Document) -> BTreeMap<String, &'static str> {
    document
        .operations()
        .iter()
        .map(|operation| {
            (function_name(operation.id().unwrap_or_default()), slice_of(operation.tag().unwrap_or_default()))
        })
        .collect()
}

/// A file of a few lines of our own and many items that are there already: parsing those again would take longer than
/// all the rest.
fn with_items(mut file: File, items: Vec<Item>) -> File {
    file.items.extend(items);
    file
}

/// Splits client and types.
pub(crate) fn split(document: &Document, client: File) -> Result<Files, Failure> {
    let by_function = by_function(document);
    let slices: BTreeSet<&'static str> = by_function.values().copied().collect();
    let mut head = Vec::new();
    let mut types = Vec::new();
    let mut methods: BTreeMap<&str, Vec<ImplItem>> = BTreeMap::new();
    for item in client.items {
        match item {
            Item::Mod(module) if module.ident == "types" => {
                types = module.content.map(|(_, items)| items).unwrap_or_default();
            }
            Item::Impl(mut block) if block.trait_.is_none() => {
                let (operations, rest): (Vec<_>, Vec<_>) =
                    block.items.into_iter().partition(|item| slice_of_method(item, &by_function).is_some());
                for item in operations {
                    if let Some(slice) = slice_of_method(&item, &by_function) {
                        methods.entry(slice).or_default().push(item);
                    }
                }
                if !rest.is_empty() {
                    block.items = rest;
                    head.push(Item::Impl(block));
                }
            }
            other => head.push(other),
        }
    }
    let generated: usize = methods.values().map(Vec::len).sum();
    if generated != by_function.len() {
        return Err(Failure::Generator(format!(
            "{} operations became {generated} functions; an operationId does not survive as a name",
            by_function.len()
        )));
    }

    let mut files = Files::new();
    files.extend(type_files(types, &methods));
    for (slice, items) in methods {
        let mut block: ItemImpl = parse_quote!(impl Client {});
        block.items = items;
        files.push((
            format!("{slice}.rs"),
            with_items(
                parse_quote!(
                    use super::*;
                ),
                vec![Item::Impl(block)],
            ),
        ));
    }

    let modules = slices.iter().map(|slice| {
        let module = format_ident!("{slice}");
        quote! {
            #[cfg(feature = #slice)]
            mod #module;
        }
    });
    files.push((
        "mod.rs".to_owned(),
        with_items(
            parse_quote! {
                #(#modules)*
                pub mod operations;
                pub mod types;
                pub mod vocabulary;
            },
            head,
        ),
    ));
    Ok(files)
}

fn slice_of_method(item: &ImplItem, by_function: &BTreeMap<String, &'static str>) -> Option<&'static str> {
    match item {
        ImplItem::Fn(function) => by_function.get(&function.sig.ident.to_string()).copied(),
        _ => None,
    }
}

/// One file per slice for the types that only it reaches, one for all others.
fn type_files(items: Vec<Item>, methods: &BTreeMap<&str, Vec<ImplItem>>) -> Files {
    let names: BTreeSet<String> = items.iter().filter_map(definition).collect();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for item in &items {
        if let Some(name) = definition(item) {
            let mut found = BTreeSet::new();
            identifiers(item.to_token_stream(), &mut found);
            uses.insert(name, found.intersection(&names).cloned().collect());
        }
    }
    let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (slice, functions) in methods {
        let mut found = BTreeSet::new();
        for function in functions {
            identifiers(function.to_token_stream(), &mut found);
        }
        let mut open: Vec<&String> = names.iter().filter(|name| found.contains(*name)).collect();
        while let Some(name) = open.pop() {
            if reached.entry(name).or_default().insert(slice) {
                open.extend(uses.get(name).into_iter().flatten());
            }
        }
    }
    let home = |name: &str| match reached.get(name).map(|slices| slices.iter().collect::<Vec<_>>()) {
        Some(slices) if slices.len() == 1 => (*slices[0]).to_owned(),
        _ => "shared".to_owned(),
    };

    let mut by_home: BTreeMap<String, Vec<Item>> = BTreeMap::new();
    for item in items {
        let name = definition(&item).or_else(|| implementer(&item, &names));
        by_home.entry(name.map_or_else(|| "shared".to_owned(), |name| home(&name))).or_default().push(item);
    }
    let modules = by_home.keys().map(|home| {
        let module = format_ident!("{home}");
        let feature = (home != "shared").then(|| quote!(#[cfg(feature = #home)]));
        quote! {
            #feature
            mod #module;
            #feature
            pub use #module::*;
        }
    });
    let described = by_home.keys().map(|home| {
        let module = format_ident!("{home}");
        let feature = (home != "shared").then(|| quote!(#[cfg(feature = #home)]));
        quote!(#feature #module::DESCRIBED)
    });
    let mut files = vec![(
        "types/mod.rs".to_owned(),
        parse_quote! {
            #![doc = "Types used as operation parameters and responses."]
            #(#modules)*
            #[cfg(feature = "schemars")]
            pub(crate) const DESCRIBED: &[&[crate::schema::Described]] = &[#(#described),*];
        },
    )];
    for (home, mut items) in by_home {
        let names = items.iter().filter_map(definition).map(|name| format_ident!("{name}"));
        let described = quote!(#(#names)*);
        items.push(parse_quote! {
            #[cfg(feature = "schemars")]
            crate::schema::described! { #described }
        });
        let file = parse_quote! {
            #[allow(unused_imports)]
            use super::*;
        };
        files.push((format!("types/{home}.rs"), with_items(file, items)));
    }
    files
}

fn definition(item: &Item) -> Option<String> {
    match item {
        Item::Struct(item) => Some(item.ident.to_string()),
        Item::Enum(item) => Some(item.ident.to_string()),
        Item::Type(item) => Some(item.ident.to_string()),
        _ => None,
    }
}

/// The type that an impl block belongs to.
fn implementer(item: &Item, names: &BTreeSet<String>) -> Option<String> {
    let Item::Impl(block) = item else { return None };
    let mut found = BTreeSet::new();
    identifiers(block.self_ty.to_token_stream(), &mut found);
    if let Some(name) = names.intersection(&found).next() {
        return Some(name.clone());
    }
    // `impl From<Wrapper> for Foreign`
    if let Some((path, _)) = &block.trait_ {
        identifiers(path.to_token_stream(), &mut found);
    }
    names.intersection(&found).next().cloned()
}

fn identifiers(tokens: TokenStream, found: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                found.insert(ident.to_string());
            }
            TokenTree::Group(group) => identifiers(group.stream(), found),
            _ => {}
        }
    }
}
