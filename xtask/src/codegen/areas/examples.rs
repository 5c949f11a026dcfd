//! What the examples of the document become: a call in the documentation of each area, and a case for the tests.

use std::fmt::Write as _;

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::{Map, Value, json};
use syn::{Type, parse_quote};

use super::{
    super::{construct::path_of, vocabulary},
    overlay,
    plan::{Answer, Argument, Body, Kind, Place, Plan, Scale, stripped},
    raw::{Raw, ident_of},
    setters::singular,
    write::{Area, plain},
};
use crate::{
    document::{Document, members},
    problem::Failure,
};

/// The page and its size that a case asks for, where its example names none.
const PAGE: (i64, i64) = (0, 100);

/// The examples of an operation.
struct Examples<'a> {
    /// Name, value and place; where the document has no value for what is required, one is made up.
    parameters: Vec<(&'a str, Value, &'a str)>,
    body: Option<&'a Value>,
    answer: Option<&'a Value>,
}

impl<'a> Examples<'a> {
    fn of(document: &'a Document, plan: &Plan<'a>) -> Self {
        let media = |content: &'a Value| members(content).first().map(|(_, media)| &media["example"]);
        let success = members(&plan.operation.value["responses"]).into_iter().find(|(code, _)| code.starts_with('2'));
        Self {
            parameters: overlay::parameters(document, &plan.operation)
                .into_iter()
                .filter(|parameter| parameter["in"] != "header")
                .map(|parameter| {
                    let text = |name: &str| parameter[name].as_str().unwrap_or_default();
                    let example = match &parameter["example"] {
                        Value::Null if parameter["required"] == true => json!(format!("some-{}", text("name"))),
                        example => example.clone(),
                    };
                    (text("name"), example, text("in"))
                })
                .collect(),
            body: media(&plan.operation.value["requestBody"]["content"]).filter(|example| !example.is_null()),
            answer: success.and_then(|(_, answer)| media(&document.resolve(answer)["content"])),
        }
    }

    fn value(&self, name: &str) -> Option<&Value> {
        let parameter = self.parameters.iter().find(|(known, ..)| *known == name).map(|(_, example, _)| example);
        parameter.or_else(|| self.body?.get(name)).filter(|value| !value.is_null())
    }
}

