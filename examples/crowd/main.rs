//! A thousand clients at once: they sign up, give a wrong code and the right one, refresh, ask who they are, log out; a back
//! end creates, finds and deletes users. What the emulator counts at the end has to be what they have done.
//!
//! ```sh
//! cargo build --release -p descope-emulator
//! DESCOPE_EMULATOR=target/release/descope-emulator cargo run --release -p descope-tests --example crowd
//! ```
//!
//! `--clients` says how many there are, and `--seconds` for how long they go on; `--rounds` instead has each do so many
//! rounds. It ends with an error when a call was refused that should not be, or answered that should be refused, or when the
//! sums differ.

#[path = "../soak/emulator.rs"]
mod emulator;
mod person;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Barrier, task::JoinSet};

use self::{
    emulator::Process,
    person::{Done, Person, Sums},
};

#[tokio::main]
async fn main() -> Done {
    let clients = argument("--clients")?.unwrap_or(1_000);
    let rounds = argument("--rounds")?;
    let lasting = Duration::from_secs(argument("--seconds")?.unwrap_or(60));
    let emulator = Arc::new(Process::start().await?);
    let descope = emulator.descope()?;
    let together = Arc::new(Barrier::new(usize::try_from(clients)?));
    let began = Instant::now();
    let mut crowd = JoinSet::new();
    for number in 0..clients {
        let (emulator, descope, together) = (Arc::clone(&emulator), descope.clone(), Arc::clone(&together));
        crowd.spawn(async move {
            let mut person = Person::new(number, emulator, &descope);
            together.wait().await;
            let mut round = 0;
            while rounds.map_or_else(|| began.elapsed() < lasting, |rounds| round < rounds) {
                person.round(round).await.map_err(|error| format!("client {number}, round {round}: {error}"))?;
                round += 1;
            }
            Ok::<_, String>(person.sums)
        });
    }
    let mut sums = Sums::default();
    let mut failed = Vec::new();
    while let Some(ended) = crowd.join_next().await {
        match ended? {
            Ok(of_one) => sums.add(&of_one),
            Err(why) => failed.push(why),
        }
    }
    let took = began.elapsed();
    println!("{clients} clients in {took:?}: {sums}");
    println!("{} calls a second, the slowest after {:?}", sums.calls() / took.as_secs().max(1), sums.slowest);
    for why in failed.iter().take(10) {
        eprintln!("{why}");
    }
    if !failed.is_empty() {
        return Err(format!("{} of {clients} clients met with an error", failed.len()).into());
    }
    sums.compare(&emulator, &descope).await?;
    if let Some(resident) = emulator.resident() {
        println!("the emulator holds {resident} KiB");
    }
    Ok(())
}

/// The number that follows a name on the command line.
fn argument(name: &str) -> Done<Option<u64>> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    match (arguments.next(), arguments.next()) {
        (Some(_), Some(number)) => Ok(Some(number.parse()?)),
        (Some(_), None) => Err(format!("{name} needs a number").into()),
        _ => Ok(None),
    }
}
