//! The packages in some folders: which language each is written in, and its sources.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::problem::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Language {
    DotNet,
    Go,
    Java,
    JavaScript,
    Kotlin,
    Php,
    Python,
    Ruby,
    Swift,
}

impl Language {
    const ALL: [Self; 9] = [
        Self::DotNet,
        Self::Go,
        Self::Java,
        Self::JavaScript,
        Self::Kotlin,
        Self::Php,
        Self::Python,
        Self::Ruby,
        Self::Swift,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DotNet => ".NET",
            Self::Go => "Go",
            Self::Java => "Java",
            Self::JavaScript => "JavaScript",
            Self::Kotlin => "Kotlin",
            Self::Php => "PHP",
            Self::Python => "Python",
            Self::Ruby => "Ruby",
            Self::Swift => "Swift",
        }
    }

    /// How the names of its sources end.
    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::DotNet => &[".cs"],
            Self::Go => &[".go"],
            Self::Java => &[".java"],
            Self::JavaScript => &[".ts", ".tsx", ".js", ".mjs"],
            Self::Kotlin => &[".kt"],
            Self::Php => &[".php"],
            Self::Python => &[".py"],
            Self::Ruby => &[".rb"],
            Self::Swift => &[".swift"],
        }
    }

    fn of(name: &str) -> Option<Self> {
        let source = !name.ends_with(".d.ts") && !name.ends_with(".min.js");
        Self::ALL.into_iter().find(|language| source && language.endings().iter().any(|ending| name.ends_with(ending)))
    }
}

/// One package in one language.
pub(super) struct Package {
    pub(super) name: String,
    pub(super) language: Language,
    /// Name and text of each file.
    pub(super) sources: Vec<(String, String)>,
}

/// Folders that hold no source of the package itself.
const LEFT_OUT: [&str; 16] = [
    "node_modules",
    "vendor",
    "test",
    "tests",
    "__tests__",
    "testing",
    "spec",
    "samples",
    "sample",
    "examples",
    "example",
    "docs",
    "build",
    "e2e",
    "stories",
    "mocks",
];

/// The packages below the folders, sorted by name.
pub(super) fn packages(folders: &[PathBuf]) -> Result<Vec<Package>, Failure> {
    let mut found: BTreeMap<(String, Language), Vec<(String, String)>> = BTreeMap::new();
    for folder in folders {
        let name = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
        collect(folder, &name, &mut found)?;
    }
    let packages = found.into_iter().map(|((name, language), mut sources)| {
        sources.sort();
        Package { name, language, sources: readable(language, sources) }
    });
    Ok(packages.collect())
}

/// A package as npm delivers it holds the same code twice: once is enough, and sources are better than either.
fn readable(language: Language, sources: Vec<(String, String)>) -> Vec<(String, String)> {
    if language != Language::JavaScript {
        return sources;
    }
    let some = |test: &dyn Fn(&str) -> bool| sources.iter().any(|(name, _)| test(name));
    let typed = |name: &str| [".ts", ".tsx"].iter().any(|ending| name.ends_with(ending));
    let module = |name: &str| name.ends_with("index.esm.js");
    let kept: &dyn Fn(&str) -> bool = if some(&typed) {
        &typed
    } else if some(&module) {
        &module
    } else {
        &|_| true
    };
    sources.iter().filter(|(name, _)| kept(name)).cloned().collect()
}

fn collect(
    folder: &Path,
    package: &str,
    found: &mut BTreeMap<(String, Language), Vec<(String, String)>>,
) -> Result<(), Failure> {
    let io = |source| Failure::Io { path: folder.display().to_string(), source };
    let package = manifest_name(folder).unwrap_or_else(|| package.to_owned());
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let kind = entry.file_type().map_err(io)?;
        if kind.is_dir() {
            let lower = name.to_ascii_lowercase();
            if !LEFT_OUT.contains(&lower.as_str()) && !name.starts_with('.') && !lower.contains(".test") {
                collect(&path, &package, found)?;
            }
        } else if let Some(language) = Language::of(&name).filter(|_| kind.is_file() && !is_test(&name)) {
            let file = path.display().to_string();
            let bytes = fs::read(&path).map_err(|source| Failure::Io { path: file.clone(), source })?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            found.entry((package.clone(), language)).or_default().push((file, text));
        }
    }
    Ok(())
}

fn is_test(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    stem.ends_with("_test")
        || stem.ends_with("Test")
        || stem.starts_with("test_")
        || name.contains(".test.")
        || name.contains(".spec.")
}

/// The last part of the name that a package gives itself.
fn manifest_name(folder: &Path) -> Option<String> {
    let last = |name: &str| name.rsplit('/').next().unwrap_or_default().trim_matches('"').to_owned();
    if let Ok(text) = fs::read_to_string(folder.join("package.json")) {
        let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
        return manifest["name"].as_str().map(last);
    }
    let text = fs::read_to_string(folder.join("go.mod")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("module ")).map(|name| last(name.trim()))
}
