//! Creates the users, chunk by chunk, so that the program can be killed at any moment.
//!
//! What happens to a chunk: its login ids are looked up, and whoever is in the project already is a failure; the intent goes
//! to the journal; the chunk is sent; where the answer got lost, its users are looked up, and those who are missing are sent
//! again; the outcome goes to the journal; it is reported. Before the intent nobody of the chunk was there, so whoever is
//! there after it was created by it.

use std::collections::HashMap;

use descope_sdk::{ErrorKind, management::user::User};
use tokio::task::JoinSet;

use crate::{
    cli::{ApplyArguments, ReportArguments, ResumeArguments, SendingArguments},
    error::{Error, Result},
    journal::{Begin, Created, Entry, Failed, Journal, State},
    known::{Key, Known, key},
    plan::{Before, Judge},
    report::Reporter,
    row::{Place, Row, Verdict},
    service::Service,
    source,
};

/// Creates the users of a source.
pub(crate) async fn run(arguments: ApplyArguments) -> Result<bool> {
    let service = Service::connect(&arguments.service)?;
    let (source, files) = source::pinned(arguments.source)?;
    if arguments.journal.exists() {
        return Err(Error::journal(&arguments.journal, None, "exists already: `resume` goes on with it"));
    }
    // Before there is a journal, so that wrong credentials leave none behind.
    let facts = service.facts().await?;
    let begin = Begin::new(&service, source.clone(), files);
    let journal = Journal::create(&arguments.journal, begin)?;
    let judge = Judge::new(Known::new(), Some(facts), source.from);
    let reading = source::read(&source, arguments.service.timeout).await?;
    let reporter = Reporter::new("apply", &arguments.report, reading.total)?;
    let sender = Sender { service, journal };
    let run = Run { sender, judge, reading, reporter, unknown: HashMap::new(), next_chunk: 0 };
    run.carry_out(&arguments.sending).await
}

/// Goes on with a journal.
pub(crate) async fn resume(arguments: ResumeArguments) -> Result<bool> {
    let service = Service::connect(&arguments.service)?;
    let journal = Journal::open(&arguments.journal)?;
    // Nothing is added to a journal that is of something else.
    let checked = journal.load(|_| Ok(()))?;
    checked.require_project(&journal, &service)?;
    if checked.undo {
        return Err(Error::journal(journal.path(), None, "was undone, or is about to be: begin a new one"));
    }
    checked.require_files()?;
    drop(checked);
    if arguments.retry_failed {
        journal.append(Entry::Retry).await?;
    }
    let (mut reporter, state) = restore(&journal, &arguments.report)?;
    let facts = service.facts().await?;
    let State { begin, settled, created, failed, unknown, next_chunk, .. } = state;
    reporter.add(Verdict::Created, created);
    reporter.more.insert("createdBefore", created.into());
    reporter.more.insert("failedBefore", failed.into());
    let mut source = begin.source;
    source.signer = arguments.signer;
    let judge = Judge::new(settled, Some(facts), source.from);
    let reading = source::read(&source, arguments.service.timeout).await?;
    reporter.of(reading.total);
    let sender = Sender { service, journal };
    Run { sender, judge, reading, reporter, unknown, next_chunk }.carry_out(&arguments.sending).await
}

/// Reads a journal, and tells the reporter of those who have failed before.
fn restore(journal: &Journal, arguments: &ReportArguments) -> Result<(Reporter, State)> {
    let mut reporter = Reporter::new("resume", arguments, None)?;
    let state = journal.load(|Failed(number, login_id, verdict, reason)| {
        let place = Place { number, line: None, read: 0 };
        reporter.add(verdict, 1);
        reporter.failure(place, &login_id, verdict, "", &reason)
    })?;
    Ok((reporter, state))
}

/// A source on its way to the project.
struct Run {
    sender: Sender,
    judge: Judge,
    reading: source::Reading,
    reporter: Reporter,
    /// Users whom an earlier run may have created.
    unknown: HashMap<Key, String>,
    next_chunk: u32,
}

impl Run {
    async fn carry_out(mut self, sending: &SendingArguments) -> Result<bool> {
        let mut under_way = JoinSet::new();
        let mut chunk = Vec::new();
        let mut ended = Ok(());
        while let Some(next) = self.reading.next().await {
            let job = match next.and_then(|row| self.take(row)) {
                Ok(Some(job)) => job,
                Ok(None) => continue,
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            };
            chunk.push(job);
            if chunk.len() < usize::from(sending.chunk) {
                continue;
            }
            while under_way.len() >= usize::from(sending.concurrency) {
                ended = self.settled(under_way.join_next().await);
                if ended.is_err() {
                    break;
                }
            }
            if ended.is_err() {
                break;
            }
            self.send(&mut under_way, std::mem::take(&mut chunk));
        }
        if ended.is_ok() && !chunk.is_empty() {
            self.send(&mut under_way, chunk);
        }
        // Chunks that are under way end in any case: their outcome may still get into the journal.
        while let Some(outcome) = under_way.join_next().await {
            let settled = self.settled(Some(outcome));
            ended = ended.and(settled);
        }
        if ended.is_ok() {
            ended = self.left_over().await;
        }
        let good = self.reporter.all(Verdict::Created);
        self.reporter.finish(ended.is_ok())?;
        ended.map(|()| good)
    }

