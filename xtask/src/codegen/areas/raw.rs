//! What the generated raw client offers: its functions, and how its types are made and read.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToSnakeCase as _;
use proc_macro2::Ident;
use syn::{
    Attribute, Expr, ExprLit, File, FnArg, GenericArgument, ImplItem, ImplItemFn, Item, ItemImpl, ItemStruct, Lit,
    Meta, Pat, PathArguments, ReturnType, Type, visit_mut::VisitMut,
};

use super::super::{construct::path_of, vocabulary};

/// The functions and types of the raw client, by name.
pub(in super::super) struct Raw<'a> {
    functions: BTreeMap<String, &'a ImplItemFn>,
    pub(super) types: BTreeMap<String, Made<'a>>,
    /// Every name in the module of types, those of aliases and choices too.
    pub(super) names: BTreeSet<String>,
}

/// How a type is made.
#[derive(Default)]
pub(super) struct Made<'a> {
    /// The fields of an object.
    fields: Vec<Field<'a>>,
    /// The arguments of `new`, in its order.
    pub(super) required: Vec<(Ident, Type)>,
    /// The names of what has a setter.
    optional: BTreeSet<String>,
    /// What a choice holds, or an alias stands for.
    holds: Vec<Type>,
}

/// A member of an object.
pub(super) struct Field<'a> {
    pub(super) ident: &'a Ident,
    pub(super) ty: &'a Type,
    pub(super) docs: Vec<&'a Attribute>,
}

/// A parameter of a function, besides the body.
pub(super) struct Parameter<'a> {
    pub(super) ident: &'a Ident,
    pub(super) ty: &'a Type,
    pub(super) optional: bool,
}

impl<'a> Raw<'a> {
    pub(in super::super) fn read(file: &'a File) -> Self {
        let mut raw = Self { functions: BTreeMap::new(), types: BTreeMap::new(), names: BTreeSet::new() };
        for item in &file.items {
            match item {
                Item::Mod(module) if module.ident == "types" => {
                    for item in module.content.iter().flat_map(|(_, items)| items) {
                        raw.add_type(item);
                    }
                }
                Item::Impl(block) if block.trait_.is_none() => {
                    for function in functions(block).filter(|function| function.sig.asyncness.is_some()) {
                        raw.functions.insert(function.sig.ident.to_string(), function);
                    }
                }
                _ => {}
            }
        }
        raw
    }

    fn add_type(&mut self, item: &'a Item) {
        match item {
            Item::Struct(ItemStruct { ident, fields, .. }) => {
                self.names.insert(ident.to_string());
                let made = self.types.entry(ident.to_string()).or_default();
                for field in fields {
                    match &field.ident {
                        Some(ident) => made.fields.push(Field {
                            ident,
                            ty: &field.ty,
                            docs: field.attrs.iter().filter(|attr| attr.path().is_ident("doc")).collect(),
                        }),
                        None => made.holds.push(field.ty.clone()),
                    }
                }
            }
            Item::Enum(item) => {
                self.names.insert(item.ident.to_string());
                let made = self.types.entry(item.ident.to_string()).or_default();
                made.holds.extend(
                    item.variants.iter().flat_map(|variant| variant.fields.iter().map(|field| field.ty.clone())),
                );
            }
            Item::Type(item) => {
                self.names.insert(item.ident.to_string());
                self.types.entry(item.ident.to_string()).or_default().holds.push((*item.ty).clone());
            }
            Item::Impl(block) if block.trait_.is_none() => {
                let Some((name, _)) = path_of(&block.self_ty) else { return };
                let made = self.types.entry(name).or_default();
                for function in functions(block) {
                    let takes_self = matches!(function.sig.inputs.first(), Some(FnArg::Receiver(_)));
                    if function.sig.ident == "new" && !takes_self {
                        made.required = arguments(function).map(|(ident, ty)| (ident.clone(), ty.clone())).collect();
                    } else if takes_self {
                        made.optional.insert(function.sig.ident.to_string());
                    }
                }
            }
            _ => {}
        }
    }

