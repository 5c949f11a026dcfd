//! What a run has done, on disk before anybody is told: one JSON object on each line, only ever added to.
//!
//! An `intent` is there before a chunk is sent, its `outcome` before the chunk is reported. Users of an intent whose outcome is
//! missing may exist or not: they are looked up before anything is sent again.

use std::{
    collections::{HashMap, HashSet},
    fs::{File, OpenOptions, TryLockError},
    io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{
    cli::SourceArguments,
    error::{Error, Result},
    known::{Key, Known, key},
    plan::{Before, marked},
    report::private,
    row::Verdict,
    service::Service,
    source::Fingerprint,
};

/// The form of the lines.
const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Entry {
    /// What the journal is of.
    Begin(Box<Begin>),
    /// These are about to be sent: the number of the record, and the login id.
    Intent { chunk: u32, users: Vec<(u64, String)> },
    /// This has become of them.
    Outcome { chunk: u32, created: Vec<Created>, failed: Vec<Failed> },
    /// Those who have failed so far are sent once more.
    Retry,
    /// From here on users are deleted.
    Undo,
    /// The users that an outcome says were created are deleted.
    Undone { chunk: u32 },
    /// All of them are.
    AllUndone,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Begin {
    format: u32,
    pub(crate) project_id: String,
    pub(crate) base_url: String,
    pub(crate) source: SourceArguments,
    pub(crate) files: Vec<Fingerprint>,
}

/// A user who was created: number, login id, user id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Created(pub(crate) u64, pub(crate) String, pub(crate) String);

/// A user who was not: number, login id, verdict, reason.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failed(pub(crate) u64, pub(crate) String, pub(crate) Verdict, pub(crate) String);

impl Begin {
    pub(crate) fn new(service: &Service, source: SourceArguments, files: Vec<Fingerprint>) -> Self {
        let descope = service.descope();
        let (project_id, base_url) = (descope.project_id().to_owned(), descope.base_url().to_owned());
        Self { format: FORMAT, project_id, base_url, source, files }
    }
}

/// A journal that this process alone writes to.
#[derive(Clone)]
pub(crate) struct Journal {
    path: Arc<PathBuf>,
    file: Arc<Mutex<File>>,
}

impl Journal {
    /// Begins a journal where there is none.
    pub(crate) fn create(path: &Path, begin: Begin) -> Result<Self> {
        if path.exists() {
            return Err(Error::journal(path, None, "exists already: `resume` goes on with it"));
        }
        let file = private(OpenOptions::new().read(true).append(true).create_new(true), path)?;
        let journal = Self::of(path, file)?;
        // The name of the file has to survive too.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        #[cfg(unix)]
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::file(folder))?;
        #[cfg(not(unix))]
        let _ = folder;
        journal.write(&Entry::Begin(Box::new(begin)))?;
        Ok(journal)
    }

    /// Opens a journal to go on with. What was cut short at its end was never told to anybody, and goes.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().read(true).append(true).open(path).map_err(Error::file(path))?;
        let journal = Self::of(path, file)?;
        let mut file = journal.file();
        let end = whole(&mut file).map_err(Error::file(path))?;
        if end < file.metadata().map_err(Error::file(path))?.len() {
            file.set_len(end).and_then(|()| file.sync_all()).map_err(Error::file(path))?;
        }
        drop(file);
        Ok(journal)
    }

    fn of(path: &Path, file: File) -> Result<Self> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::journal(path, None, "is in use by another process")),
            Err(TryLockError::Error(error)) => return Err(Error::file(path)(error)),
        }
        Ok(Self { path: Arc::new(path.to_owned()), file: Arc::new(Mutex::new(file)) })
    }

    fn file(&self) -> std::sync::MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, and returns when it is on disk.
    pub(crate) fn write(&self, entry: &Entry) -> Result<()> {
        let mut line = serde_json::to_vec(entry).map_err(|error| Error::file(&self.path)(error.into()))?;
        line.push(b'\n');
        let mut file = self.file();
        file.write_all(&line).and_then(|()| file.sync_data()).map_err(Error::file(&self.path))
    }

    /// The same without keeping other tasks waiting.
    pub(crate) async fn append(&self, entry: Entry) -> Result<()> {
        let journal = self.clone();
        match tokio::task::spawn_blocking(move || journal.write(&entry)).await {
            Ok(written) => written,
            Err(error) => Err(Error::file(&self.path)(std::io::Error::other(error))),
        }
    }

    /// Reads the lines one after the other.
    pub(crate) fn visit(&self, mut each: impl FnMut(Entry) -> Result<()>) -> Result<()> {
        let path = &*self.path;
        let mut reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(Error::file(path))?);
        let (mut text, mut line) = (Vec::new(), 0);
        loop {
            text.clear();
            reader.read_until(b'\n', &mut text).map_err(Error::file(path))?;
            line += 1;
            if text.last() != Some(&b'\n') {
                return Ok(());
            }
            match serde_json::from_slice(&text) {
                Ok(Entry::Begin(begin)) if begin.format != FORMAT => {
                    return Err(Error::journal(path, line, "is of another version of the program"));
                }
                Ok(entry) => each(entry)?,
                Err(_) => return Err(Error::journal(path, line, "is not a line of a journal")),
            }
        }
    }

    /// Everything that going on needs. `failed` is told of those who have failed for good.
    pub(crate) fn load(&self, mut failed: impl FnMut(Failed) -> Result<()>) -> Result<State> {
        let (mut retries, mut begin, mut undo, mut undone) = (0, None, false, HashSet::new());
        self.visit(|entry| {
            match entry {
                Entry::Begin(first) => begin = Some(*first),
                Entry::Retry => retries += 1,
                Entry::Undo => undo = true,
                Entry::Undone { chunk } => drop(undone.insert(chunk)),
                _ => {}
            }
            Ok(())
        })?;
        let begin = begin.ok_or_else(|| {
            Error::journal(&self.path, None, "has no beginning: nothing was sent, so remove it and apply")
        })?;
        let mut state = State {
            begin,
            undo,
            undone,
            settled: Known::new(),
            created: 0,
            failed: 0,
            unknown: HashMap::new(),
            next_chunk: 0,
        };
        self.visit(|entry| {
            match entry {
                Entry::Retry => retries -= 1,
                Entry::Intent { chunk, users } => {
                    state.next_chunk = state.next_chunk.max(chunk + 1);
                    for (_, login_id) in users {
                        state.unknown.insert(key(&login_id), login_id);
                    }
                }
                Entry::Outcome { chunk, created, failed: refused } => {
                    state.next_chunk = state.next_chunk.max(chunk + 1);
                    for Created(number, login_id, _) in created {
                        let key = key(&login_id);
                        state.unknown.remove(&key);
                        let new = state.settled.insert(&key, marked(number, Before::Created)).is_none();
                        state.created += u64::from(new);
                    }
                    for one in refused {
                        let key = key(&one.1);
                        state.unknown.remove(&key);
                        // Those who are sent once more have not been settled.
                        if retries == 0 && state.settled.insert(&key, marked(one.0, Before::Failed)).is_none() {
                            state.failed += 1;
                            failed(one)?;
                        }
                    }
                }
                Entry::Begin(_) | Entry::Undo | Entry::Undone { .. } | Entry::AllUndone => {}
            }
            Ok(())
        })?;
        Ok(state)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// What a journal says.
pub(crate) struct State {
    pub(crate) begin: Begin,
    /// Deleting has begun.
    pub(crate) undo: bool,
    /// The chunks whose users are deleted.
    pub(crate) undone: HashSet<u32>,
    /// The login ids of those who were created, or have failed.
    pub(crate) settled: Known,
    pub(crate) created: u64,
    pub(crate) failed: u64,
    /// The login ids of those who were sent, with no outcome.
    pub(crate) unknown: HashMap<Key, String>,
    pub(crate) next_chunk: u32,
}

impl State {
    /// Refuses to go on with another project than the one of the journal.
    pub(crate) fn require_project(&self, journal: &Journal, service: &Service) -> Result<()> {
        let descope = service.descope();
        let (id, url) = (&self.begin.project_id, &self.begin.base_url);
        if descope.project_id() != id || descope.base_url() != url {
            let reason = format!("is of the project {id} at {url}, and the environment leads elsewhere");
            return Err(Error::journal(journal.path(), 1, reason));
        }
        Ok(())
    }

    /// Refuses to go on with files that have changed.
    pub(crate) fn require_files(&self) -> Result<()> {
        let now = crate::source::fingerprints(&self.begin.source)?;
        match self.begin.files.iter().zip(&now).find(|(before, now)| before != now) {
            Some((_, changed)) => Err(Error::input(&changed.path, None, "has changed since the journal was begun")),
            None => Ok(()),
        }
    }
}

/// Where the last whole line ends.
fn whole(file: &mut File) -> std::io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut buffer = vec![0; 1 << 12];
    while end > 0 {
        let length = end.min(buffer.len() as u64);
        let part = &mut buffer[..usize::try_from(length).unwrap_or_default()];
        file.seek(SeekFrom::Start(end - length))?;
        file.read_exact(part)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(end - length + at as u64 + 1);
        }
        end -= length;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_short_is_as_if_it_had_never_been() {
        let mut file = tempfile::tempfile().unwrap();
        for (text, end) in [("", 0), ("one", 0), ("one\n", 4), ("one\ntw", 4), ("one\ntwo\n", 8)] {
            file.set_len(0).unwrap();
            file.rewind().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            assert_eq!(whole(&mut file).unwrap(), end, "{text:?}");
        }
        let long = format!("one\n{}", "x".repeat(20_000));
        file.set_len(0).unwrap();
        file.rewind().unwrap();
        file.write_all(long.as_bytes()).unwrap();
        assert_eq!(whole(&mut file).unwrap(), 4);
    }
}
