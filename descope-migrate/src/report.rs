//! What people are told: progress, the result as JSON, rows as CSV.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{BufWriter, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::{
    cli::ReportArguments,
    error::{Error, Result},
    row::{Place, Row, Verdict},
};

/// How often progress is told where no bar can be drawn.
const INTERVAL: Duration = Duration::from_secs(5);

/// A file that nobody else may read: it names people.
pub(crate) fn private(options: &mut OpenOptions, path: &Path) -> Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path).map_err(Error::file(path))
}

fn new_file(path: &Path) -> Result<File> {
    private(OpenOptions::new().write(true).create(true).truncate(true), path)
}

/// A text as a cell that no spreadsheet takes for a formula: an apostrophe goes before what begins like one. Phone numbers stay
/// as they are, because a number with its sign does nothing.
pub(crate) fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let number = text.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    if formula && !number { format!("'{text}") } else { text.to_owned() }
}

/// A CSV file of rows.
struct Table {
    path: PathBuf,
    writer: csv::Writer<BufWriter<File>>,
}

impl Table {
    fn new(path: &Path) -> Result<Self> {
        let mut table =
            Self { path: path.to_owned(), writer: csv::Writer::from_writer(BufWriter::new(new_file(path)?)) };
        table.line(["record", "line", "login_id", "verdict", "member", "reason"])?;
        Ok(table)
    }

    fn line<const N: usize>(&mut self, cells: [&str; N]) -> Result<()> {
        let written = self.writer.write_record(cells.map(cell));
        written.map_err(|error| Error::file(&self.path)(std::io::Error::other(error)))
    }

    fn row(&mut self, place: Place, login_id: &str, verdict: Verdict, member: &str, reason: &str) -> Result<()> {
        let number = if place.number == 0 { String::new() } else { place.number.to_string() };
        let line = place.line.map(|line| line.to_string()).unwrap_or_default();
        self.line([&number, &line, login_id, verdict.word(), member, reason])
    }

    fn finish(mut self) -> Result<()> {
        self.writer.flush().map_err(Error::file(&self.path))
    }
}

/// Counts rows and tells of them.
pub(crate) struct Reporter {
    command: &'static str,
    began: Instant,
    report: Option<PathBuf>,
    failures: Option<Table>,
    verdicts: Option<Table>,
    counts: BTreeMap<Verdict, u64>,
    rows: u64,
    without_password: u64,
    /// What else the result has.
    pub(crate) more: BTreeMap<&'static str, Value>,
    bar: ProgressBar,
    told: Instant,
}

