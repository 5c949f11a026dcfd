//! What becomes of an operation: the arguments of its function, what can be set besides, and what comes back.

use heck::ToUpperCamelCase as _;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;
use syn::Type;

use super::{
    super::{
        construct::{given, path_of},
        operations::function_name,
    },
    overlay::{self, Overlay},
    raw::{Field, Raw, ident_of, inner, text},
};
use crate::{
    document::{Document, Operation},
    problem::Failure,
};

/// One operation with all that is known of it.
pub(super) struct Plan<'a> {
    pub(super) operation: Operation<'a>,
    pub(super) overlay: Overlay<'a>,
    /// The function of the raw client.
    pub(super) function: Ident,
    /// The function of the handle.
    pub(super) verb: Ident,
    /// The type that it gives.
    pub(super) builder: Ident,
    /// The type of the body, where there is one that says something.
    pub(super) body: Option<Body>,
    pub(super) arguments: Vec<Argument>,
    pub(super) setters: Vec<Setter>,
    /// Parameters in the order of the raw function.
    pub(super) parameters: Vec<Held>,
    /// Whether only what is set changes.
    pub(super) partial: bool,
    /// Whether a token or an access key may take the place of the management key.
    pub(super) token: bool,
    pub(super) answer: Answer,
}

/// The body of a request.
pub(super) enum Body {
    /// An object, and the arguments of its `new` in their order.
    Object { ty: Ident, new: Vec<Ident> },
    /// An object of which nothing can be said.
    Empty { ty: Ident },
    /// Anything else, given as a whole.
    Whole { ty: Type },
}

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A member of the body that is an argument of its `new`.
    Required,
    /// Another member of the body.
    Optional,
    /// A parameter of the raw function.
    Parameter,
    /// The body itself.
    Body,
}

/// What a value stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    LoginId,
    UserId,
    /// Either of the two, as a text.
    User,
    /// The name or the id of something else.
    Named,
    /// A moment, in seconds or milliseconds since 1970.
    Moment(Scale),
    /// A length of time.
    Span(Scale),
    Plain,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    Seconds,
    Milliseconds,
}

/// An argument of the function.
pub(super) struct Argument {
    /// Its name in JSON; two where a user is named in one of two members.
    pub(super) names: Vec<String>,
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) docs: String,
    /// Whether an empty list is refused.
    pub(super) filled: bool,
}

/// Something that can be set.
pub(super) struct Setter {
    pub(super) name: String,
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) docs: Vec<String>,
    /// Whether it is a list that selects.
    pub(super) filter: bool,
}

/// A parameter as the builder holds it.
pub(super) struct Held {
    pub(super) ident: Ident,
    /// The type of the raw function's parameter.
    pub(super) ty: Type,
    pub(super) optional: bool,
}

/// What the caller gets.
pub(super) enum Answer {
    Nothing,
    Whole(Type),
    /// One member of it.
    Member {
        ident: Ident,
        ty: Type,
    },
    /// Several members of it, in a type of their own.
    Members {
        name: Ident,
        members: Vec<(Ident, Type, Vec<String>)>,
    },
    /// The tokens of somebody who is signed in.
    Authentication,
    /// Something else than JSON.
    Stream,
    Pages {
        items: Ident,
        item: Type,
        total: Option<Ident>,
    },
}

