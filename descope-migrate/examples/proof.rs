//! A migration that is killed ten times: 1,000,000 people with every kind of hash go to an emulator with its rate limits on,
//! while one call of a hundred fails. Each is created once, none is lost, and no more than 64 MiB are resident.
//!
//! ```sh
//! cargo build --release -p descope-emulator -p descope-migrate --bins --example proof
//! target/release/examples/proof --users 100000
//! ```
//!
//! The emulator's clock goes faster than that of the computer, and `--limit-factor` of the migration says by how much, so that
//! a minute of the rate limits passes in two seconds. It needs about 4 kB for each user. `--kills` and `--undo` are there too.

#[path = "../tests/migrate/support/people.rs"]
#[allow(dead_code, reason = "a CSV file does not need all of it")]
mod people;

use std::{
    collections::HashSet,
    error::Error,
    fs,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use descope_sdk::{Descope, management::user::CustomAttribute};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

type Done<T = ()> = Result<T, Box<dyn Error>>;

const PASSWORD: &str = "Difference-Engine-2";
const CREATE: &str = "managementUserBatchCreate";
/// How much faster time goes at the emulator.
const FASTER: u64 = 30;
/// How many users go into a call.
const CHUNK: u64 = 100;
/// The most that may be resident, in KiB.
const MOST_RESIDENT: u64 = 64 * 1024;

#[tokio::main]
async fn main() -> Done {
    let (users, kills) = (argument("--users", 1_000_000)?, argument("--kills", 10)?);
    let folder = tempfile::tempdir()?;
    let began = Instant::now();
    write_people(&folder.path().join("users.csv"), users)?;
    println!("{users} people written after {:.1?}", began.elapsed());

    let world = World::start(folder.path())?;
    world.prepare().await?;
    world.accelerate();
    let (seconds, most) =
        world.to_the_end(&["plan", "--from", "csv", "users.csv", "--hash-config", "config.txt"]).await?;
    println!("plan: {seconds:.1?}, {most} KiB");
    within(most)?;

    world.inject_faults().await?;
    let began = Instant::now();
    let most = world.migrate(users, kills).await?;
    println!(
        "applied after {:.1?}, {kills} kills; {most} KiB; the emulator holds {} KiB",
        began.elapsed(),
        resident(world.emulator.id(), "VmRSS")
    );
    within(most)?;
    world.examine(users).await?;

    let (seconds, most) = world
        .to_the_end(&["verify", "--journal", "journal", "--passwords", "passwords.csv", "--report", "verify.json"])
        .await?;
    let verified: Value = serde_json::from_slice(&fs::read(folder.path().join("verify.json"))?)?;
    println!("verify: {seconds:.1?}, {most} KiB: {} signed in: {}", verified["verdicts"], verified["signedIn"]);
    within(most)?;
    if std::env::args().any(|argument| argument == "--undo") {
        let (seconds, most) = world.to_the_end(&["undo", "--journal", "journal", "--yes"]).await?;
        println!("undo: {seconds:.1?}, {most} KiB, {} users are left", world.count().await?);
        within(most)?;
        if world.count().await? != 0 {
            return Err("undo has left users".into());
        }
    }
    Ok(())
}

fn within(kib: u64) -> Done {
    if kib > MOST_RESIDENT { Err(format!("{kib} KiB were resident").into()) } else { Ok(()) }
}

/// The number that follows a name on the command line.
fn argument(name: &str, otherwise: u64) -> Done<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    match (arguments.next(), arguments.next()) {
        (Some(_), Some(number)) => Ok(number.parse()?),
        (Some(_), None) => Err(format!("{name} needs a number").into()),
        _ => Ok(otherwise),
    }
}

