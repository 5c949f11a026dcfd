//! How far each operation has come: specified, generated, curated, emulated, tested. Read off the code itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use clap::ValueEnum;
use heck::ToUpperCamelCase as _;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::{
    codegen::function_name,
    document::Document,
    output::Output,
    problem::{Failure, Place, Problem},
    text,
};

/// The page of the book that has the table.
pub(crate) const PAGE: &str = "docs/src/coverage.md";

/// What the table stands between there.
const MARKS: [&str; 2] = ["<!-- cargo xtask coverage --write -->\n", "<!-- end -->"];

/// How the table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Markdown,
}

/// One column of the table.
struct Column {
    title: &'static str,
    folder: &'static str,
    /// Files and folders that do not count.
    left_out: &'static [&'static str],
    /// The operation that tokens beginning here define, call or serve, by its id or by the name of its function.
    names: fn(&[TokenTree]) -> Option<String>,
}

const COLUMNS: [Column; 4] = [
    Column {
        title: "generated",
        folder: "descope-api/src/generated",
        left_out: &["operations.rs", "mocks.rs", "types"],
        names: defined,
    },
    Column {
        title: "curated",
        folder: "descope-sdk/src",
        left_out: &["tests", "tests.rs", "testing.rs"],
        names: called,
    },
    Column { title: "emulated", folder: "descope-emulator/src/area", left_out: &[], names: served },
    Column { title: "tested", folder: "tests", left_out: &["generated"], names: tried },
];

/// The page with the table of today.
pub(crate) fn page(workspace: &Path, document: &Document) -> Result<Output, Failure> {
    let text = text::read(&workspace.join(PAGE), PAGE)?;
    let parts = text.split_once(MARKS[0]).and_then(|(before, rest)| Some((before, rest.split_once(MARKS[1])?.1)));
    let Some((before, after)) = parts else {
        let message = format!("no `{}` … `{}` for the table to stand between", MARKS[0].trim(), MARKS[1]);
        return Err(Failure::Problems(vec![Problem::new(
            Place { file: PAGE.to_owned(), line: 1 },
            "coverage",
            message,
        )]));
    };
    let table = run(workspace, document, Format::Markdown)?;
    Ok(Output::new(PAGE, format!("{before}{}\n{table}\n\n{}{after}", MARKS[0], MARKS[1])))
}

/// One line for each tag, and a sum.
pub(crate) fn run(workspace: &Path, document: &Document, format: Format) -> Result<String, Failure> {
    let mut found = Vec::new();
    for column in &COLUMNS {
        let mut names = BTreeSet::new();
        collect(&workspace.join(column.folder), column, &mut names)?;
        found.push(names);
    }
    let mut tags: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    for operation in document.operations() {
        let row = tags.entry(operation.tag().unwrap_or_default()).or_default();
        row[0] += 1;
        let id = operation.id().unwrap_or_default();
        let function = function_name(id);
        // The second function of an operation gives its answer as it came.
        let names = [id.to_owned(), id.to_upper_camel_case(), format!("{function}_bytes"), function];
        for (count, found) in row[1..].iter_mut().zip(&found) {
            *count += usize::from(names.iter().any(|name| found.contains(name)));
        }
    }
    let sum = tags.values().fold([0; 5], |mut sum, row| {
        sum.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
        sum
    });
    Ok(table(&tags, sum, format))
}

fn table(tags: &BTreeMap<&str, [usize; 5]>, sum: [usize; 5], format: Format) -> String {
    let width = tags.keys().map(|tag| tag.len()).max().unwrap_or_default().max("all".len());
    let titles: Vec<&str> = ["specified"].into_iter().chain(COLUMNS.iter().map(|column| column.title)).collect();
    let mut text = String::new();
    let mut line = |first: &str, cells: &[String]| match format {
        Format::Text => {
            let _ = write!(text, "{first:width$}");
            for cell in cells {
                let _ = write!(text, " {cell:>9}");
            }
            text.push('\n');
        }
        Format::Markdown => {
            let _ = writeln!(text, "| {first} | {} |", cells.join(" | "));
        }
    };
    line("tag", &titles.iter().map(ToString::to_string).collect::<Vec<_>>());
    if format == Format::Markdown {
        line("---", &vec!["---:".to_owned(); titles.len()]);
    }
    for (tag, row) in tags.iter().map(|(tag, row)| (*tag, *row)).chain([("all", sum)]) {
        line(tag, &row.map(|count| count.to_string()));
    }
    text.trim_end().to_owned()
}

