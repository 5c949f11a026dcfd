//! Moves users over from another system: a CSV file with their password hashes, of any length.
//!
//! ```sh
//! cargo run -p descope-sdk --example migrate_users                        # 10,000 made-up users, to a local Descope
//! cargo run -p descope-sdk --example migrate_users -- users.csv --dry-run # reads the file and sends nothing
//! cargo run -p descope-sdk --example migrate_users -- users.csv           # to the project of DESCOPE_PROJECT_ID
//! ```
//!
//! The file has the columns `login_id`, `email`, `name`, `bcrypt`, `created` (epoch seconds) and `plan`. How far it has come is
//! kept beside it, in `users.csv.progress`: killed at any moment, it continues where it was. Users whose answer got lost are
//! looked up before anything is sent again.

use std::{
    env,
    error::Error,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use descope_emulator::Emulator;
use descope_sdk::{
    Descope, ErrorKind, LoginId,
    management::{
        BatchItem,
        user::{ImportedPassword, ImportedPasswordHash, User, UserBatchCreateEntry},
    },
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// One line of the file.
#[derive(Deserialize)]
struct Row {
    login_id: String,
    email: String,
    name: String,
    bcrypt: String,
    created: i64,
    plan: String,
}

impl Row {
    fn entry(self) -> UserBatchCreateEntry {
        let hash = ImportedPassword::new().bcrypt(ImportedPasswordHash::new(self.bcrypt));
        UserBatchCreateEntry::new(self.login_id)
            .email(self.email)
            .verified_email(true)
            .name(self.name)
            .hashed_password(hash)
            .created_time(self.created)
            .custom_attributes([("plan", self.plan)])
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match migrate().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn migrate() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let dry_run = arguments.iter().any(|argument| argument == "--dry-run");
    let file = arguments.iter().find(|argument| !argument.starts_with("--")).map(PathBuf::from);

    // Without a file, this is a demonstration: made-up users, and a Descope inside of this process.
    let emulator = if file.is_none() { Some(Emulator::builder().start().await?) } else { None };
    let file = file.map_or_else(made_up, Ok)?;
    let count = read(&file)?.try_fold(0_u64, |count, row| row.map(|_| count + 1))?;
    if dry_run {
        println!("{count} users can be read from {}; nothing was sent.", file.display());
        return Ok(());
    }
    let descope = match &emulator {
        Some(emulator) => emulator.descope()?,
        None => Descope::from_env()?,
    };

    let mut progress = Progress::open(&file)?;
    let bar = ProgressBar::new(count);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos} of {len} users, {per_sec}, {eta} to go")?);
    bar.set_position(progress.done);

    // A row that cannot be read was told by the count above.
    let entries = read(&file)?.filter_map(Result::ok).map(Row::entry);
    let first = usize::try_from(progress.done)?;
    let mut batch = descope.management().users().create_many(entries, |call| call).chunk_size(100).start_at(first);
    let mut failed = 0;
    while let Some(item) = batch.next().await {
        if let Err(reason) = settle(&descope, item).await {
            failed += 1;
            bar.suspend(|| eprintln!("{reason}"));
        }
        progress.advance()?;
        bar.inc(1);
    }
    bar.finish();
    progress.close()?;
    println!("{} users moved, {failed} failed", count - failed);
    if emulator.is_some() {
        fs::remove_file(&file)?;
    }
    Ok(())
}

/// Makes sure of one user: created now, or there already from a run that was cut short.
async fn settle(descope: &Descope, item: BatchItem<UserBatchCreateEntry, User>) -> Outcome<()> {
    let unsettled = item.is_unsettled();
    let Err(error) = item.result else { return Ok(()) };
    let users = descope.management().users();
    let login_id = LoginId::new(item.input.login_id.clone());
    match users.load(&login_id).send().await {
        Ok(_) => Ok(()),
        // Nobody knew whether the chunk had arrived; it had not.
        Err(missing) if missing.kind() == ErrorKind::NotFound && unsettled => {
            match users.create_batch([item.input]).send().await?.failed_users.first() {
                None => Ok(()),
                Some(failure) => Err(format!("{login_id}: {}", failure.failure.as_deref().unwrap_or("refused")).into()),
            }
        }
        Err(_) => Err(format!("{login_id}: {error}").into()),
    }
}

/// How many users are settled, in a file that a killed process leaves behind.
struct Progress {
    path: PathBuf,
    file: fs::File,
    done: u64,
}

impl Progress {
    fn open(of: &Path) -> Outcome<Self> {
        let path = PathBuf::from(format!("{}.progress", of.display()));
        let file = fs::OpenOptions::new().create(true).append(true).open(&path)?;
        // One byte for each user: a write that is cut short cannot leave a wrong number behind.
        let done = file.metadata()?.len();
        Ok(Self { path, file, done })
    }

    fn advance(&mut self) -> Outcome<()> {
        self.done += 1;
        Ok(self.file.write_all(b".")?)
    }

    fn close(self) -> Outcome<()> {
        Ok(fs::remove_file(self.path)?)
    }
}

fn read(file: &Path) -> Outcome<impl Iterator<Item = csv::Result<Row>> + Send + use<>> {
    Ok(csv::Reader::from_path(file)?.into_deserialize())
}

/// A file of 10,000 people who do not exist.
fn made_up() -> Outcome<PathBuf> {
    let path = env::temp_dir().join(format!("users-{}.csv", std::process::id()));
    let mut file = csv::Writer::from_path(&path)?;
    file.write_record(["login_id", "email", "name", "bcrypt", "created", "plan"])?;
    for n in 0..10_000 {
        let address = format!("user{n}@example.com");
        let (name, hash) = (format!("User {n}"), format!("$2b$10$abcdefghijklmnopqrstuu{n:030}S"));
        let plan = if n % 10 == 0 { "gold" } else { "free" };
        file.write_record([&address, &address, &name, &hash, "1700000000", plan])?;
    }
    file.flush()?;
    Ok(path)
}