    /// A function of the client.
    pub(in super::super) fn function(&self, name: &str) -> Option<&'a ImplItemFn> {
        self.functions.get(name).copied()
    }

    /// Its parameters besides the body.
    pub(super) fn parameters(function: &'a ImplItemFn) -> Vec<Parameter<'a>> {
        arguments(function)
            .filter(|(ident, _)| *ident != "body")
            .map(|(ident, ty)| match path_of(ty) {
                Some((name, _)) if name == "Option" => Parameter { ident, ty, optional: true },
                _ => Parameter { ident, ty, optional: false },
            })
            .collect()
    }

    /// The type of its body, behind the reference.
    pub(in super::super) fn body(function: &'a ImplItemFn) -> Option<&'a Type> {
        let (_, ty) = arguments(function).find(|(ident, _)| *ident == "body")?;
        match ty {
            Type::Reference(reference) => Some(&reference.elem),
            other => Some(other),
        }
    }

    /// What it answers, inside of `Result<ResponseValue<_>, _>`.
    pub(in super::super) fn answer(function: &'a ImplItemFn) -> Option<&'a Type> {
        let ReturnType::Type(_, ty) = &function.sig.output else { return None };
        inner(inner(ty)?)
    }

    /// The members of a type that are not required, and can be set.
    pub(super) fn optional(&self, name: &str) -> impl Iterator<Item = &Field<'a>> {
        let made = self.types.get(name);
        made.into_iter()
            .flat_map(|made| made.fields.iter().filter(|field| made.optional.contains(&field.ident.to_string())))
    }

    /// The member of a type that has a name in JSON.
    pub(super) fn member(&self, name: &str, json: &str) -> Option<&Field<'a>> {
        let ident = ident_of(json);
        self.types.get(name)?.fields.iter().find(|field| *field.ident == ident)
    }

    /// The types of the API that others are made of, and those that they are made of in turn.
    ///
    /// The second set are the vocabularies among them.
    pub(in super::super) fn reachable(
        &self,
        from: impl IntoIterator<Item = Type>,
    ) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut found, mut open) = (BTreeSet::new(), from.into_iter().collect::<Vec<_>>());
        let mut vocabularies = BTreeSet::new();
        while let Some(mut ty) = open.pop() {
            let mut names = Names::of(&self.names);
            names.visit_type_mut(&mut ty);
            vocabularies.extend(names.vocabularies);
            for name in names.found {
                if found.insert(name.clone())
                    && let Some(made) = self.types.get(&name)
                {
                    open.extend(made.fields.iter().map(|field| field.ty.clone()).chain(made.holds.iter().cloned()));
                }
            }
        }
        (found, vocabularies)
    }

    /// The type as it is written outside of the module of types.
    pub(in super::super) fn qualified(&self, ty: &Type) -> Type {
        let mut ty = ty.clone();
        Names { qualify: true, ..Names::of(&self.names) }.visit_type_mut(&mut ty);
        ty
    }
}

/// The name in Rust of a member or parameter, as the generator of the raw client makes it.
pub(super) fn ident_of(json: &str) -> Ident {
    let spelled = super::super::objects::readable(json);
    let name = spelled.to_snake_case();
    syn::parse_str::<Ident>(&name).unwrap_or_else(|_| quote::format_ident!("{name}_"))
}

/// Finds the names of the API's types in a type, and writes them with their module where that is wanted.
struct Names<'a> {
    known: &'a BTreeSet<String>,
    found: Vec<String>,
    vocabularies: Vec<String>,
    qualify: bool,
}

impl<'a> Names<'a> {
    fn of(known: &'a BTreeSet<String>) -> Self {
        Self { known, found: Vec::new(), vocabularies: Vec::new(), qualify: false }
    }
}

impl VisitMut for Names<'_> {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        let last = path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        if vocabulary::is_path(path) {
            self.vocabularies.push(last);
            return;
        }
        let ours = path.segments.len() == 1 || path.segments.first().is_some_and(|first| first.ident == "types");
        if ours && self.known.contains(&last) {
            if self.qualify && path.segments.len() == 1 {
                path.segments.insert(0, syn::parse_quote!(types));
            }
            self.found.push(last);
        }
        syn::visit_mut::visit_path_mut(self, path);
    }
}

fn functions(block: &ItemImpl) -> impl Iterator<Item = &ImplItemFn> {
    block.items.iter().filter_map(|item| match item {
        ImplItem::Fn(function) => Some(function),
        _ => None,
    })
}

fn arguments(function: &ImplItemFn) -> impl Iterator<Item = (&Ident, &Type)> {
    function.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::Ident(pattern) => Some((&pattern.ident, &*typed.ty)),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    })
}

/// The first argument of a type with arguments.
pub(super) fn inner(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// The text of a documentation attribute.
pub(super) fn text(attr: &Attribute) -> Option<String> {
    match &attr.meta {
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}
