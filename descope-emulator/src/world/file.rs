//! The data file: everything that the emulator knows, so that it is still there after a restart.
//!
//! Each change writes the whole document to a second file, which then takes the place of the first. Whenever the
//! process is killed, the file is whole, and it holds every change that was acknowledged.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::Saved;

/// A file that holds the whole world.
pub(super) struct DataFile {
    path: PathBuf,
    /// Held as long as the emulator runs: two of them on one file would undo each other's changes.
    lock: Mutex<Option<File>>,
    /// Counts what has been asked to be written.
    asked: AtomicU64,
    /// How many of these the file holds.
    written: Mutex<u64>,
}

impl DataFile {
    /// Opens a file, and reads what is in it. One that is not there comes into being with the first change.
    pub(super) fn open(path: PathBuf) -> Result<(Self, Option<Saved>), String> {
        let lock = beside(&path, ".lock");
        let locked = File::create(&lock).and_then(|file| file.try_lock().map(|()| file).map_err(io::Error::from));
        let lock = locked.map_err(|error| format!("{}: {error}; does another emulator use it?", lock.display()))?;
        let saved = match fs::read(&path) {
            Ok(text) => {
                let read = serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()));
                Some(read?)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        Ok((Self { path, lock: Mutex::new(Some(lock)), asked: AtomicU64::new(0), written: Mutex::new(0) }, saved))
    }

    /// Leaves the file to another emulator. Nothing is written from now on.
    pub(super) fn release(&self) {
        // Whoever is writing gets to the end of it first.
        let _written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        self.lock().take();
    }

    fn lock(&self) -> MutexGuard<'_, Option<File>> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the file holds at least what `export` answers now, or says why it does not. Calls that come together
    /// share one writing.
    pub(super) fn write(&self, export: impl Fn() -> Saved) -> Result<(), String> {
        let mine = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if self.lock().is_none() {
            return Err("the emulator has stopped".to_owned());
        }
        if *written >= mine {
            return Ok(());
        }
        let holds = self.asked.load(Ordering::SeqCst);
        let text = serde_json::to_vec(&export()).map_err(io::Error::from);
        text.and_then(|text| replace(&self.path, &text))
            .map_err(|error| format!("{}: {error}", self.path.display()))?;
        *written = holds;
        Ok(())
    }
}

/// The file beside another one that has the same name and an ending more.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Puts a text in the place of a file, at once or not at all. There are keys in it, so nobody else may read it.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&new, path)
}
