//! Text files as they come from outside.

use std::{fs, path::Path};

use crate::problem::{Failure, Place, Problem};

/// Reads a file, called `name` in messages.
pub(crate) fn read(path: &Path, name: &str) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|source| Failure::Io { path: name.to_owned(), source })?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + String::from_utf8_lossy(good).matches('\n').count();
        Failure::Problems(vec![Problem::new(Place { file: name.to_owned(), line }, "text", "not UTF-8")])
    })
}
