//! Where users come from. Each source is read from its beginning to its end, one record at a time, in a thread of its own that
//! waits while nobody takes what it has.

mod auth0;
mod cognito;
mod csv;
mod descope;
mod firebase;
mod lines;
mod members;

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::{
    cli::{From, SourceArguments},
    error::{Error, Result},
    hash,
    row::{Row, Verdict},
};

/// How many rows are read ahead.
const AHEAD: usize = 256;
/// The longest record, in bytes. Without a limit a missing quote would be the rest of the file.
const LONGEST: u64 = 1 << 20;

/// Takes a row; false when nobody wants more.
type Sink<'a> = &'a mut dyn FnMut(Row) -> bool;

/// A source that is being read.
pub(crate) struct Reading {
    rows: mpsc::Receiver<Result<Row>>,
    /// How much there is to read, in the unit of [`Place::read`](crate::row::Place::read).
    pub(crate) total: Option<u64>,
}

impl Reading {
    /// The next row; `None` behind the last.
    pub(crate) async fn next(&mut self) -> Option<Result<Row>> {
        self.rows.recv().await
    }
}

/// Begins to read.
pub(crate) async fn read(arguments: &SourceArguments, timeout: Duration) -> Result<Reading> {
    if arguments.from == From::Descope {
        return descope::read(timeout).await;
    }
    let path = file(arguments)?;
    let total = std::fs::metadata(path).map_err(Error::file(path))?.len();
    let read = match arguments.from {
        From::Auth0 => auth0::reader(arguments, path)?,
        From::Cognito => cognito::reader(arguments, path)?,
        From::Firebase => firebase::reader(arguments, path)?,
        From::Csv | From::Descope => csv::reader(arguments, path)?,
    };
    let leave_hashes = arguments.without_unusable_hashes;
    let (sender, rows) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let mut sink = |row: Row| {
            let row = if leave_hashes { without_unusable_hash(row) } else { row };
            sender.blocking_send(Ok(row.finished())).is_ok()
        };
        if let Err(error) = read(&mut sink) {
            let _ = sender.blocking_send(Err(error));
        }
    });
    Ok(Reading { rows, total: Some(total) })
}

/// What reads a source to its end.
type Reader = Box<dyn FnOnce(Sink<'_>) -> Result<()> + Send>;

fn file(arguments: &SourceArguments) -> Result<&Path> {
    let missing = || Error::option("from", "this source is a file, which is missing");
    arguments.file.as_deref().ok_or_else(missing)
}

fn without_unusable_hash(mut row: Row) -> Row {
    let before = row.problems.len();
    row.problems.retain(|one| !matches!(one.verdict, Verdict::UnsupportedHash | Verdict::MalformedHash));
    row.password_left |= row.problems.len() < before;
    row
}

/// By what a file is known again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    pub(crate) path: PathBuf,
    bytes: u64,
    sha256: String,
}

impl Fingerprint {
    fn of(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(Error::file(path))?;
        let mut context = digest::Context::new(&digest::SHA256);
        let (mut buffer, mut bytes) = (vec![0; 1 << 16], 0);
        loop {
            let read = file.read(&mut buffer).map_err(Error::file(path))?;
            if read == 0 {
                break;
            }
            context.update(&buffer[..read]);
            bytes += read as u64;
        }
        Ok(Self { path: path.to_owned(), bytes, sha256: hash::to_base64(context.finish().as_ref()) })
    }
}

/// Makes the paths of a source independent of where the program is started, and tells the files apart.
pub(crate) fn pinned(mut arguments: SourceArguments) -> Result<(SourceArguments, Vec<Fingerprint>)> {
    for path in [&mut arguments.file, &mut arguments.hashes, &mut arguments.hash_config].into_iter().flatten() {
        *path = std::path::absolute(&*path).map_err(Error::file(path))?;
    }
    if arguments.from != From::Descope {
        file(&arguments)?;
    }
    let prints = fingerprints(&arguments)?;
    Ok((arguments, prints))
}

pub(crate) fn fingerprints(arguments: &SourceArguments) -> Result<Vec<Fingerprint>> {
    let files = [&arguments.file, &arguments.hashes, &arguments.hash_config];
    files.into_iter().flatten().map(|path| Fingerprint::of(path)).collect()
}
