//! Changes to what progenitor and typify write: leaner functions and types, and a tolerant reader.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Fields, File, ImplItem, Item, ItemConst, ItemMod, ItemStruct, ItemUse, Variant, Visibility, parse_quote};

use super::{
    construct,
    fixup::{Fixup, Tally},
    functions,
    objects::{self, Member},
    prepare::{Aliases, Required},
    times::{self, Units},
};
use crate::problem::Failure;

const NO_CONSTRUCTOR: Fixup =
    Fixup::new("no-constructor", "`Client::new` would follow redirects and time out after 15 seconds");
const HIDDEN_CONSTRUCTOR: Fixup = Fixup::new("hidden-constructor", "`Client::connect` of the seam is the public one");
const OUTLINED: Fixup = Fixup::new("outlined", "the end of every function is in descope-api/src/answer.rs once");
const OWN_PARTS: Fixup = Fixup::new(
    "own-parts",
    "progenitor's error prints bodies, and its encoding of paths lets a parameter leave its segment",
);
const NO_HOOKS: Fixup = Fixup::new("no-hooks", "the outlined ends call the seam directly");
const NO_PRELUDE: Fixup = Fixup::new("no-prelude", "the crate exports the client by name");
const OBJECT: Fixup =
    Fixup::new("object", "serde's derives take longer to compile than all else, and refuse odd members");
const CONSTRUCTORS: Fixup =
    Fixup::new("constructors", "a member that is added to a type breaks no code that is made by `new` and setters");
const READABLE_NAME: Fixup =
    Fixup::new("readable-name", "`addToLoginIDs` is `add_to_login_ids` and not `add_to_login_i_ds`");
const BY_SERDE: Fixup = Fixup::new("by-serde", "types that are not plain objects are read through serde");
const TOLERANT_VARIANT: Fixup = Fixup::new("tolerant-variant", "members of a variant are read as tolerantly as others");

const DEFAULT: Fixup = Fixup::new("default", "typify derives no `Default` where unknown members are kept");
const TIMES: Fixup = Fixup::new("times", "numbers that are times are told as `SystemTime` and `Duration` too");

/// What [`client`] changes.
pub(super) const FIXUPS: [Fixup; 13] = [
    NO_CONSTRUCTOR,
    HIDDEN_CONSTRUCTOR,
    OUTLINED,
    OWN_PARTS,
    NO_HOOKS,
    NO_PRELUDE,
    OBJECT,
    CONSTRUCTORS,
    DEFAULT,
    TIMES,
    READABLE_NAME,
    BY_SERDE,
    TOLERANT_VARIANT,
];

/// Rewrites the client.
pub(super) fn client(
    tokens: TokenStream,
    aliases: &Aliases,
    required: &Required,
    units: &Units,
    tally: &mut Tally,
) -> Result<File, Failure> {
    let mut file: File = syn::parse2(tokens).map_err(|error| Failure::Generator(error.to_string()))?;
    for item in &mut file.items {
        match item {
            Item::Mod(module) if module.ident == "types" => types(module, aliases, required, units, tally)?,
            Item::Impl(block) => {
                let all = block.items.len();
                block.items.retain(|item| !matches!(item, ImplItem::Fn(f) if f.sig.ident == "new"));
                tally.made_times(NO_CONSTRUCTOR, all - block.items.len());
                for item in &mut block.items {
                    if let ImplItem::Fn(function) = item
                        && function.sig.ident == "new_with_client"
                    {
                        function.vis = parse_quote!(pub(crate));
                        tally.made(HIDDEN_CONSTRUCTOR);
                    } else if let ImplItem::Fn(function) = item
                        && function.sig.asyncness.is_some()
                    {
                        functions::outline(function)?;
                        tally.made(OUTLINED);
                    }
                }
            }
            Item::Use(import) => tally.made_times(OWN_PARTS, own_imports(import)),
            _ => {}
        }
    }
    let all = file.items.len();
    file.items.retain(|item| !matches!(item, Item::Const(item) if is_hooks(item)));
    tally.made_times(NO_HOOKS, all - file.items.len());
    let all = file.items.len();
    file.items.retain(|item| !matches!(item, Item::Mod(module) if module.ident == "prelude"));
    tally.made_times(NO_PRELUDE, all - file.items.len());
    Ok(file)
}

