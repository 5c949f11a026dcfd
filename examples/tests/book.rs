//! The book: its programs run, its pages show them, and its links lead somewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    ffi::OsStr,
    fmt::Write as _,
    fs,
    path::{Component, Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use tokio::{process::Command, sync::Semaphore, task::JoinSet};

/// How long a program may take. They take about a second; one that hangs is to fail rather than to hold everything up.
const PATIENCE: Duration = Duration::from_secs(180);

/// Folders that are not of the repository.
const LEFT_OUT: [&str; 4] = [".git", "target", "node_modules", ".venv"];

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("the package lies in the repository").to_owned()
}

fn pages() -> PathBuf {
    root().join("docs/src")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the files with this extension in a folder, without it.
fn names(folder: &Path, extension: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("readable").path());
    let wanted = paths.filter(|path| path.extension() == Some(OsStr::new(extension)));
    wanted.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}

fn programs() -> BTreeSet<String> {
    let programs = names(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin"), "rs");
    assert!(programs.len() > 30, "{programs:?}");
    programs
}

/// The program as cargo has built it, which it does before it runs this test.
fn built(name: &str) -> PathBuf {
    let mut path = env::current_exe().expect("this test is a program");
    path.pop();
    path.pop();
    path.join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_program_ends_well() {
    let turns = Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)));
    let mut running = JoinSet::new();
    for name in programs() {
        let turns = Arc::clone(&turns);
        running.spawn(async move {
            let _turn = turns.acquire_owned().await.expect("never closed");
            let mut command = Command::new(built(&name));
            command.stdin(Stdio::null()).kill_on_drop(true);
            // What is set on this machine for other things.
            for (variable, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DESCOPE_")) {
                command.env_remove(variable);
            }
            let Ok(ended) = tokio::time::timeout(PATIENCE, command.output()).await else {
                return Some(format!("{name} does not end"));
            };
            let output = ended.unwrap_or_else(|error| panic!("{name}: {error}"));
            let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            if !output.status.success() {
                return Some(format!("{name}: {}\n{}", output.status, told(&output.stderr)));
            }
            output.stdout.is_empty().then(|| format!("{name} says nothing"))
        });
    }
    let ended = running.join_all().await;
    let failures: Vec<String> = ended.into_iter().flatten().collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_program_is_shown_by_one_page_which_says_how_to_run_it() {
    let mut shown: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for page in names(&pages(), "md") {
        let text = read(&pages().join(format!("{page}.md")));
        for included in text.split("{{#include ../../examples/src/bin/").skip(1) {
            let name = included.split_once(".rs}}").expect("the whole of a program").0.to_owned();
            assert!(text.contains(&format!("\ncargo run -p descope-examples --bin {name}\n")), "{page}: {name}");
            shown.entry(name).or_default().push(page.clone());
        }
        let others = text.matches("{{#").count() - text.matches("{{#include ../../examples/src/bin/").count();
        assert_eq!(others, 0, "{page} includes something else");
    }
    assert_eq!(shown.keys().cloned().collect::<BTreeSet<_>>(), programs());
    let twice: Vec<_> = shown.iter().filter(|(_, pages)| pages.len() != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// An entry of the table of contents.
struct Entry {
    part: String,
    title: String,
    file: String,
}

fn contents() -> Vec<Entry> {
    let (mut part, mut entries) = (String::new(), Vec::new());
    for line in read(&pages().join("SUMMARY.md")).lines() {
        if let Some(title) = line.strip_prefix("# ") {
            title.clone_into(&mut part);
        } else if let Some((title, file)) = line.trim_start_matches("- ").split_once("](") {
            let title = title.strip_prefix('[').expect("a link").to_owned();
            let file = file.strip_suffix(')').expect("a link").to_owned();
            entries.push(Entry { part: part.clone(), title, file });
        }
    }
    entries
}

#[test]
fn the_table_of_contents_has_every_page_once_under_its_own_title() {
    let mut listed = BTreeSet::from(["SUMMARY".to_owned()]);
    for Entry { title, file, .. } in contents() {
        assert!(listed.insert(file.strip_suffix(".md").expect("a page").to_owned()), "{file} is there twice");
        let text = read(&pages().join(&file));
        let heading = text.lines().next().and_then(|line| line.strip_prefix("# "));
        // The first page has a heading of its own.
        assert!(file == "index.md" || heading == Some(title.as_str()), "{file}: {heading:?} is not {title:?}");
    }
    assert_eq!(listed, names(&pages(), "md"));
}

/// What a page is about: the first line of its program, or the first sentence of a page without one.
fn about(page: &str) -> String {
    if let Some((_, rest)) = page.split_once("{{#include ../../") {
        let program = read(&root().join(rest.split_once("}}").expect("a file").0));
        let first: Vec<_> = program.lines().map_while(|line| line.strip_prefix("//! ")).collect();
        assert!(!first.is_empty(), "a program begins by saying what it shows");
        return first.join(" ");
    }
    let first = page.split("\n\n").nth(1).expect("a page begins with what it is about").replace('\n', " ");
    let end = first.find(". ").map_or(first.len(), |at| at + 1);
    first[..end].trim_end_matches(':').to_owned()
}

/// What a program that reads the book gets: each page with what it is about.
fn llms_txt() -> String {
    let mut text = "# Descope for Rust\n\n> Recipes for the crate descope-sdk: signing users in, checking who they are, and \
                    managing them. Each page\n> has one whole program that runs against an emulated Descope, without an \
                    account and without a network.\n"
        .to_owned();
    let mut part = String::new();
    for entry in contents() {
        if entry.part != part {
            part.clone_from(&entry.part);
            if entry.part != "Summary" {
                let _ = write!(text, "\n## {part}\n");
            }
            text.push('\n');
        }
        let address = entry.file.replace(".md", ".html");
        let _ = writeln!(text, "- [{}]({address}): {}", entry.title, about(&read(&pages().join(&entry.file))));
    }
    text
}

/// `BOOK=write cargo test -p descope-examples --test book` writes it.
#[test]
fn llms_txt_is_what_the_table_of_contents_gives() {
    let path = pages().join("llms.txt");
    let expected = llms_txt();
    if env::var_os("BOOK").is_some_and(|value| value == "write") {
        fs::write(&path, &expected).unwrap();
    }
    assert_eq!(read(&path), expected, "`BOOK=write cargo test -p descope-examples --test book` writes it");
}

/// Every text of the repository, by its path from the root.
fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("readable") {
        let entry = entry.expect("readable");
        let path = entry.path();
        let kind = entry.file_type().expect("readable");
        if kind.is_dir() && !LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
            texts(&path, found);
        } else if kind.is_file() && path.extension() == Some(OsStr::new("md")) {
            found.push(path);
        }
    }
}

