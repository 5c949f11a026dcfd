//! Files in which records are found without holding more than one of them.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::Path,
    rc::Rc,
};

use super::LONGEST;
use crate::{
    error::{Error, Result},
    row::Place,
};

/// A file with a record on each line.
pub(super) struct Lines {
    reader: BufReader<File>,
    line: u64,
    read: u64,
    text: Vec<u8>,
}

/// What a line holds.
pub(super) enum Line<'a> {
    Text(&'a [u8]),
    /// Longer than a record can be.
    TooLong,
}

impl Lines {
    /// Opens a file to read it from its beginning to its end.
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::with_capacity(path, 1 << 16)
    }

    /// Opens a file to read a line here and a line there.
    pub(super) fn open_for_places(path: &Path) -> Result<Self> {
        Self::with_capacity(path, 1 << 10)
    }

    fn with_capacity(path: &Path, bytes: usize) -> Result<Self> {
        let file = File::open(path).map_err(Error::file(path))?;
        Ok(Self { reader: BufReader::with_capacity(bytes, file), line: 0, read: 0, text: Vec::new() })
    }

    /// The next line that is not blank, with its number and where it begins in the file.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, u64, Line<'_>)>> {
        loop {
            self.text.clear();
            let begin = self.read;
            let length = self.reader.by_ref().take(LONGEST).read_until(b'\n', &mut self.text)?;
            if length == 0 {
                return Ok(None);
            }
            self.line += 1;
            self.read += length as u64;
            if length as u64 == LONGEST && self.text.last() != Some(&b'\n') {
                self.read += skip_line(&mut self.reader)?;
                return Ok(Some((self.line, begin, Line::TooLong)));
            }
            if self.line == 1 && self.text.starts_with(b"\xef\xbb\xbf") {
                self.text.drain(..3);
            }
            if !self.text.trim_ascii().is_empty() {
                return Ok(Some((self.line, begin, Line::Text(self.text.trim_ascii()))));
            }
        }
    }

    /// How far the file has been read, in bytes.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// The line that begins at a place.
    pub(super) fn at(&mut self, begin: u64) -> io::Result<&[u8]> {
        use std::io::Seek as _;
        self.reader.seek(io::SeekFrom::Start(begin))?;
        self.text.clear();
        self.reader.by_ref().take(LONGEST).read_until(b'\n', &mut self.text)?;
        Ok(self.text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.text).trim_ascii())
    }
}

/// Reads up to the end of a line and says how many bytes that were.
fn skip_line(reader: &mut BufReader<File>) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        skipped += length as u64;
        reader.consume(length);
        if end.is_some() || length == 0 {
            return Ok(skipped);
        }
    }
}

/// How far a reader has come in a file whose records are not its lines.
#[derive(Clone, Default)]
pub(super) struct Progress {
    read: Rc<Cell<u64>>,
    lines: Rc<Cell<u64>>,
    /// Where a record has to have ended.
    end: Rc<Cell<u64>>,
}

impl Progress {
    /// Where a record of so many line breaks is that was read just now.
    pub(super) fn place(&self, number: u64, breaks: u64) -> Place {
        Place { number, line: Some(self.lines.get() + 1 - breaks), read: self.read.get() }
    }

    /// A record begins. Something may have been read ahead.
    pub(super) fn begin(&self) {
        self.end.set(self.read.get() + LONGEST);
    }
}

/// A reader that counts, and that fails when a record does not end.
pub(super) struct Counted<R> {
    reader: R,
    progress: Progress,
}

impl<R: Read> Counted<R> {
    pub(super) fn new(reader: R, progress: &Progress) -> Self {
        progress.begin();
        Self { reader, progress: progress.clone() }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Progress { read, lines, end } = &self.progress;
        if read.get() >= end.get() {
            return Err(io::Error::other(format!("a record is longer than {LONGEST} bytes; a quote may be missing")));
        }
        let length = self.reader.read(buffer)?;
        read.set(read.get() + length as u64);
        let breaks = buffer[..length].iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        lines.set(lines.get() + breaks);
        Ok(length)
    }
}