/// Takes the error and the encoding of paths and forms from this workspace instead of from progenitor.
fn own_imports(import: &mut ItemUse) -> usize {
    let text = import.to_token_stream().to_string();
    if !text.contains("progenitor_client") {
        return 0;
    }
    let tree = if matches!(import.vis, Visibility::Public(_)) {
        parse_quote!(progenitor_client::{ByteStream, ClientInfo, ResponseValue})
    } else {
        parse_quote!(crate::{Error, answer::FormBody as _, path::encode_path})
    };
    import.tree = tree;
    1
}

fn is_hooks(item: &ItemConst) -> bool {
    item.to_token_stream().to_string().contains("ClientHooks")
}

/// Whether a type is nothing but a map of any members.
fn is_map(fields: &Fields) -> bool {
    let Fields::Unnamed(fields) = fields else { return false };
    let types: Vec<_> = fields.unnamed.iter().filter_map(|field| construct::path_of(&field.ty)).collect();
    matches!(&types[..], [(name, _)] if name == "Map" || name == "BTreeMap")
}

fn types(
    module: &mut ItemMod,
    aliases: &Aliases,
    required: &Required,
    units: &Units,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let Some((_, items)) = &mut module.content else { return Ok(()) };
    let mut implementations: Vec<Item> = Vec::new();
    for item in items.iter_mut() {
        match item {
            Item::Struct(ItemStruct { ident, attrs, fields: Fields::Named(named), .. }) => {
                objects::without_serde(attrs);
                let (members, renamed) = objects::members(named, aliases.get(&ident.to_string()))?;
                tally.made_times(READABLE_NAME, renamed);
                attrs.push(parse_quote!(#[non_exhaustive]));
                implementations.push(construct::constructors(
                    ident,
                    named,
                    &members,
                    required.get(&ident.to_string()).map_or(&[], Vec::as_slice),
                ));
                tally.made(CONSTRUCTORS);
                if members.iter().all(Member::may_be_absent) && objects::with_default(attrs) {
                    tally.made(DEFAULT);
                }
                if let Some(units) = units.get(&ident.to_string()) {
                    implementations.push(times::accessors(ident, named, &members, units)?);
                    tally.made_times(TIMES, units.len());
                }
                implementations.extend(objects::object(ident, &members)?);
                tally.made(OBJECT);
            }
            Item::Struct(ItemStruct { ident, attrs, fields, .. }) => {
                if is_map(fields) && objects::with_default(attrs) {
                    tally.made(DEFAULT);
                }
                let values = fields.iter().map(|_| quote!(::std::default::Default::default()));
                implementations.push(objects::read_by_serde(ident, &quote!(Self(#(#values),*))));
                tally.made(BY_SERDE);
            }
            Item::Enum(item) => {
                let named =
                    item.variants.iter_mut().map(|variant| &mut variant.fields).filter_map(|fields| match fields {
                        Fields::Named(named) => Some(named),
                        _ => None,
                    });
                for fields in named {
                    objects::tolerant(fields);
                    tally.made(TOLERANT_VARIANT);
                }
                let Some(Variant { ident, fields: Fields::Unnamed(values), .. }) = item.variants.first() else {
                    let name = &item.ident;
                    return Err(Failure::Generator(format!("the first form of `{name}` is not a value by itself")));
                };
                let values = values.unnamed.iter().map(|_| quote!(::std::default::Default::default()));
                let blank = quote!(Self::#ident(#(#values),*));
                implementations.push(objects::read_by_serde(&item.ident, &blank));
                tally.made(BY_SERDE);
            }
            _ => {}
        }
    }
    items.extend(implementations);
    Ok(())
}