/// The anchors of its headings, as the book and the usual forges make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let (mut found, mut heading) = (BTreeSet::new(), None);
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(words) | Event::Code(words) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&words);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let words = heading.take().unwrap_or_default().to_lowercase().replace(' ', "-");
                let kept: String = words.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect();
                let mut anchor = kept.clone();
                let mut number = 0;
                while !found.insert(anchor.clone()) {
                    number += 1;
                    anchor = format!("{kept}-{number}");
                }
            }
            _ => {}
        }
    }
    found
}

/// Where links and pictures lead.
fn links(text: &str) -> Vec<String> {
    let parsed = Parser::new(text).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    });
    parsed.collect()
}

/// A path without `..` and `.`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

#[test]
fn every_link_of_every_text_leads_somewhere() {
    let (mut files, mut checked, mut broken) = (Vec::new(), 0, Vec::new());
    texts(&root(), &mut files);
    files.push(pages().join("llms.txt"));
    for file in &files {
        let text = read(file);
        let of_book = file.starts_with(pages());
        for link in links(&text) {
            // An address of its own kind: `https:`, `mailto:`.
            if link.split(['/', '#', '?']).next().is_some_and(|start| start.contains(':')) {
                continue;
            }
            checked += 1;
            let (path, anchor) =
                link.split_once('#').map_or((link.as_str(), None), |(path, anchor)| (path, Some(anchor)));
            let mut target = match path {
                "" => file.clone(),
                path => plain(&file.parent().expect("a folder").join(path)),
            };
            if of_book && target.extension() == Some(OsStr::new("html")) {
                target.set_extension("md");
            }
            let told = || format!("{}: {link}", file.strip_prefix(root()).unwrap_or(file).display());
            // What is published is the book alone.
            if !target.exists() || of_book && !target.starts_with(pages()) {
                broken.push(told());
            } else if let Some(anchor) = anchor
                && !anchors(&read(&target)).contains(anchor)
            {
                broken.push(told());
            }
        }
    }
    assert!(checked > 100, "only {checked} links were found");
    assert!(broken.is_empty(), "these lead nowhere:\n{}", broken.join("\n"));
}