impl<'a> Plan<'a> {
    /// Reads what the document and the raw client say of an operation.
    pub(super) fn of(document: &'a Document, operation: Operation<'a>, raw: &Raw<'_>) -> Result<Self, Failure> {
        let id = operation.id().unwrap_or_default();
        let odd = |what: &str| Failure::Generator(format!("`{id}` {what}"));
        let overlay = Overlay::of(&operation).ok_or_else(|| odd("has no x-descope-sdk"))?;
        let name = function_name(id);
        let function = raw.function(&name).ok_or_else(|| odd("has no function"))?;
        let (schema, _) = overlay::schemas(document, &operation);
        let described = overlay::parameters(document, &operation);
        let parameters: Vec<Held> = Raw::parameters(function)
            .into_iter()
            .map(|parameter| Held {
                ident: parameter.ident.clone(),
                ty: parameter.ty.clone(),
                optional: parameter.optional,
            })
            .collect();
        let body = Raw::body(function).map(|ty| match path_of(ty) {
            Some((name, arguments)) if arguments.is_empty() && raw.types.contains_key(&name) => {
                let made = &raw.types[&name];
                let ty = format_ident!("{name}");
                let new: Vec<Ident> = made.required.iter().map(|(ident, _)| ident.clone()).collect();
                if new.is_empty() && raw.optional(&name).next().is_none() {
                    Body::Empty { ty }
                } else {
                    Body::Object { ty, new }
                }
            }
            _ => Body::Whole { ty: raw.qualified(ty) },
        });
        let mut plan = Self {
            function: format_ident!("{name}"),
            verb: format_ident!("{}", overlay.verb),
            builder: format_ident!("{}", overlay.verb.to_upper_camel_case()),
            token: overlay::takes_token(&operation),
            answer: answer(&overlay, raw, function).ok_or_else(|| odd("answers with a type that is not read"))?,
            operation,
            overlay,
            body,
            arguments: Vec::new(),
            setters: Vec::new(),
            parameters,
            partial: false,
        };
        if let Some(Body::Object { ty, .. }) = &plan.body {
            plan.partial = overlay::is_partial(&plan.operation, &ty.to_string());
        }
        plan.take_arguments(schema, &described, raw).map_err(|what| odd(&what))?;
        plan.take_setters(schema, &described, raw);
        Ok(plan)
    }

    fn take_arguments(&mut self, schema: &Value, described: &[&Value], raw: &Raw<'_>) -> Result<(), String> {
        let user = &self.overlay.user;
        if let [first, ..] = user[..] {
            let (_, place) = self.find(first, described, raw).ok_or(format!("has no `{first}`"))?;
            let both = user.len() == 2;
            self.arguments.push(Argument {
                names: user.iter().map(|name| (*name).to_owned()).collect(),
                ident: format_ident!("user"),
                ty: syn::parse_quote!(UserIdentifier),
                kind: Kind::User,
                place,
                docs: if both {
                    "which user, by one of their login ids or by their user id.".to_owned()
                } else {
                    "which user, by one of their login ids or by their user id; the service takes either here."
                        .to_owned()
                },
                filled: false,
            });
        }
        if let [first, _] = self.overlay.named[..] {
            let (ty, place) = self.find(first, described, raw).ok_or(format!("has no `{first}`"))?;
            self.arguments.push(Argument {
                names: self.overlay.named.iter().map(|name| (*name).to_owned()).collect(),
                ident: ident_of(first),
                kind: Kind::Named,
                ty,
                place,
                docs: "which one, by the name that it has now, or by its id as `NameOrId::id`.".to_owned(),
                filled: false,
            });
        }
        let names: Vec<String> = if let Some(args) = &self.overlay.args {
            args.iter().map(|name| (*name).to_owned()).collect()
        } else {
            let required = described.iter().filter(|parameter| parameter["required"] == true);
            let of_body = schema["required"].as_array().into_iter().flatten();
            let whole = matches!(self.body, Some(Body::Whole { .. })).then(|| "body".to_owned());
            required
                .filter_map(|parameter| parameter["name"].as_str())
                .chain(of_body.filter_map(Value::as_str))
                .map(str::to_owned)
                .chain(whole)
                .collect()
        };
        for name in names.iter().filter(|name| !self.overlay.user.contains(&name.as_str())) {
            if name == "body" {
                let Some(Body::Whole { ty }) = &self.body else { return Err("has no such body".to_owned()) };
                let ident = if inner(ty).is_some() { format_ident!("ids") } else { format_ident!("body") };
                self.arguments.push(Argument {
                    names: vec![name.clone()],
                    ident,
                    ty: ty.clone(),
                    kind: Kind::Plain,
                    place: Place::Body,
                    docs: "the whole body of the request.".to_owned(),
                    filled: true,
                });
                continue;
            }
            let (ty, place) = self.find(name, described, raw).ok_or(format!("has no `{name}`"))?;
            let docs = described
                .iter()
                .find(|parameter| parameter["name"] == name.as_str())
                .map_or(&schema["properties"][name]["description"], |parameter| &parameter["description"]);
            // What only refers to a schema has no words of its own.
            let docs = docs.as_str().map_or_else(|| self.described(name, raw), str::to_owned);
            self.arguments.push(Argument {
                names: vec![name.clone()],
                ident: ident_of(name),
                kind: kind(name, &schema["properties"][name]),
                ty,
                place,
                docs,
                filled: !self.overlay.empty.contains(&name.as_str()),
            });
        }
        Ok(())
    }

