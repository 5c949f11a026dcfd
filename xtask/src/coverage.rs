//! How far each operation has come: specified, generated, curated, emulated, tested. Read off the code itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use clap::ValueEnum;
use proc_macro2::{TokenStream, TokenTree};

use crate::{
    codegen::function_name,
    document::Document,
    output::Output,
    problem::{Failure, Place, Problem},
    text,
};

const README: &str = "README.md";

/// What the table stands between in the README.
const MARKS: [&str; 2] = ["<!-- cargo xtask coverage --readme -->\n", "<!-- end -->"];

/// How the table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Markdown,
}

/// Where each column looks: its title, the folder, and what of it does not count.
const COLUMNS: [(&str, &str, &[&str]); 4] = [
    ("generated", "descope-api/src/generated", &["operations.rs", "mocks.rs", "types"]),
    ("curated", "descope-sdk/src", &[]),
    ("emulated", "descope-emulator/src/routes", &[]),
    ("tested", "tests", &["generated.rs"]),
];

/// The README with the table of today.
pub(crate) fn readme(workspace: &Path, document: &Document) -> Result<Output, Failure> {
    let text = text::read(&workspace.join(README), README)?;
    let parts = text.split_once(MARKS[0]).and_then(|(before, rest)| Some((before, rest.split_once(MARKS[1])?.1)));
    let Some((before, after)) = parts else {
        let message = format!("no `{}` … `{}` for the table to stand between", MARKS[0].trim(), MARKS[1]);
        return Err(Failure::Problems(vec![Problem::new(
            Place { file: README.to_owned(), line: 1 },
            "coverage",
            message,
        )]));
    };
    let table = run(workspace, document, Format::Markdown)?;
    Ok(Output::new(README, format!("{before}{}\n{table}\n\n{}{after}", MARKS[0], MARKS[1])))
}

/// One line for each tag, and a sum.
pub(crate) fn run(workspace: &Path, document: &Document, format: Format) -> Result<String, Failure> {
    let mut found = Vec::new();
    for (_, folder, left_out) in COLUMNS {
        let mut words = BTreeSet::new();
        collect(&workspace.join(folder), left_out, &mut words)?;
        found.push(words);
    }
    let mut tags: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    for operation in document.operations() {
        let row = tags.entry(operation.tag().unwrap_or_default()).or_default();
        row[0] += 1;
        let id = operation.id().unwrap_or_default();
        let names = [id.to_owned(), function_name(id), operation.path.to_owned()];
        for (count, words) in row[1..].iter_mut().zip(&found) {
            *count += usize::from(names.iter().any(|name| words.contains(name)));
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
    let titles: Vec<&str> = ["specified"].into_iter().chain(COLUMNS.map(|column| column.0)).collect();
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

/// The identifiers and string literals of every Rust file below a folder.
fn collect(path: &Path, left_out: &[&str], words: &mut BTreeSet<String>) -> Result<(), Failure> {
    let io = |source| Failure::Io { path: path.display().to_string(), source };
    if path.is_file() {
        let text = text::read(path, &path.display().to_string())?;
        let tokens: TokenStream =
            text.parse().map_err(|error| Failure::Generator(format!("{}: {error}", path.display())))?;
        tokens_of(tokens, words);
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let rust = path.is_dir() || path.extension().is_some_and(|extension| extension == "rs");
        if rust && !left_out.contains(&&*name) {
            collect(&path, left_out, words)?;
        }
    }
    Ok(())
}

fn tokens_of(tokens: TokenStream, words: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                words.insert(ident.to_string());
            }
            TokenTree::Literal(literal) => {
                words.insert(literal.to_string().trim_matches('"').to_owned());
            }
            TokenTree::Group(group) => tokens_of(group.stream(), words),
            TokenTree::Punct(_) => {}
        }
    }
}
