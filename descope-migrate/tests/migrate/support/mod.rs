//! The program, run against an emulator in this process.

#![allow(dead_code, reason = "not every test needs all of it")]

pub(crate) mod people;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use descope_emulator::Emulator;
use descope_sdk::{
    Descope, LoginId,
    management::user::{CustomAttribute, User},
};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "Difference-Engine-2";
/// The kinds of custom attributes, as numbers.
const TEXT: i64 = 1;
const NUMBER: i64 = 2;

/// What a run has said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// An emulator with a role, a tenant and attributes, and a folder for files.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) descope: Descope,
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let emulator = Emulator::builder().random_seed(7).start().await.unwrap();
        let descope = emulator.descope().unwrap();
        let management = descope.management();
        management.roles().create("Editor").send().await.unwrap();
        management.tenants().create("Acme").id("T1").send().await.unwrap();
        let attribute = |name: &str, kind| CustomAttribute::new().name(name).type_(kind);
        let attributes = [attribute("plan", TEXT), attribute("seat", NUMBER)];
        management.users().create_attributes(attributes).send().await.unwrap();
        Self { emulator, descope, folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// The program, in the folder, with the credentials of the emulator.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_descope-migrate"));
        command.args(arguments).current_dir(self.folder.path());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DESCOPE_")) {
            command.env_remove(name);
        }
        command.env("DESCOPE_PROJECT_ID", self.emulator.project_id());
        command.env("DESCOPE_MANAGEMENT_KEY", self.emulator.management_key());
        command.env("DESCOPE_BASE_URL", self.emulator.base_url());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Said {
        end(self.command(arguments).spawn().unwrap()).await
    }

    pub(crate) async fn user(&self, login_id: &str) -> User {
        self.descope.management().users().load(LoginId::new(login_id)).send().await.unwrap()
    }

    pub(crate) async fn count(&self) -> u64 {
        self.descope.management().users().search().count().await.unwrap()
    }

    pub(crate) async fn signs_in(&self, login_id: &str, password: &str) -> bool {
        self.descope.password().sign_in(login_id, password).send().await.is_ok()
    }

    pub(crate) fn calls(&self, operation: &str) -> u64 {
        self.emulator.calls(operation)
    }
}

pub(crate) async fn end(child: Child) -> Said {
    let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A CSV file of so many people, with every kind of hash that says everything by itself.
pub(crate) fn write_people(path: &Path, count: usize) {
    write_people_of(&people::kinds(PASSWORD), path, count);
}

/// A CSV file of so many people whose hashes are of these kinds.
pub(crate) fn write_people_of(kinds: &[[String; 5]], path: &Path, count: usize) {
    use std::io::Write as _;
    let mut file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    writeln!(file, "{}", people::HEADER).unwrap();
    for n in 0..count {
        file.write_all(people::line(n, kinds).as_bytes()).unwrap();
    }
    file.flush().unwrap();
}
