//! Tasks of this workspace. `cargo xtask` alone lists them.

mod bundle;
mod codegen;
mod document;
mod lint;
mod output;
mod problem;
mod yaml;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::{Parser, Subcommand};

use crate::{document::Document, problem::Failure};

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
    },
}

fn main() -> ExitCode {
    let started = Instant::now();
    match run(&Cli::parse()) {
        Ok(summary) => {
            println!("{summary} ({} ms)", started.elapsed().as_millis());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(Cli { root, command }: &Cli) -> Result<String, Failure> {
    // The manifest's parent is the workspace, wherever the command is called from.
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let workspace = root.as_deref().unwrap_or(built_in);
    if let Command::Lint { rules: true } = command {
        for rule in lint::RULES {
            println!("{:16} {}", rule.id, rule.reason);
        }
        return Ok(format!("{} rules", lint::RULES.len()));
    }
    let document = Document::load(workspace)?;
    lint::run(&document)?;
    let counts = format!("{} operations, {} schemas", document.operations().len(), document.schemas().len());
    let (outputs, check) = match command {
        Command::Lint { .. } => return Ok(format!("lint: {counts}, no problem")),
        Command::Bundle { check } => (Vec::from(codegen::bundles(&document)), *check),
        Command::Codegen { check } => (codegen::outputs(&document)?, *check),
    };
    let owned: &[&str] = match command {
        Command::Codegen { .. } => &codegen::OWNED_FOLDERS,
        _ => &[],
    };
    let report = output::apply(workspace, &outputs, owned, check)?;
    for path in &report.changed {
        println!("wrote {path}");
    }
    Ok(format!("{counts}: {} files written, {} up to date", report.changed.len(), report.unchanged))
}