/// A function that calls every operation as its examples have it, with what has to be sent.
pub(super) fn cases(document: &Document, areas: &[Area<'_>], raw: &Raw<'_>) -> Result<syn::File, Failure> {
    let mut functions = Vec::new();
    let mut names = Vec::new();
    for area in areas {
        let mut cases = Vec::new();
        for plan in &area.plans {
            cases.push(case(document, area, plan, raw)?);
        }
        let name = quote::format_ident!("{}", area.name);
        functions.push(quote!(fn #name() -> Vec<Case> { vec![#(#cases),*] }));
        names.push(name);
    }
    Ok(parse_quote! {
        //! Every generated function of the SDK, called as the examples of the document have it.
        #![allow(deprecated)]

        use std::time::{Duration, UNIX_EPOCH};

        use descope_api::types;
        use descope_sdk::{LoginId, UserId};

        use super::{Bearer, Case, json, value};

        pub(super) fn cases() -> Vec<Case> {
            [#(#names()),*].into_iter().flatten().collect()
        }

        #(#functions)*
    })
}

fn case(document: &Document, area: &Area<'_>, plan: &Plan<'_>, raw: &Raw<'_>) -> Result<TokenStream, Failure> {
    let examples = Examples::of(document, plan);
    let id = plan.operation.id().unwrap_or_default();
    let (request, body) = expected(plan, &examples, raw);
    let (schema, _) = overlay::schemas(document, &plan.operation);
    let body = body.map(|body| as_sent(document, schema, body));
    let body = body.map_or_else(
        || quote!(None),
        |body| {
            let text = body.to_string();
            quote!(Some(json(#text)))
        },
    );
    let call = call(area, plan, &examples, false)?;
    let paged = page_of(plan, &examples);
    let end = paged.map_or_else(|| quote!(send()), |(number, size)| quote!(page(#number, #size)));
    let end = match paged {
        Some((number, size)) => {
            let (number, size) = (u32::try_from(number).unwrap_or_default(), u32::try_from(size).unwrap_or_default());
            quote!(page(#number, #size))
        }
        None => end,
    };
    Ok(quote! {
        Case {
            operation: #id,
            request: #request,
            bearer: Bearer::ManagementKey,
            body: #body,
            call: |descope| Box::pin(async move { #call.#end.await.map(drop) }),
        }
    })
}

/// A value as the client sends it: a list or map that may be left out and holds nothing is, and digits are numbers.
fn as_sent(document: &Document, schema: &Value, value: Value) -> Value {
    let schema = document.resolve(schema);
    match value {
        Value::Object(entries) if schema["properties"].is_object() => {
            let required =
                |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|it| it == name));
            let entries = entries.into_iter().filter_map(|(name, value)| {
                let member = document.resolve(&schema["properties"][&name]);
                let collection = member["type"] == "array" || member["properties"].is_null();
                let empty = value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
                let left_out = empty && collection && !required(&name) && member["nullable"] != true;
                (!left_out).then(|| (name, as_sent(document, member, value)))
            });
            Value::Object(entries.collect())
        }
        Value::Object(entries) if schema["additionalProperties"].is_object() => {
            let each = &schema["additionalProperties"];
            Value::Object(entries.into_iter().map(|(name, value)| (name, as_sent(document, each, value))).collect())
        }
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| as_sent(document, &schema["items"], item)).collect())
        }
        Value::String(digits) if schema["format"] == "int64" => {
            digits.parse::<i64>().map_or(Value::String(digits), |number| json!(number))
        }
        other => other,
    }
}

fn page_of(plan: &Plan<'_>, examples: &Examples<'_>) -> Option<(i64, i64)> {
    let page = plan.overlay.page.as_ref()?;
    let number = |name: &str, usual: i64| examples.value(name).and_then(Value::as_i64).unwrap_or(usual);
    Some((number(page.number, PAGE.0), number(page.size, PAGE.1)))
}

/// Method, target and body as they go over the wire.
fn expected(plan: &Plan<'_>, examples: &Examples<'_>, _raw: &Raw<'_>) -> (String, Option<Value>) {
    let mut path = plan.operation.path.to_owned();
    let mut query = Vec::new();
    let paged = page_of(plan, examples);
    let page = |name: &str| match (&plan.overlay.page, paged) {
        (Some(page), Some((number, _))) if page.number == name => Some(json!(number)),
        (Some(page), Some((_, size))) if page.size == name => Some(json!(size)),
        _ => None,
    };
    // In the order of the raw function, which is that of the query.
    for held in &plan.parameters {
        let Some((name, example, place)) = examples.parameters.iter().find(|(name, ..)| ident_of(name) == held.ident)
        else {
            continue;
        };
        let value = page(name).unwrap_or_else(|| example.clone());
        if plan.overlay.hidden.contains(name) || value.is_null() {
            continue;
        }
        // Where a user is named in one of two parameters, the first is taken.
        if plan.overlay.user.len() == 2 && plan.overlay.user[1] == *name {
            continue;
        }
        if *place == "path" {
            path = path.replace(&format!("{{{name}}}"), &escaped(&said(&value), "-._~"));
        } else {
            for value in value.as_array().map_or_else(|| vec![&value], |values| values.iter().collect()) {
                query.push(format!("{name}={}", escaped(&said(value), "*-._").replace("%20", "+")));
            }
        }
    }
    let target = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
    let mut body = match (&plan.body, examples.body) {
        (Some(Body::Object { .. } | Body::Whole { .. }), Some(example)) => Some(example.clone()),
        (Some(_), _) => Some(json!({})),
        (None, _) => None,
    };
    if let (Some(Value::Object(body)), Some(page)) = (&mut body, &plan.overlay.page) {
        let (number, size) = paged.unwrap_or(PAGE);
        if matches!(plan.body, Some(Body::Object { .. })) {
            body.insert(page.number.to_owned(), json!(number));
            body.insert(page.size.to_owned(), json!(size));
        }
    }
    if let Some(Value::Object(body)) = &mut body {
        for (name, value) in &plan.overlay.sets {
            body.insert((*name).to_owned(), (*value).clone());
        }
        for hidden in &plan.overlay.hidden {
            body.remove(*hidden);
        }
        if plan.overlay.user.len() == 2 && body.contains_key(plan.overlay.user[0]) {
            body.remove(plan.overlay.user[1]);
        }
    }
    (format!("{} {target}", plan.operation.method.to_ascii_uppercase()), body)
}

fn said(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Percent-encoding of everything but letters, digits and what else stays.
fn escaped(text: &str, kept: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(char::from(byte)) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// The call of an operation up to its end, with every member of its example set; or, simply, those that read well.
fn call(area: &Area<'_>, plan: &Plan<'_>, examples: &Examples<'_>, simply: bool) -> Result<TokenStream, Failure> {
    let (handle, verb) = (quote::format_ident!("{}", area.handle), &plan.verb);
    let mut arguments = Vec::new();
    for argument in &plan.arguments {
        arguments.push(argument_of(plan, argument, examples)?);
    }
    let mut call = quote!(descope.management().#handle().#verb(#(#arguments),*));
    for setter in &plan.setters {
        let Some(example) = examples.value(&setter.name) else { continue };
        let held = stripped(&setter.ty);
        if let Some((map, types)) = path_of(held)
            && setter.place == Place::Optional
            && ["Map", "BTreeMap"].contains(&map.as_str())
            && let Some(single) = singular(&plain(&setter.ident))
        {
            let single = quote::format_ident!("{single}");
            let ty = types.get(1).map_or_else(|| parse_quote!(::serde_json::Value), |ty| (*ty).clone());
            for (name, entry) in example.as_object().into_iter().flatten() {
                let entry = literal(entry, &ty);
                call = quote!(#call.#single(#name, #entry));
            }
            continue;
        }
        let (ident, value) = (&setter.ident, identified(example, held, setter.kind));
        if simply && value.to_string().starts_with("value ::") {
            continue;
        }
        call = quote!(#call.#ident(#value));
    }
    Ok(call)
}

fn argument_of(plan: &Plan<'_>, argument: &Argument, examples: &Examples<'_>) -> Result<TokenStream, Failure> {
    let name = &argument.names[0];
    let example = match argument.place {
        Place::Body => examples.body,
        _ => examples.value(name).or_else(|| examples.value(argument.names.get(1)?)),
    };
    let id = plan.operation.id().unwrap_or_default();
    let example = example.ok_or_else(|| Failure::Generator(format!("`{id}`: the example has no `{name}`")))?;
    if argument.kind == Kind::User && !example.is_array() {
        let text = said(example);
        let second = argument.names.len() == 2 && examples.value(name).is_none();
        return Ok(if second { quote!(UserId::new(#text)) } else { quote!(LoginId::new(#text)) });
    }
    if argument.kind == Kind::Named {
        let text = said(example);
        return Ok(if examples.value(name).is_some() {
            quote!(#text)
        } else {
            quote!(descope_sdk::NameOrId::id(#text))
        });
    }
    Ok(identified(example, stripped(&argument.ty), argument.kind))
}

/// A value of an example as code, as an id where it is one.
fn identified(example: &Value, ty: &Type, kind: Kind) -> TokenStream {
    let id = match kind {
        Kind::LoginId | Kind::User => quote!(LoginId),
        Kind::UserId => quote!(UserId),
        Kind::Plain | Kind::Named => return literal(example, ty),
        Kind::Moment(scale) | Kind::Span(scale) => {
            let number = proc_macro2::Literal::u64_unsuffixed(example.as_u64().unwrap_or_default());
            let span = match scale {
                Scale::Seconds => quote!(Duration::from_secs(#number)),
                Scale::Milliseconds => quote!(Duration::from_millis(#number)),
            };
            return if matches!(kind, Kind::Moment(_)) { quote!(UNIX_EPOCH + #span) } else { span };
        }
    };
    if let Some(items) = example.as_array() {
        let items = items.iter().map(said);
        return quote!([#(#id::new(#items)),*]);
    }
    let text = said(example);
    quote!(#id::new(#text))
}

/// A value of an example as code: a literal where there is one, and read from JSON otherwise.
fn literal(example: &Value, ty: &Type) -> TokenStream {
    let name = path_of(ty).map(|(name, _)| name).unwrap_or_default();
    match (example, name.as_str()) {
        (Value::String(text), "String" | "Secret" | "Value") => quote!(#text),
        (Value::String(text), _) if vocabulary::is_one(ty) => quote!(#text),
        (Value::Bool(flag), "bool" | "Value") => quote!(#flag),
        (Value::Number(number), "i64") if number.is_i64() => {
            let number = proc_macro2::Literal::i64_unsuffixed(number.as_i64().unwrap_or_default());
            quote!(#number)
        }
        (Value::Array(items), "Vec") if !items.is_empty() && items.iter().all(Value::is_string) && is_texts(ty) => {
            let items = items.iter().map(said);
            quote!([#(#items),*])
        }
        _ => {
            let text = example.to_string();
            quote!(value::<#ty>(#text))
        }
    }
}

/// A flag, a number or a text as code.
pub(super) fn constant(value: &Value) -> TokenStream {
    value.to_string().parse().unwrap_or_default()
}

/// Whether a type is a list of texts.
fn is_texts(ty: &Type) -> bool {
    let item = super::raw::inner(ty);
    item.is_some_and(vocabulary::is_one) || item.and_then(path_of).is_some_and(|(name, _)| name == "String")
}

/// Lines of documentation: the first call of the area that reads, on a server that gives the documented answer.
pub(super) fn of_area(document: &Document, area: &Area<'_>, _raw: &Raw<'_>) -> Result<String, Failure> {
    let simple = |plan: &&Plan<'_>| {
        let examples = Examples::of(document, plan);
        call(area, plan, &examples, true).is_ok_and(|call| !call.to_string().contains("value ::"))
            && !matches!(plan.answer, Answer::Stream)
            && plan.operation.value["deprecated"] != true
            && !plan.overlay.verb.ends_with("_v1")
    };
    let rank = |plan: &&Plan<'_>| {
        let verb = plan.overlay.verb;
        ["load", "load_all", "search", "list", "check", "create"]
            .iter()
            .position(|known| *known == verb)
            .or_else(|| verb.starts_with("load").then_some(10))
            .unwrap_or(20)
    };
    let Some(plan) = area.plans.iter().filter(simple).min_by_key(rank) else {
        let name = area.name;
        return Err(Failure::Generator(format!("the area `{name}` has no operation that makes an example")));
    };
    let examples = Examples::of(document, plan);
    let call = call(area, plan, &examples, true)?;
    let answer = examples.answer.cloned().unwrap_or(Value::Object(Map::new()));
    let method = plan.operation.method.to_ascii_uppercase();
    let printed = match &plan.answer {
        Answer::Nothing => quote!(#call.send().await?;),
        Answer::Pages { .. } => quote! {
            let mut found = #call.stream();
            while let Some(item) = found.next().await {
                println!("{:?}", item?);
            }
        },
        _ => quote! {
            let answer = #call.send().await?;
            println!("{answer:?}");
        },
    };
    let file: syn::File = parse_quote!(fn f() { #printed });
    let printed = prettyplease::unparse(&file);
    let printed: Vec<&str> = printed
        .lines()
        .filter(|line| !["fn f() {", "}"].contains(line))
        .map(|line| line.strip_prefix("    ").unwrap_or(line))
        .collect();
    let ids: Vec<&str> =
        ["LoginId", "UserId"].into_iter().filter(|id| printed.join("\n").contains(&format!("{id}::"))).collect();
    let mut imports = String::new();
    if printed.join("\n").contains("Duration::") {
        imports.push_str("use std::time::{Duration, UNIX_EPOCH};\n");
    }
    if !ids.is_empty() {
        let _ = writeln!(imports, "use descope_sdk::{{{}}};", ids.join(", "));
    }
    Ok(format!(
        "```\n\
         {imports}# use descope_sdk::Descope;\n\
         # #[tokio::main]\n\
         # async fn main() -> Result<(), Box<dyn std::error::Error>> {{\n\
         # let server = httpmock::MockServer::start_async().await;\n\
         # server.mock_async(|when, then| {{\n\
         #     when.method({method:?});\n\
         #     then.status(200).header(\"content-type\", \"application/json\").body(r##\"{answer}\"##);\n\
         # }}).await;\n\
         # let descope = Descope::builder(\"P2RmuXyZ0123456789abcdefghij\")\n\
         #     .base_url(server.base_url())\n\
         #     .management_key(\"K2Rm\")\n\
         #     .without_license()\n\
         #     .build()?;\n\
         {}\n\
         # Ok(())\n\
         # }}\n\
         ```",
        printed.join("\n")
    ))
}