/// A line of `/proc/PID/status`, in KiB; 0 where the system does not tell as Linux does.
fn resident(process: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

fn write_people(path: &Path, users: u64) -> Done {
    let kinds = people::all_kinds(PASSWORD);
    fs::write(path.with_file_name("config.txt"), people::hash_config())?;
    let mut file = BufWriter::new(fs::File::create(path)?);
    let mut passwords = BufWriter::new(fs::File::create(path.with_file_name("passwords.csv"))?);
    writeln!(file, "{}", people::HEADER)?;
    writeln!(passwords, "login_id,password")?;
    for n in 0..usize::try_from(users)? {
        file.write_all(people::line(n, &kinds).as_bytes())?;
        // Some of each kind. Every fiftieth is disabled.
        if n > 0 && n < 8 * kinds.len() && n % 50 != 0 {
            writeln!(passwords, "user{n}@example.com,{PASSWORD}")?;
        }
    }
    Ok(())
}

struct World<'a> {
    emulator: Child,
    http: reqwest::Client,
    descope: Descope,
    variables: [(&'static str, String); 3],
    folder: &'a Path,
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
    }
}

/// A program that was built beside this one.
fn program(name: &str) -> Done<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).ok_or("no folder")?;
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if path.exists() { Ok(path) } else { Err(format!("build {name} first: {} is missing", path.display()).into()) }
}