    /// Takes a row; one that is to be sent becomes a job.
    fn take(&mut self, mut row: Row) -> Result<Option<Job>> {
        self.reporter.read(&row);
        if self.judge.judge(&mut row) != Before::Nothing {
            return Ok(None);
        }
        if row.verdict() != Verdict::Ok {
            self.reporter.judged(&row)?;
            return Ok(None);
        }
        if row.password_left {
            self.reporter.password_left();
        }
        let doubtful = self.unknown.remove(&key(row.login_id())).is_some();
        Ok(Some(Job { row, doubtful }))
    }

    fn send(&mut self, under_way: &mut JoinSet<Result<Settled>>, jobs: Vec<Job>) {
        let (sender, number) = (self.sender.clone(), self.next_chunk);
        self.next_chunk += 1;
        under_way.spawn(async move { sender.settle(number, jobs).await });
    }

    /// Reports a chunk, which is in the journal by now.
    fn settled(&mut self, outcome: Option<std::result::Result<Result<Settled>, tokio::task::JoinError>>) -> Result<()> {
        let Some(outcome) = outcome else { return Ok(()) };
        let Settled { created, failed, .. } = match outcome {
            Ok(settled) => settled?,
            Err(error) => return Err(Error::file(self.sender.journal.path())(std::io::Error::other(error))),
        };
        for (place, Created(_, login_id, _)) in created {
            self.reporter.row(place, &login_id, Verdict::Created, "", "")?;
        }
        for (place, Failed(_, login_id, verdict, reason)) in failed {
            self.reporter.row(place, &login_id, verdict, "", &reason)?;
        }
        Ok(())
    }

    /// Users who were sent once and are not in the source any more, which another project can lose.
    async fn left_over(&mut self) -> Result<()> {
        if self.unknown.is_empty() {
            return Ok(());
        }
        let login_ids: Vec<String> = self.unknown.drain().map(|(_, login_id)| login_id).collect();
        let found = self.sender.service.find(&login_ids).await?;
        let created: Vec<Created> = login_ids
            .into_iter()
            .filter_map(|login_id| Some(Created(0, login_id.clone(), found.get(&login_id)?.user_id.clone()?)))
            .collect();
        self.reporter.add(Verdict::Created, created.len() as u64);
        self.sender.journal.append(Entry::Outcome { chunk: self.next_chunk, created, failed: Vec::new() }).await
    }
}

/// A row that is to be sent.
struct Job {
    row: Row,
    /// It was sent before, and nobody knows what became of it.
    doubtful: bool,
}

/// What became of a chunk.
#[derive(Default)]
struct Settled {
    created: Vec<(Place, Created)>,
    failed: Vec<(Place, Failed)>,
}

impl Settled {
    /// Notes that a row has become a user; one that has no id is looked up again by the caller.
    fn created(&mut self, row: &Row, user: &User) -> bool {
        let Some(id) = user.user_id.clone().filter(|id| !id.is_empty()) else { return false };
        self.created.push((row.place, Created(row.place.number, row.login_id().to_owned(), id)));
        true
    }

    fn failed(&mut self, row: &Row, verdict: Verdict, reason: impl Into<String>) {
        self.failed.push((row.place, Failed(row.place.number, row.login_id().to_owned(), verdict, reason.into())));
    }
}

#[derive(Clone)]
struct Sender {
    service: Service,
    journal: Journal,
}

impl Sender {
    /// Sees to a chunk until the journal says what became of each of its users.
    async fn settle(&self, chunk: u32, jobs: Vec<Job>) -> Result<Settled> {
        let mut settled = Settled::default();
        let login_ids: Vec<String> = jobs.iter().flat_map(|job| job.row.login_ids()).map(str::to_owned).collect();
        let found = self.service.find(&login_ids).await?;
        let mut waiting = Vec::new();
        for job in jobs {
            match found.get(job.row.login_id()) {
                Some(user) if job.doubtful && settled.created(&job.row, user) => {}
                None if job.row.login_ids().all(|login_id| found.get(login_id).is_none()) => waiting.push(job),
                _ => settled.failed(
                    &job.row,
                    Verdict::Exists,
                    "a user of the project has the login id, or a further one",
                ),
            }
        }
        if !waiting.is_empty() {
            let users = waiting.iter().map(|job| (job.row.place.number, job.row.login_id().to_owned())).collect();
            self.journal.append(Entry::Intent { chunk, users }).await?;
            self.send(waiting, &mut settled).await?;
        }
        let created = settled.created.iter().map(|(_, created)| created.clone()).collect();
        let failed = settled.failed.iter().map(|(_, failed)| failed.clone()).collect();
        self.journal.append(Entry::Outcome { chunk, created, failed }).await?;
        Ok(settled)
    }