/// The names that a column finds in every Rust file below a folder.
fn collect(path: &Path, column: &Column, names: &mut BTreeSet<String>) -> Result<(), Failure> {
    let io = |source| Failure::Io { path: path.display().to_string(), source };
    if path.is_file() {
        let text = text::read(path, &path.display().to_string())?;
        let tokens: TokenStream =
            text.parse().map_err(|error| Failure::Generator(format!("{}: {error}", path.display())))?;
        names_in(tokens, column.names, names);
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let rust = path.is_dir() || path.extension().is_some_and(|extension| extension == "rs");
        if rust && !column.left_out.contains(&&*name) {
            collect(&path, column, names)?;
        }
    }
    Ok(())
}

/// Walks code. Attributes, which are what documentation becomes, and what only tests are built with do not count.
fn names_in(tokens: TokenStream, find: fn(&[TokenTree]) -> Option<String>, names: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut rest = &tokens[..];
    while let [first, after @ ..] = rest {
        if let Some((attribute, behind)) = attribute(rest) {
            rest = if is_for_tests(attribute) { behind_item(behind) } else { behind };
            continue;
        }
        names.extend(find(rest));
        if let TokenTree::Group(group) = first {
            names_in(group.stream(), find, names);
        }
        rest = after;
    }
}

/// `#[…]` or `#![…]`, and what stands behind it.
fn attribute(tokens: &[TokenTree]) -> Option<(&Group, &[TokenTree])> {
    let [hash, rest @ ..] = tokens else { return None };
    let rest = match rest {
        [mark, rest @ ..] if is(mark, '!') => rest,
        _ => rest,
    };
    match rest {
        [TokenTree::Group(group), rest @ ..] if is(hash, '#') && group.delimiter() == Delimiter::Bracket => {
            Some((group, rest))
        }
        _ => None,
    }
}

fn is_for_tests(attribute: &Group) -> bool {
    let text: String = attribute.stream().to_string().split_whitespace().collect();
    text == "cfg(test)" || text.starts_with("cfg(all(test")
}

/// What follows an item: it ends with its braces or a semicolon.
fn behind_item(tokens: &[TokenTree]) -> &[TokenTree] {
    let ends = |token: &TokenTree| {
        is(token, ';') || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    };
    tokens.iter().position(ends).map_or(&[], |end| &tokens[end + 1..])
}

/// `fn name`.
fn defined(tokens: &[TokenTree]) -> Option<String> {
    match tokens {
        [TokenTree::Ident(word), TokenTree::Ident(name), ..] if word == "fn" => Some(name.to_string()),
        _ => None,
    }
}

/// Macros of the SDK that call the raw client, and which of their arguments names the operation.
const CALLING: [(&str, usize); 3] = [("call", 1), ("start", 0), ("polled", 2)];