    /// Where a member of the body is described.
    fn described(&self, name: &str, raw: &Raw<'_>) -> String {
        let Some(Body::Object { ty, .. }) = &self.body else { return String::new() };
        let member = raw.member(&ty.to_string(), name);
        member.map_or_else(String::new, |member| described_by(member, raw).join(" "))
    }

    /// The type and place of a member or parameter.
    fn find(&self, name: &str, described: &[&Value], raw: &Raw<'_>) -> Option<(Type, Place)> {
        let ident = ident_of(name);
        if described.iter().any(|parameter| parameter["name"] == name) {
            let held = self.parameters.iter().find(|held| held.ident == ident)?;
            return Some((held.owned(), Place::Parameter));
        }
        let Some(Body::Object { ty, new }) = &self.body else { return None };
        let member = raw.member(&ty.to_string(), name)?;
        let place = if new.contains(&ident) { Place::Required } else { Place::Optional };
        Some((raw.qualified(member.ty), place))
    }

    fn take_setters(&mut self, schema: &Value, described: &[&Value], raw: &Raw<'_>) {
        let paged = self.overlay.page.iter().flat_map(|page| [page.number, page.size]);
        let sets = self.overlay.sets.iter().map(|(name, _)| *name);
        let spent: Vec<&str> = self.overlay.hidden.iter().copied().chain(paged).chain(sets).collect();
        let free = |name: &str, arguments: &[Argument]| {
            !spent.contains(&name) && !arguments.iter().any(|argument| argument.names.iter().any(|taken| taken == name))
        };
        for parameter in described {
            let name = parameter["name"].as_str().unwrap_or_default();
            let ident = ident_of(name);
            let Some(held) = self.parameters.iter().find(|held| held.ident == ident && held.optional) else { continue };
            if free(name, &self.arguments) {
                self.setters.push(Setter {
                    name: name.to_owned(),
                    ident,
                    ty: held.owned(),
                    kind: kind(name, &parameter["schema"]),
                    place: Place::Parameter,
                    docs: vec![parameter["description"].as_str().unwrap_or_default().to_owned()],
                    filter: self.overlay.filters.contains(&name),
                });
            }
        }
        let Some(Body::Object { ty, .. }) = &self.body else { return };
        for name in schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name) {
            let Some(member) = raw.member(&ty.to_string(), name) else { continue };
            let settable = raw.optional(&ty.to_string()).any(|field| field.ident == member.ident);
            if !settable || !free(name, &self.arguments) {
                continue;
            }
            let docs = described_by(member, raw);
            self.setters.push(Setter {
                name: name.clone(),
                ident: member.ident.clone(),
                ty: raw.qualified(member.ty),
                kind: kind(name, &schema["properties"][name]),
                place: Place::Optional,
                docs,
                filter: self.overlay.filters.contains(&name.as_str()),
            });
        }
    }

    /// Every type that the caller meets.
    pub(super) fn met(&self) -> Vec<Type> {
        let answer = match &self.answer {
            Answer::Whole(ty) | Answer::Member { ty, .. } => vec![ty.clone()],
            Answer::Pages { item, .. } => vec![item.clone()],
            Answer::Members { members, .. } => members.iter().map(|(_, ty, _)| ty.clone()).collect(),
            Answer::Nothing | Answer::Stream | Answer::Authentication => Vec::new(),
        };
        let arguments = self.arguments.iter().map(|argument| argument.ty.clone());
        arguments.chain(self.setters.iter().map(|setter| setter.ty.clone())).chain(answer).collect()
    }
}

impl Held {
    /// The type as a builder keeps it.
    pub(super) fn owned(&self) -> Type {
        let ty = inner(&self.ty).filter(|_| self.optional).unwrap_or(&self.ty);
        match ty {
            Type::Reference(reference) if is_str(&reference.elem) => syn::parse_quote!(::std::string::String),
            Type::Reference(reference) => (*reference.elem).clone(),
            other => other.clone(),
        }
    }