    /// Sends users until it is known of each what became of them.
    async fn send(&self, jobs: Vec<Job>, settled: &mut Settled) -> Result<()> {
        let mut waiting = vec![(0, jobs)];
        while let Some((failures, jobs)) = waiting.pop() {
            let entries: Vec<_> = jobs.iter().map(|job| job.row.entry.clone()).collect();
            let size = entries.len();
            let mut batch =
                self.service.descope().management().users().create_many(entries, |call| call).chunk_size(size);
            let mut lost = Vec::new();
            let mut whole = None;
            let mut jobs = jobs.into_iter();
            while let Some(item) = batch.next().await {
                let Some(mut job) = jobs.next() else { break };
                let unsettled = item.is_unsettled();
                match item.result {
                    Ok(user) if settled.created(&job.row, &user) => {}
                    // A call that was refused as a whole has created nobody.
                    Err(error) if !unsettled && is_of_call(&error) => {
                        whole = Some(error);
                        lost.push(job);
                    }
                    // An earlier attempt may have arrived late, or behind the back of this one.
                    Err(error) if !unsettled && !job.doubtful => {
                        settled.failed(&job.row, Verdict::Refused, reason(&error));
                    }
                    Err(error) => {
                        job.doubtful |= unsettled;
                        whole = Some(error).filter(|_| unsettled).or(whole);
                        if !unsettled {
                            self.refused_in_doubt(job, settled).await?;
                            continue;
                        }
                        lost.push(job);
                    }
                    Ok(_) => {
                        job.doubtful = true;
                        lost.push(job);
                    }
                }
            }
            if lost.is_empty() {
                continue;
            }
            match whole {
                Some(error) if !is_lost(&error) && error.kind() != ErrorKind::RateLimited => {
                    split(error, lost, &mut waiting, settled)?;
                }
                whole => {
                    if let Some(error) = whole {
                        match Service::patience(&error, failures) {
                            Some(wait) => tokio::time::sleep(wait).await,
                            None => return Err(Error::service(error)),
                        }
                    }
                    let missing = self.look_up(lost, settled).await?;
                    if !missing.is_empty() {
                        waiting.push((failures + 1, missing));
                    }
                }
            }
        }
        Ok(())
    }

    /// Finds out who was created after all, and gives those who were not.
    async fn look_up(&self, jobs: Vec<Job>, settled: &mut Settled) -> Result<Vec<Job>> {
        let login_ids: Vec<String> = jobs.iter().map(|job| job.row.login_id().to_owned()).collect();
        let found = self.service.find(&login_ids).await?;
        let there = |job: &Job, settled: &mut Settled| {
            found.get(job.row.login_id()).is_some_and(|user| settled.created(&job.row, user))
        };
        let mut missing = Vec::new();
        for job in jobs {
            if !there(&job, settled) {
                missing.push(job);
            }
        }
        Ok(missing)
    }

    /// A user whom the service refuses now and may have created a moment ago.
    async fn refused_in_doubt(&self, job: Job, settled: &mut Settled) -> Result<()> {
        for job in self.look_up(vec![job], settled).await? {
            settled.failed(&job.row, Verdict::Refused, "the service refused the user, who was sent before");
        }
        Ok(())
    }
}

/// A call was refused as a whole: in halves, those who are not to blame get through.
fn split(
    error: descope_sdk::Error,
    mut jobs: Vec<Job>,
    waiting: &mut Vec<(u32, Vec<Job>)>,
    settled: &mut Settled,
) -> Result<()> {
    let hopeless = [ErrorKind::Unauthorized, ErrorKind::Forbidden, ErrorKind::Configuration, ErrorKind::Unsupported];
    let unwelcome = error.status().is_some_and(|status| matches!(status.as_u16(), 401 | 403));
    if unwelcome || hopeless.contains(&error.kind()) {
        return Err(Error::service(error));
    }
    if let [job] = jobs.as_slice() {
        settled.failed(&job.row, Verdict::Refused, reason(&error));
        return Ok(());
    }
    let rest = jobs.split_off(jobs.len() / 2);
    waiting.extend([(0, rest), (0, jobs)]);
    Ok(())
}

/// Whether an error is of the call, and not of one user in it.
fn is_of_call(error: &descope_sdk::Error) -> bool {
    error.status().is_some() || error.argument().is_some() || error.kind() != ErrorKind::Api
}

/// Whether nobody knows what a call has done.
fn is_lost(error: &descope_sdk::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Network | ErrorKind::Timeout | ErrorKind::Server | ErrorKind::Intercepted | ErrorKind::Decode
    )
}

/// What the service says of a user, in one line without anything that looks like a secret.
fn reason(error: &descope_sdk::Error) -> String {
    error.to_string()
}
