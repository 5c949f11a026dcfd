//! Deletes the users whom a journal has created, and nobody else. Killed, it is run again.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use crate::{
    cli::UndoArguments,
    error::{Error, Result},
    journal::{Created, Entry, Journal, State},
    report::Reporter,
    row::Verdict,
    service::Service,
};

/// How many users are deleted by one call.
const CHUNK: usize = 100;

pub(crate) async fn run(arguments: UndoArguments) -> Result<bool> {
    let service = Service::connect(&arguments.service)?;
    let journal = Journal::open(&arguments.journal)?;
    let state = journal.load(|_| Ok(()))?;
    state.require_project(&journal, &service)?;
    let unknown = state.unknown.len();
    if !arguments.yes && !agreed(&service, state.created, unknown)? {
        let _ = writeln!(std::io::stdout(), "undo: nothing was deleted");
        return Ok(false);
    }
    // From here on nobody is created by this journal.
    if !state.undo {
        journal.append(Entry::Undo).await?;
    }
    let State { undone, created, unknown, next_chunk, .. } = state;
    let unknown: Vec<String> = unknown.into_values().collect();
    find_unknown(&service, &journal, next_chunk, unknown).await?;
    let mut reporter = Reporter::new("undo", &arguments.report, Some(created))?;
    let mut deleted = 0_u64;
    // One chunk is held at a time: the reader waits while it is deleted.
    let (sender, mut outcomes) = tokio::sync::mpsc::channel(4);
    let reader = journal.clone();
    let reading = tokio::task::spawn_blocking(move || {
        reader.visit(|entry| {
            if let Entry::Outcome { chunk, created, .. } = entry
                && !created.is_empty()
                && !undone.contains(&chunk)
                && sender.blocking_send((chunk, created)).is_err()
            {
                return Err(Error::journal(reader.path(), None, "is not read to its end"));
            }
            Ok(())
        })
    });
    let mut ended = Ok(());
    while let Some((chunk, users)) = outcomes.recv().await {
        ended = delete(&service, &users).await;
        if ended.is_ok() {
            ended = journal.append(Entry::Undone { chunk }).await;
        }
        if ended.is_err() {
            break;
        }
        deleted += users.len() as u64;
        reporter.add(Verdict::Deleted, users.len() as u64);
        reporter.position(deleted);
    }
    drop(outcomes);
    let read = match reading.await {
        Ok(read) => read,
        Err(error) => Err(Error::file(journal.path())(std::io::Error::other(error))),
    };
    ended = ended.and(read);
    if ended.is_ok() {
        journal.append(Entry::AllUndone).await?;
    }
    reporter.more.insert("deleted", deleted.into());
    reporter.finish(ended.is_ok())?;
    ended.map(|()| true)
}

/// Asks whoever sits there.
fn agreed(service: &Service, created: u64, unknown: usize) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::option("yes", "is needed where nobody can be asked"));
    }
    let project = service.descope().project_id();
    let unknown = match unknown {
        0 => String::new(),
        unknown => format!(", and as many of {unknown} as were created when the run was killed"),
    };
    let mut stdout = std::io::stdout();
    let asked = write!(
        stdout,
        "{created} users of the project {project} will be deleted for good{unknown}. Type yes to go on: "
    );
    let _ = asked.and_then(|()| stdout.flush());
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    Ok(read.is_ok() && answer.trim() == "yes")
}

/// Writes down who of those was created of whom nobody knows it.
async fn find_unknown(service: &Service, journal: &Journal, chunk: u32, login_ids: Vec<String>) -> Result<()> {
    if login_ids.is_empty() {
        return Ok(());
    }
    let found = service.find(&login_ids).await?;
    let created: Vec<Created> = login_ids
        .iter()
        .filter_map(|login_id| Some(Created(0, login_id.clone(), found.get(login_id)?.user_id.clone()?)))
        .collect();
    if created.is_empty() {
        return Ok(());
    }
    journal.append(Entry::Outcome { chunk, created, failed: Vec::new() }).await
}

async fn delete(service: &Service, users: &[Created]) -> Result<()> {
    for some in users.chunks(CHUNK) {
        let ids = || some.iter().map(|Created(_, _, id)| descope_sdk::UserId::new(id.as_str()));
        Service::persist(|| service.descope().management().users().delete_batch(ids()).send()).await?;
    }
    Ok(())
}