    /// How the raw function is given it.
    pub(super) fn lent(&self) -> TokenStream {
        let ident = &self.ident;
        let ty = inner(&self.ty).filter(|_| self.optional).unwrap_or(&self.ty);
        match (ty, self.optional) {
            (Type::Reference(reference), true) if is_str(&reference.elem) => quote!(#ident.as_deref()),
            (Type::Reference(_), true) => quote!(#ident.as_ref()),
            (Type::Reference(_), false) => quote!(&#ident),
            _ => quote!(#ident),
        }
    }
}

fn is_str(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("str"))
}

/// The description of a member, or where its type is described.
fn described_by(member: &Field<'_>, raw: &Raw<'_>) -> Vec<String> {
    let docs: Vec<String> = member.docs.iter().filter_map(|attr| text(attr)).collect();
    if !docs.is_empty() {
        return docs;
    }
    let about = path_of(stripped(member.ty)).map(|(name, _)| name).filter(|name| raw.names.contains(name));
    vec![about.map_or_else(String::new, |name| format!("See [`{name}`](types::{name})."))]
}

/// What a member of this name and schema holds.
fn kind(name: &str, schema: &Value) -> Kind {
    match schema["x-descope-unit"].as_str() {
        Some("epoch-seconds") => return Kind::Moment(Scale::Seconds),
        Some("epoch-milliseconds") => return Kind::Moment(Scale::Milliseconds),
        Some("seconds") => return Kind::Span(Scale::Seconds),
        Some("milliseconds") => return Kind::Span(Scale::Milliseconds),
        _ => {}
    }
    match name {
        "loginId" | "loginIds" | "newLoginId" | "dependentLoginId" => Kind::LoginId,
        "userId" | "userIds" => Kind::UserId,
        "impersonatorUserIdOrLoginId" | "identifiers" => Kind::User,
        _ => Kind::Plain,
    }
}

/// The type inside of `Option` and `Box`.
pub(super) fn stripped(ty: &Type) -> &Type {
    match path_of(ty) {
        Some((name, _)) if name == "Option" || name == "Box" => inner(ty).map_or(ty, stripped),
        _ => ty,
    }
}

/// How an argument of this type and kind is taken, and what becomes of it.
pub(super) fn taken(ident: &Ident, ty: &Type, kind: Kind) -> (TokenStream, TokenStream) {
    let ty = stripped(ty);
    let list = path_of(ty).is_some_and(|(name, _)| name == "Vec");
    let id = match kind {
        Kind::LoginId => quote!(LoginId),
        Kind::UserId => quote!(UserId),
        Kind::User => quote!(UserIdentifier),
        Kind::Named => quote!(NameOrId),
        Kind::Plain => return (given(ident, ty).ty, quote!(#ident)),
        Kind::Moment(_) => return (quote!(::std::time::SystemTime), quote!(#ident)),
        Kind::Span(_) => return (quote!(::std::time::Duration), quote!(#ident)),
    };
    if list {
        let each = quote!(#ident.into_iter().map(|id| Into::<#id>::into(id).into_string()));
        (quote!(impl IntoIterator<Item = impl Into<#id>>), each)
    } else {
        (quote!(impl Into<#id>), quote!(#ident.into().into_string()))
    }
}

fn answer(overlay: &Overlay<'_>, raw: &Raw<'_>, function: &syn::ImplItemFn) -> Option<Answer> {
    let ty = Raw::answer(function)?;
    let name = path_of(ty).map(|(name, _)| name).unwrap_or_default();
    if let Some(page) = &overlay.page {
        let items = raw.member(&name, page.items)?;
        let total = match page.total {
            Some(total) => Some(raw.member(&name, total)?.ident.clone()),
            None => None,
        };
        let item = raw.qualified(inner(items.ty)?);
        return Some(Answer::Pages { items: items.ident.clone(), item, total });
    }
    if let Some(member) = overlay.returns {
        let member = raw.member(&name, member)?;
        return Some(Answer::Member { ident: member.ident.clone(), ty: raw.qualified(member.ty) });
    }
    if !overlay.holds.is_empty() {
        let members = overlay.holds.iter().map(|json| {
            let member = raw.member(&name, json)?;
            Some((member.ident.clone(), raw.qualified(member.ty), described_by(member, raw)))
        });
        let name = format_ident!("{}Answer", overlay.verb.to_upper_camel_case());
        return Some(Answer::Members { name, members: members.collect::<Option<_>>()? });
    }
    Some(match ty {
        _ if name == "JwtResponse" => Answer::Authentication,
        Type::Tuple(_) => Answer::Nothing,
        _ if name == "EmptyResponse" => Answer::Nothing,
        _ if name == "ByteStream" => Answer::Stream,
        _ => Answer::Whole(raw.qualified(ty)),
    })
}