/// `client.name(…)`, or `call!(client, name, …)` and the like as the SDK has it.
fn called(tokens: &[TokenTree]) -> Option<String> {
    match tokens {
        [dot, TokenTree::Ident(name), TokenTree::Group(group), ..] if is(dot, '.') && is_call(group) => {
            Some(name.to_string())
        }
        [TokenTree::Ident(name), mark, TokenTree::Group(group), ..] if is(mark, '!') => {
            let (_, place) = CALLING.into_iter().find(|(known, _)| name == known)?;
            let arguments: Vec<TokenTree> = group.stream().into_iter().collect();
            match arguments.split(|token| is(token, ',')).nth(place) {
                Some([TokenTree::Ident(operation)]) => Some(operation.to_string()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// `.on::<op::Name>(handler)`, or one of its sisters.
fn served(tokens: &[TokenTree]) -> Option<String> {
    let [dot, TokenTree::Ident(on), _, _, open, TokenTree::Ident(op), _, _, TokenTree::Ident(name), close, group, ..] =
        tokens
    else {
        return None;
    };
    let adds = ["on", "done", "reply"].iter().any(|name| on == name);
    let served = is(dot, '.') && adds && is(open, '<') && op == "op" && is(close, '>');
    (served && matches!(group, TokenTree::Group(group) if is_call(group))).then(|| name.to_string())
}

/// A call of the raw client, or `case!("id", …)`, which calls the SDK and holds what it sends against the operation.
fn tried(tokens: &[TokenTree]) -> Option<String> {
    match tokens {
        [TokenTree::Ident(name), mark, TokenTree::Group(group), ..] if name == "case" && is(mark, '!') => {
            first_text(group)
        }
        _ => called(tokens),
    }
}

/// The first argument, where it is a text that others follow.
fn first_text(group: &Group) -> Option<String> {
    let mut arguments = group.stream().into_iter();
    match (arguments.next()?, arguments.next()?) {
        (TokenTree::Literal(text), comma) if is(&comma, ',') => {
            Some(text.to_string().strip_prefix('"')?.strip_suffix('"')?.to_owned())
        }
        _ => None,
    }
}

fn is(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn is_call(group: &Group) -> bool {
    group.delimiter() == Delimiter::Parenthesis
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(title: &str, code: &str) -> Vec<String> {
        let column = COLUMNS.iter().find(|column| column.title == title).expect("is a column");
        let mut names = BTreeSet::new();
        names_in(code.parse().expect("is Rust"), column.names, &mut names);
        names.into_iter().filter(|name| name.to_lowercase().starts_with("otp")).collect()
    }

    #[test]
    fn what_defines_calls_or_serves_an_operation_counts() {
        for (title, code, expected) in [
            ("generated", "impl Client { pub async fn otp_verify<'a>(&'a self) {} }", "otp_verify"),
            ("curated", "let sent = call!(channel.descope.api(), otp_verify, &body)?;", "otp_verify"),
            ("curated", "match mode { Mode::New => start!(otp_verify), _ => none!(otp_send) }", "otp_verify"),
            ("curated", "polled!(Pending, Request, otp_verify, \"/v1\");", "otp_verify"),
            (
                "curated",
                "match x { A => call!(api, otp_verify), B => api.otp_send(&body).await }",
                "otp_send otp_verify",
            ),
            ("curated", "fn f() { api\n.otp_keys_bytes()\n.await }", "otp_keys_bytes"),
            ("curated", "#[cfg(not(test))] fn f() { api.otp_verify() }", "otp_verify"),
            ("curated", "#[cfg(test)] mod a { fn f() {} } fn g() { api.otp_verify() }", "otp_verify"),
            ("curated", "#[cfg(test)] use a; fn g() { api.otp_verify() }", "otp_verify"),
            ("emulated", "table.on::<op::OtpVerify>(|call, body| verify(call, body, Channel::Sms));", "OtpVerify"),
            ("emulated", "table\n.done::<op::OtpSend>(send)\n.reply::<op::OtpVerify>(verify);", "OtpSend OtpVerify"),
            ("tested", "vec![case!(\"otpVerify\", \"POST /v1\", NOTHING, {}, d => d.otp().send())]", "otp otpVerify"),
            ("tested", "#[tokio::test] async fn f() { client.otp_verify(&body).await.unwrap(); }", "otp_verify"),
            ("tested", "fn f() { answer(client.otp_verify().await) }", "otp_verify"),
        ] {
            assert_eq!(names(title, code).join(" "), expected, "{title}: {code}");
        }
    }

    #[test]
    fn what_only_names_an_operation_does_not_count() {
        for code in [
            "// api.otp_verify()",
            "/* api.otp_verify() */",
            "/// `api.otp_verify()` and otp_verify\nfn f() {}",
            "//! call!(api, otp_verify)\nfn f() {}",
            "#[doc = \"otpVerify\"] #[cfg_attr(x, doc = \"api.otp_verify()\")] fn f() {}",
            "const OPERATION: &str = \"otp_verify\";",
            "let text = \"api.otp_verify()\";",
            "let text = r#\"table.add(\"otpVerify\", verify)\"#;",
            "f(\"otpVerify\"); g(\"/v1/auth/otp/verify\"); h(otp_verify);",
            "operation!(otp_verify); let _ = Client::otp_verify;",
            "use a::otp_verify; mod otp_verify {} struct A { otp_verify: u8 } a.otp_verify;",
            "macro_rules! call { ($client:expr, $operation:ident) => { $client.$operation() } }",
            "#[cfg(test)] mod tests { fn f() { api.otp_verify(); call!(api, otp_verify); } }",
            "#[cfg(all(test, unix))] fn f() { api.otp_verify() }",
            "table.get::<op::OtpVerify>(1); table.on::<op::OtpVerify>; table.lenient::<op::OtpVerify>(); on(op::OtpVerify)",
            "world.calls(\"otpVerify\"); emulator.fail_next(\"otpVerify\", fault);",
        ] {
            for column in ["generated", "curated", "emulated", "tested"] {
                let found = names(column, code);
                assert_eq!(found, [] as [&str; 0], "{column}: {code}");
            }
        }
    }
}
