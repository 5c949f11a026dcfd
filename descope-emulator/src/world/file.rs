//! The data file: everything that the emulator knows, so that it is still there after a restart.
//!
//! Each change writes the whole document to a second file, which then takes the place of the first. Whenever the
//! process is killed, the file is whole, and it holds every change that was acknowledged.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::Saved;

/// A file that holds the whole world.
pub(super) struct DataFile {
    path: PathBuf,
    /// Counts what has been asked to be written.
    asked: AtomicU64,
    /// How many of these the file holds.
    written: Mutex<u64>,
}

impl DataFile {
    /// Opens a file, and reads what is in it. One that is not there comes into being with the first change.
    pub(super) fn open(path: PathBuf) -> Result<(Self, Option<Saved>), String> {
        let saved = match fs::read(&path) {
            Ok(text) => {
                let read = serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()));
                Some(read?)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        Ok((Self { path, asked: AtomicU64::new(0), written: Mutex::new(0) }, saved))
    }

    /// Returns when the file holds at least what `export` answers now. Calls that come together share one writing.
    pub(super) fn write(&self, export: impl Fn() -> Saved) {
        let mine = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if *written >= mine {
            return;
        }
        let holds = self.asked.load(Ordering::SeqCst);
        match serde_json::to_vec(&export()).map_err(std::io::Error::from).and_then(|text| replace(&self.path, &text)) {
            Ok(()) => *written = holds,
            // The client has its answer to get all the same; whoever started the emulator has to hear of it.
            Err(error) => eprintln!("descope-emulator: {} was not written: {error}", self.path.display()),
        }
    }
}

/// Puts a text in the place of a file, at once or not at all.
fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = File::create(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
