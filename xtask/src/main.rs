//! Tasks of this workspace. `cargo xtask` alone lists them.

mod bundle;
mod codegen;
mod coverage;
mod diff;
mod document;
mod errors;
mod freshness;
mod index;
mod lint;
mod newer;
mod output;
mod problem;
mod public_api;
mod requests;
mod text;
mod upstream;
mod yaml;

use std::{
    path::{Path, PathBuf},
    process::{self, ExitCode},
    time::Instant,
};

use clap::{Parser, Subcommand};

use crate::{document::Document, output::Output, problem::Failure};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of this workspace", arg_required_else_help = true)]
struct Cli {
    /// The workspace to work on, instead of the one that this program was built in.
    #[arg(long, global = true, value_name = "FOLDER")]
    root: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Join the parts of spec/ to spec/bundle/, after linting them.
    Bundle {
        /// Fail on any difference and write nothing.
        #[arg(long)]
        check: bool,
    },
    /// Hold the parts of spec/ against the rules and validate every example.
    Lint {
        /// List the rules and why they exist.
        #[arg(long)]
        rules: bool,
    },
    /// Bundle, lint, and generate descope-api and what the emulator needs.
    Codegen {
        /// Fail on any difference and write nothing.
        #[arg(long)]
        check: bool,
        /// List what is changed of the generator's input and output, how often, and why. Nothing is written.
        #[arg(long, conflicts_with = "check")]
        fixups: bool,
    },
    /// Tell what changed between two OpenAPI documents, and what it means to their users.
    Diff {
        old: PathBuf,
        new: PathBuf,
        #[command(flatten)]
        options: diff::Options,
    },
    /// Hold our document against the published one, or against what was last reviewed of it.
    Upstream {
        /// A freshly downloaded published document.
        file: Option<PathBuf>,
        /// Record the file as reviewed, once every difference is explained.
        #[arg(long, requires = "file")]
        accept: bool,
    },
    /// Hold recorded requests of official clients, one JSON object a line, against the document.
    Requests { file: PathBuf },
    /// List what official SDKs send and the document lacks, read from their sources or packages in these folders.
    Freshness {
        #[arg(required = true, value_name = "DIR")]
        folders: Vec<PathBuf>,
    },
    /// Count, for each tag, how many operations are specified, generated, curated, emulated and tested: defined, called
    /// or served by code; a mention does not count.
    Coverage {
        #[arg(long, value_enum, default_value = "text")]
        format: coverage::Format,
        /// Put the table into docs/src/coverage.md.
        #[arg(long, conflicts_with = "format")]
        write: bool,
        /// Fail if docs/src/coverage.md holds another one, and write nothing.
        #[arg(long, requires = "write")]
        check: bool,
    },
    /// List the public API of the published crates in docs/public-api/.
    PublicApi {
        /// Fail on any difference and write nothing.
        #[arg(long)]
        check: bool,
    },
    /// Hold the bundle against validators and generators of other languages, and sign a user in with what they wrote.
    Polyglot {
        /// Leave openapi-generator and its languages out.
        #[arg(long)]
        quick: bool,
    },
}

/// What a command came to: its text, and whether it found what it was asked to fail on.
type Outcome = Result<(String, bool), Failure>;

fn main() -> ExitCode {
    if let Some(code) = public_api::rustdoc() {
        return code;
    }
    match run(&Cli::parse()) {
        Ok((text, failed)) => {
            println!("{text}");
            if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(Cli { root, command }: &Cli) -> Outcome {
    // The manifest's parent is the workspace, wherever the command is called from.
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let workspace = root.as_deref().unwrap_or(built_in);
    match command {
        Command::Lint { rules: true } => Ok((rules(), false)),
        Command::Lint { rules: false } => {
            let started = Instant::now();
            let document = checked(workspace)?;
            Ok((format!("{}, no problem ({} ms)", counts(&document), started.elapsed().as_millis()), false))
        }
        Command::Bundle { check } => generate(workspace, *check, &[], |document| Ok(codegen::bundles(document).into())),
        Command::Codegen { fixups: true, .. } => Ok((codegen::fixups(&checked(workspace)?)?.join("\n"), false)),
        Command::Codegen { check, .. } => generate(workspace, *check, &codegen::OWNED_FOLDERS, codegen::outputs),
        Command::Diff { old, new, options } => diff::run(old, new, options),
        Command::Requests { file } => Ok((requests::run(workspace, &checked(workspace)?, file)?, false)),
        Command::Freshness { folders } => freshness::run(workspace, &checked(workspace)?, folders),
        Command::Coverage { write: true, check, .. } => {
            let report = output::apply(workspace, &[coverage::page(workspace, &checked(workspace)?)?], &[], *check)?;
            let page = coverage::PAGE;
            let said = if report.changed.is_empty() { format!("{page}: up to date") } else { format!("wrote {page}") };
            Ok((said, false))
        }
        Command::Coverage { format, .. } => Ok((coverage::run(workspace, &checked(workspace)?, *format)?, false)),
        Command::PublicApi { check } => {
            let report = output::apply(workspace, &public_api::outputs(workspace)?, &[public_api::FOLDER], *check)?;
            Ok((format!("public API: {} files written, {} up to date", report.changed.len(), report.unchanged), false))
        }
        Command::Polyglot { quick } => polyglot(workspace, *quick),
        Command::Upstream { file, accept } => upstream::run(workspace, &checked(workspace)?, file.as_deref(), *accept),
    }
}

/// Runs the script, which tells its own progress.
fn polyglot(workspace: &Path, quick: bool) -> Outcome {
    let script = workspace.join("tests/polyglot/run");
    let status = process::Command::new(&script)
        .args(quick.then_some("quick"))
        .status()
        .map_err(|source| Failure::Io { path: script.display().to_string(), source })?;
    let verdict = if status.success() { "holds" } else { "does not hold" };
    Ok((format!("polyglot: the bundle {verdict} in other languages"), !status.success()))
}

/// The document, once it has passed every rule.
fn checked(workspace: &Path) -> Result<Document, Failure> {
    let document = Document::load(workspace)?;
    lint::run(&document)?;
    Ok(document)
}

fn counts(document: &Document) -> String {
    format!("{} operations, {} schemas", document.operations().len(), document.schemas().len())
}

fn rules() -> String {
    lint::rules().map(|rule| format!("{:16} {}", rule.id, rule.reason)).collect::<Vec<_>>().join("\n")
}

fn generate(
    workspace: &Path,
    check: bool,
    owned: &[&str],
    outputs: impl Fn(&Document) -> Result<Vec<Output>, Failure>,
) -> Outcome {
    let started = Instant::now();
    let document = checked(workspace)?;
    let report = output::apply(workspace, &outputs(&document)?, owned, check)?;
    let mut text: Vec<String> = report.changed.iter().map(|path| format!("wrote {path}")).collect();
    text.push(format!(
        "{}: {} files written, {} up to date ({} ms)",
        counts(&document),
        report.changed.len(),
        report.unchanged,
        started.elapsed().as_millis()
    ));
    Ok((text.join("\n"), false))
}
