//! Generated files: compared with what is on disk, or written all at once.

use std::{fs, path::Path};

use crate::problem::Failure;

/// A file that a command is about to write: its path in the workspace, and its text.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Output {
    pub(crate) fn new(path: impl Into<String>, text: String) -> Self {
        Self { path: path.into(), text }
    }
}

/// What became of the outputs.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) changed: Vec<String>,
    pub(crate) unchanged: usize,
}

/// Writes every output that differs and removes generated files that are no longer made.
///
/// With `check`, nothing is written and any difference is a failure. All outputs are complete before the first one is
/// written, so a fault in the document leaves the tree as it was.
pub(crate) fn apply(
    workspace: &Path,
    outputs: &[Output],
    owned_folders: &[&str],
    check: bool,
) -> Result<Report, Failure> {
    let mut report = Report::default();
    let mut drift = Vec::new();
    for output in outputs {
        let path = workspace.join(&output.path);
        match fs::read_to_string(&path) {
            Ok(text) if text == output.text => report.unchanged += 1,
            Ok(_) => drift.push(format!("{} is out of date", output.path)),
            Err(_) => drift.push(format!("{} is missing", output.path)),
        }
    }
    let stale = stale_files(workspace, outputs, owned_folders)?;
    drift.extend(stale.iter().map(|path| format!("{path} is no longer generated")));
    if check {
        return if drift.is_empty() { Ok(report) } else { Err(Failure::Drift(drift)) };
    }
    for output in outputs {
        let path = workspace.join(&output.path);
        if fs::read_to_string(&path).is_ok_and(|text| text == output.text) {
            continue;
        }
        let io = |source| Failure::Io { path: output.path.clone(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io)?;
        }
        // Written beside the target and moved, so that a reader never sees half a file.
        let beside = path.with_extension("xtask-new");
        fs::write(&beside, &output.text).map_err(io)?;
        fs::rename(&beside, &path).map_err(io)?;
        report.changed.push(output.path.clone());
    }
    for path in stale {
        fs::remove_file(workspace.join(&path)).map_err(|source| Failure::Io { path: path.clone(), source })?;
        report.changed.push(path);
    }
    Ok(report)
}

fn stale_files(workspace: &Path, outputs: &[Output], owned: &[&str]) -> Result<Vec<String>, Failure> {
    let mut stale = Vec::new();
    let mut folders: Vec<_> = owned.iter().map(|folder| workspace.join(folder)).collect();
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        let io = |source| Failure::Io { path: folder.display().to_string(), source };
        for entry in fs::read_dir(&folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(workspace).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            if !outputs.iter().any(|output| output.path == name) {
                stale.push(name);
            }
        }
    }
    stale.sort();
    Ok(stale)
}