impl Reporter {
    pub(crate) fn new(command: &'static str, arguments: &ReportArguments, total: Option<u64>) -> Result<Self> {
        // Without a terminal it draws nothing, and lines are written.
        let bar = ProgressBar::new(total.unwrap_or_default());
        if !std::io::stderr().is_terminal() {
            bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent}%  {msg}  {eta} to go") {
            bar.set_style(style);
        }
        Ok(Self {
            command,
            began: Instant::now(),
            report: arguments.report.clone(),
            failures: arguments.failures.as_deref().map(Table::new).transpose()?,
            verdicts: None,
            counts: BTreeMap::new(),
            rows: 0,
            without_password: 0,
            more: BTreeMap::new(),
            bar,
            told: Instant::now(),
        })
    }

    /// Writes the verdict of each row to a file too.
    pub(crate) fn with_verdicts(mut self, path: Option<&Path>) -> Result<Self> {
        self.verdicts = path.map(Table::new).transpose()?;
        Ok(self)
    }

    /// There is so much to read.
    pub(crate) fn of(&mut self, total: Option<u64>) {
        if let Some(total) = total {
            self.bar.set_length(total);
        }
    }

    /// A row was taken from the source.
    pub(crate) fn read(&mut self, row: &Row) {
        self.rows += u64::from(row.place.number > 0);
        self.position(row.place.read);
    }

    pub(crate) fn position(&mut self, position: u64) {
        self.bar.set_position(position);
        self.tell();
    }

    pub(crate) fn count(&self, verdict: Verdict) -> u64 {
        self.counts.get(&verdict).copied().unwrap_or_default()
    }

    /// Whether every row has the verdict.
    pub(crate) fn all(&self, verdict: Verdict) -> bool {
        self.counts.keys().all(|other| *other == verdict)
    }

    /// Counts rows without a word on each.
    pub(crate) fn add(&mut self, verdict: Verdict, rows: u64) {
        if rows > 0 {
            *self.counts.entry(verdict).or_default() += rows;
        }
    }

    pub(crate) fn password_left(&mut self) {
        self.without_password += 1;
    }

    /// A row has its verdict.
    pub(crate) fn row(
        &mut self,
        place: Place,
        login_id: &str,
        verdict: Verdict,
        member: &str,
        reason: &str,
    ) -> Result<()> {
        self.add(verdict, 1);
        if let Some(verdicts) = &mut self.verdicts {
            verdicts.row(place, login_id, verdict, member, reason)?;
        }
        if !matches!(verdict, Verdict::Ok | Verdict::Created) {
            self.failure(place, login_id, verdict, member, reason)?;
        }
        self.tell();
        Ok(())
    }

    /// Writes a failure that is counted already.
    pub(crate) fn failure(
        &mut self,
        place: Place,
        login_id: &str,
        verdict: Verdict,
        member: &str,
        reason: &str,
    ) -> Result<()> {
        match &mut self.failures {
            Some(failures) => failures.row(place, login_id, verdict, member, reason),
            None => Ok(()),
        }
    }

    /// A row that cannot be applied, with everything that is wrong with it.
    pub(crate) fn judged(&mut self, row: &Row) -> Result<()> {
        if row.verdict() == Verdict::Ok {
            let left = if row.password_left { "the password stays behind: the user needs a new one" } else { "" };
            return self.row(row.place, row.login_id(), Verdict::Ok, "", left);
        }
        let verdict = row.verdict();
        let members: Vec<&str> =
            row.problems.iter().map(|one| one.member.as_str()).filter(|one| !one.is_empty()).collect();
        let reasons: Vec<String> =
            row.problems
                .iter()
                .map(|one| {
                    if row.problems.len() > 1 { format!("{}: {}", one.member, one.reason) } else { one.reason.clone() }
                })
                .collect();
        self.row(row.place, row.login_id(), verdict, &members.join("; "), &reasons.join("; "))
    }

    fn words(&self) -> String {
        let rows = (self.rows > 0).then(|| format!("{} read", self.rows));
        let counts = self.counts.iter().map(|(verdict, count)| format!("{count} {}", verdict.word()));
        let words: Vec<String> = rows.into_iter().chain(counts).collect();
        if words.is_empty() { "nothing to do".to_owned() } else { words.join(", ") }
    }

    fn tell(&mut self) {
        if self.bar.is_hidden() {
            if self.told.elapsed() >= INTERVAL {
                self.told = Instant::now();
                let _ = writeln!(std::io::stderr(), "{}", self.words());
            }
        } else if self.told.elapsed() >= Duration::from_millis(100) {
            self.told = Instant::now();
            self.bar.set_message(self.words());
        }
    }

    /// Writes the result. `complete` is false where something ended the run before its end.
    pub(crate) fn finish(self, complete: bool) -> Result<()> {
        self.bar.finish_and_clear();
        let mut summary = self.words();
        if self.without_password > 0 {
            let left = self.without_password;
            summary = format!("{summary}; {left} have a password that stays behind and need a new one");
        }
        let incomplete = if complete { "" } else { "; not complete" };
        // Whoever listened may be gone.
        let _ = writeln!(std::io::stdout(), "{}: {summary}{incomplete}", self.command);
        for table in [self.failures, self.verdicts].into_iter().flatten() {
            table.finish()?;
        }
        let Some(path) = &self.report else { return Ok(()) };
        let counts: BTreeMap<&str, u64> = self.counts.iter().map(|(verdict, count)| (verdict.word(), *count)).collect();
        let mut report = json!({
            "command": self.command,
            "complete": complete,
            "rows": self.rows,
            "verdicts": counts,
            "withoutPassword": self.without_password,
            "seconds": self.began.elapsed().as_secs_f64(),
        });
        for (name, value) in self.more {
            report[name] = value;
        }
        let mut file = new_file(path)?;
        serde_json::to_writer_pretty(&mut file, &report).map_err(|error| Error::file(path)(error.into()))?;
        file.write_all(b"\n").map_err(Error::file(path))
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "+cmd|' /C calc'!A0"] {
            assert_eq!(cell(text), format!("'{text}"));
        }
        for text in ["", "ada@example.com", "+15551234567", "Ada = Lovelace", "'=1"] {
            assert_eq!(cell(text), text);
        }
    }
}
