//! The public API of the published crates as text, committed, so that no change of it goes unnoticed.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use public_api::{Builder, PublicApi};

use crate::{output::Output, problem::Failure};

/// The folder of the listings.
pub(crate) const FOLDER: &str = "docs/public-api";

/// descope-api is not among them: its bundle and its generated code are committed, and say the same in more detail.
const CRATES: [&str; 2] = ["descope-sdk", "descope-emulator"];

/// Set for rustdoc, which is then this program: see [`rustdoc`].
const AS_RUSTDOC: &str = "DESCOPE_XTASK_AS_RUSTDOC";

/// One listing for each crate, with all features on.
pub(crate) fn outputs(workspace: &Path) -> Result<Vec<Output>, Failure> {
    CRATES.iter().map(|package| listing(workspace, package)).collect()
}

fn listing(workspace: &Path, package: &str) -> Result<Output, Failure> {
    let mut api = public_api(workspace, package)?.to_string();
    api.push('\n');
    Ok(Output::new(format!("{FOLDER}/{package}.txt"), api))
}

fn public_api(workspace: &Path, package: &str) -> Result<PublicApi, Failure> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["rustdoc", "--quiet", "--locked", "--lib", "--all-features", "--package", package])
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        .current_dir(workspace)
        .env("RUSTDOC", env::current_exe().map_err(|source| io("xtask", source))?)
        .env(AS_RUSTDOC, "1")
        .status()
        .map_err(|source| io("cargo", source))?;
    if !status.success() {
        return Err(Failure::PublicApi(format!("cargo rustdoc failed for {package}")));
    }
    let json = target.join("doc").join(package.replace('-', "_")).with_extension("json");
    let unreadable = |error| {
        let advice = "if this compiler's rustdoc JSON is of another format, use the `public-api` crate that reads it";
        Failure::PublicApi(format!("{}: {error}; {advice}", json.display()))
    };
    Builder::from_rustdoc_json(&json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .map_err(unreadable)
}

/// Runs the real rustdoc with its unstable options allowed, if this program was called in its place.
///
/// A stable rustdoc writes JSON only with `RUSTC_BOOTSTRAP`. Set for all of cargo, it would have every dependency built
/// once more, since their build scripts look at it.
pub(crate) fn rustdoc() -> Option<ExitCode> {
    env::var_os(AS_RUSTDOC)?;
    let status = Command::new("rustdoc").args(env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1").status();
    Some(match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn io(path: &str, source: std::io::Error) -> Failure {
    Failure::Io { path: path.to_owned(), source }
}
