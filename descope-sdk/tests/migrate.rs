//! The example that moves users over: it says what it would do, and goes on after it was killed.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use descope_emulator::{Emulator, Fault};
use descope_sdk::LoginId;

const USERS: usize = 1_000;
const CREATE: &str = "managementUserBatchCreate";

/// A file of users, in a folder that goes away with it.
struct Users {
    folder: PathBuf,
    file: PathBuf,
}

impl Users {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("descope-migrate-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut text = "login_id,email,name,bcrypt,created,plan\n".to_owned();
        for n in 0..USERS {
            let _ = writeln!(
                text,
                "user{n}@example.com,user{n}@example.com,User {n},$2b$10$abcdefghijklmnopqrstuu{n:030}S,1700000000,free"
            );
        }
        let file = folder.join("users.csv");
        fs::write(&file, text).unwrap();
        Self { folder, file }
    }

    fn progress(&self) -> PathBuf {
        PathBuf::from(format!("{}.progress", self.file.display()))
    }
}

impl Drop for Users {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The example, which is built before the tests are.
fn example(emulator: &Emulator, file: &Path, further: &[&str]) -> Command {
    let mut program = std::env::current_exe().unwrap();
    program.pop();
    program.pop();
    program.push("examples");
    program.push(format!("migrate_users{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(program);
    command.arg(file).args(further);
    command.env("DESCOPE_PROJECT_ID", emulator.project_id()).env("DESCOPE_BASE_URL", emulator.base_url());
    command.env("DESCOPE_MANAGEMENT_KEY", emulator.management_key());
    assert!(Path::new(command.get_program()).exists(), "run `cargo build --example migrate_users`, or all tests");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn end(child: Child) -> Output {
    tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap()
}

fn calls(emulator: &Emulator) -> usize {
    emulator.requests().iter().filter(|request| request.operation.as_deref() == Some(CREATE)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_reads_everything_and_sends_nothing() {
    let emulator = Emulator::builder().start().await.unwrap();
    let users = Users::new("dry");
    let output = end(example(&emulator, &users.file, &["--dry-run"]).spawn().unwrap()).await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1000 users"), "{output:?}");
    assert_eq!(emulator.requests().len(), 0);
    assert!(!users.progress().exists());

    fs::write(&users.file, "login_id,email,name,bcrypt,created,plan\na,b,c,d,soon,free\n").unwrap();
    let output = end(example(&emulator, &users.file, &["--dry-run"]).spawn().unwrap()).await;
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("line: 2"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_it_moves_everybody_once() {
    let emulator = Emulator::builder().start().await.unwrap();
    let users = Users::new("killed");
    for round in 1..=3 {
        // The answer never comes, so the process is certainly in the middle when it is killed: once with the chunk carried
        // out and once without.
        let lost = if round % 2 == 0 { Fault::hang() } else { Fault::hang().after_handling() };
        let before = calls(&emulator);
        // The first call is refused and sent again, so that another one is under way by then.
        emulator.fail_next(CREATE, Fault::rate_limit(0));
        emulator.fail_next(CREATE, lost);
        let mut child = example(&emulator, &users.file, &[]).spawn().unwrap();
        while calls(&emulator) < before + 3 {
            assert!(child.try_wait().unwrap().is_none(), "it ended");
            tokio::task::yield_now().await;
        }
        child.kill().unwrap();
        end(child).await;
    }
    let output = end(example(&emulator, &users.file, &[]).spawn().unwrap()).await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1000 users moved, 0 failed"), "{output:?}");
    assert!(!users.progress().exists(), "the job is done");

    let all = emulator.descope().unwrap().management().users();
    for n in [0, 99, 100, 250, 500, USERS - 1] {
        let user = all.load(LoginId::new(format!("user{n}@example.com"))).send().await.unwrap();
        assert_eq!((user.password, user.created_time), (Some(true), Some(1_700_000_000)));
    }
    let failures = all.create_many(
        (0..USERS).map(|n| descope_sdk::management::user::UserBatchCreateEntry::new(format!("user{n}@example.com"))),
        |call| call,
    );
    assert_eq!(failures.failures().await.len(), USERS, "each of them is there already");
}