/// The items of a crate as `docs/public-api/` lists them, such as `struct descope_sdk::Otp`; `fn` for functions of every kind,
/// nothing for variants and members.
fn documented(name: &str) -> BTreeSet<String> {
    let text = read(&root().join(format!("docs/public-api/{name}.txt")));
    let lines = text.lines().map(|line| line.trim_start_matches("#[non_exhaustive] "));
    lines.filter_map(|line| line.strip_prefix("pub ")).map(item).collect()
}

/// What stands at the beginning of a line: keywords and a path, which may have parameters, as in `Batch<I, O>::next`.
fn item(mut line: &str) -> String {
    let mut kind = "";
    while let Some((word, rest)) = line.split_once(' ')
        && ["async", "const", "enum", "fn", "mod", "struct", "trait", "type", "use"].contains(&word)
    {
        (kind, line) = (word, rest);
    }
    let (mut path, mut depth) = (String::new(), 0);
    for c in line.chars() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ if depth > 0 => {}
            _ if c.is_alphanumeric() || "_:".contains(c) => path.push(c),
            _ => break,
        }
    }
    format!("{kind} {}", path.trim_end_matches(':'))
}

/// Whether an address of docs.rs, from the crate's name on, is that of one of the items.
fn is_documented(items: &BTreeSet<String>, address: &str) -> bool {
    let (path, anchor) = address.split_once('#').map_or((address, None), |(path, anchor)| (path, Some(anchor)));
    let Some((modules, page)) = path.rsplit_once('/') else { return false };
    let module = modules.replace('/', "::");
    if ["", "index.html"].contains(&page) {
        // The headings of a module's own page are not listed.
        return items.contains(&format!("mod {module}"));
    }
    let Some((kind, name)) = page.strip_suffix(".html").and_then(|page| page.split_once('.')) else { return false };
    let path = format!("{module}::{name}");
    let anchor_is_there = match anchor.map(|anchor| anchor.split_once('.')) {
        None => true,
        Some(Some(("method", method))) => items.contains(&format!("fn {path}::{method}")),
        Some(Some(("variant", variant))) => items.contains(&format!(" {path}::{variant}")),
        Some(_) => false,
    };
    anchor_is_there && items.contains(&format!("{kind} {path}"))
}

#[test]
fn links_to_the_documentation_name_what_is_there() {
    let crates = ["descope-sdk", "descope-emulator"].map(|name| (name, documented(name)));
    let (mut checked, mut missing) = (0, Vec::new());
    for page in names(&pages(), "md") {
        for link in links(&read(&pages().join(format!("{page}.md")))) {
            for (name, items) in &crates {
                let Some(address) = link.strip_prefix(&format!("https://docs.rs/{name}/latest/")) else { continue };
                checked += 1;
                if !is_documented(items, address) {
                    missing.push(format!("{page}: {link}"));
                }
            }
        }
    }
    assert!(checked > 100, "only {checked} links were found");
    assert!(missing.is_empty(), "these are not there:\n{}", missing.join("\n"));
    let sdk = &crates[0].1;
    for right in [
        "struct.Otp.html#method.email",
        "management/struct.Batch.html#method.next",
        "enum.ErrorKind.html#variant.Expired",
        "",
    ] {
        assert!(is_documented(sdk, &format!("descope_sdk/{right}")), "{right}");
    }
    for wrong in
        ["struct.Otter.html", "struct.Otp.html#method.mail", "enum.Otp.html", "struct.Ot.html", "odd/index.html"]
    {
        assert!(!is_documented(sdk, &format!("descope_sdk/{wrong}")), "{wrong}");
    }
}