impl<'a> World<'a> {
    fn start(folder: &'a Path) -> Done<Self> {
        let mut command = Command::new(program("descope-emulator")?);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DESCOPE_")) {
            command.env_remove(name);
        }
        let arguments = ["--port", "0", "--random-seed", "7"];
        let mut emulator = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        BufReader::new(emulator.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line)?;
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let variables = [
            ("DESCOPE_BASE_URL", text("baseUrl")),
            ("DESCOPE_PROJECT_ID", text("projectId")),
            ("DESCOPE_MANAGEMENT_KEY", text("managementKey")),
        ];
        let descope = Descope::builder(text("projectId")).base_url(text("baseUrl"));
        let descope = descope.management_key(text("managementKey").as_str()).build()?;
        Ok(Self { emulator, http: reqwest::Client::new(), descope, variables, folder })
    }

    /// What the people have has to be there, and the rate limits are switched on.
    async fn prepare(&self) -> Done {
        let management = self.descope.management();
        management.roles().create("Editor").send().await?;
        management.tenants().create("Acme").id("T1").send().await?;
        let attribute = |name: &str, kind| CustomAttribute::new().name(name).type_(kind);
        management.users().create_attributes([attribute("plan", 1), attribute("seat", 2)]).send().await?;
        // Creations and searches together, and room for what this program asks.
        self.tell("settings", json!({"callsPerMinute": 600})).await
    }

    /// Moves the emulator's clock on all the time.
    fn accelerate(&self) {
        let (http, url) = (self.http.clone(), self.at("clock"));
        tokio::spawn(async move {
            let (began, mut told) = (Instant::now(), 0);
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let seconds = began.elapsed().as_secs() * (FASTER - 1);
                if seconds > told {
                    let step = json!({"advanceSeconds": seconds - told});
                    if http.post(&url).json(&step).send().await.is_err() {
                        return;
                    }
                    told = seconds;
                }
            }
        });
    }

    /// One call of a hundred fails, half of them after they were carried out.
    async fn inject_faults(&self) -> Done {
        let each = 0.002;
        for fault in [
            json!({"status": 503, "probability": each}),
            json!({"status": 503, "probability": each, "afterHandling": true}),
            json!({"kind": "close", "probability": each, "afterHandling": true}),
            json!({"kind": "hang", "probability": each, "afterHandling": true}),
            json!({"status": 429, "errorCode": "E130429", "errorMessage": "slow down", "retryAfter": 1, "probability": each}),
        ] {
            let mut fault = fault;
            (fault["operation"], fault["always"]) = (json!(CREATE), json!(true));
            self.tell("faults", fault).await?;
        }
        let search = json!({"operation": "managementUserSearch", "status": 502, "probability": 0.01, "always": true});
        self.tell("faults", search).await
    }

    fn at(&self, path: &str) -> String {
        format!("{}/_emulator/{path}", self.variables[0].1)
    }

    async fn tell(&self, path: &str, what: Value) -> Done {
        self.http.post(self.at(path)).json(&what).send().await?.error_for_status()?;
        Ok(())
    }

    /// How often users were created.
    async fn calls(&self) -> Done<u64> {
        let url = self.at(&format!("requests/count?operation={CREATE}"));
        let said: Value = self.http.get(url).send().await?.error_for_status()?.json().await?;
        said["count"].as_u64().ok_or_else(|| format!("the count is {said}").into())
    }

    async fn count(&self) -> Done<u64> {
        Ok(self.descope.management().users().search().count().await?)
    }

    fn begin(&self, arguments: &[&str]) -> Done<Child> {
        let mut command = Command::new(program("descope-migrate")?);
        command.args(arguments).args(["--limit-factor", &FASTER.to_string(), "--timeout", "10"]);
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).current_dir(self.folder);
        Ok(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn()?)
    }

    /// Runs the program to its end, and tells how long it took and how much was resident.
    async fn to_the_end(&self, arguments: &[&str]) -> Done<(Duration, u64)> {
        let began = Instant::now();
        let mut child = self.begin(arguments)?;
        let mut most = 0;
        let status = loop {
            most = resident(child.id(), "VmHWM").max(most);
            if let Some(status) = child.try_wait()? {
                break status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        if status.success() {
            Ok((began.elapsed(), most))
        } else {
            Err(format!("{arguments:?} ended with {status}").into())
        }
    }

    /// Applies, with kills at random moments, and gives the most that was resident.
    async fn migrate(&self, users: u64, kills: u64) -> Done<u64> {
        let mut random = StdRng::seed_from_u64(2_026);
        let calls = users / CHUNK;
        let mut moments: Vec<u64> = (0..kills).map(|_| random.random_range(calls / 50..calls * 49 / 50)).collect();
        moments.sort_unstable();
        let apply: &[&str] =
            &["apply", "--from", "csv", "users.csv", "--hash-config", "config.txt", "--journal", "journal"];
        let resume: &[&str] = &["resume", "--journal", "journal"];
        let mut most = 0;
        let mut first = true;
        for moment in moments {
            let mut child = self.begin(if first { apply } else { resume })?;
            first = false;
            while self.calls().await? < moment {
                if child.try_wait()?.is_some() {
                    return Err("the program has ended before it could be killed".into());
                }
                most = resident(child.id(), "VmHWM").max(most);
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
            // Sometimes early, while it still reads its journal.
            tokio::time::sleep(Duration::from_millis(random.random_range(0..300))).await;
            most = resident(child.id(), "VmHWM").max(most);
            child.kill()?;
            child.wait()?;
            println!("killed after {} calls", self.calls().await?);
        }
        let last = [resume, &["--report", "report.json"]].concat();
        let ended = self.to_the_end(&last).await;
        if ended.is_err() {
            self.show_failures()?;
        }
        Ok(ended?.1.max(most))
    }

    /// Some of those who should not be there.
    fn show_failures(&self) -> Done {
        let lines = BufReader::new(fs::File::open(self.folder.join("journal"))?).lines();
        let mut left = 5;
        for (at, line) in lines.enumerate() {
            let line: Value = serde_json::from_str(&line?)?;
            let failed = line["outcome"]["failed"].as_array().filter(|failed| !failed.is_empty());
            let Some(failed) = failed.filter(|_| left > 0) else { continue };
            println!("line {}: {} have failed, {}", at + 1, failed.len(), failed[0]);
            left -= 1;
        }
        Ok(())
    }

    /// Compares report, journal and project: each was created once.
    async fn examine(&self, users: u64) -> Done {
        let report: Value = serde_json::from_slice(&fs::read(self.folder.join("report.json"))?)?;
        if report["verdicts"] != json!({"created": users}) || report["rows"] != json!(users) {
            return Err(format!("the report is {report}").into());
        }
        let journal = self.folder.join("journal");
        let (mut names, mut ids) = (HashSet::new(), HashSet::new());
        for line in BufReader::new(fs::File::open(&journal)?).lines() {
            let line: Value = serde_json::from_str(&line?)?;
            for created in line["outcome"]["created"].as_array().into_iter().flatten() {
                let text = |at: usize| created[at].as_str().unwrap_or_default().to_owned();
                if !names.insert(text(1)) || !ids.insert(text(2)) {
                    return Err(format!("{created} was created twice").into());
                }
            }
        }
        let there = self.count().await?;
        println!(
            "{} names and {} ids in a journal of {} KiB, {there} users in the project, {} calls to create them",
            names.len(),
            ids.len(),
            fs::metadata(&journal)?.len() / 1024,
            self.calls().await?
        );
        if [names.len() as u64, ids.len() as u64, there] == [users; 3] {
            Ok(())
        } else {
            Err("not each was created once".into())
        }
    }
}
