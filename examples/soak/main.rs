//! A year in minutes: users sign in, refresh, log out, are impersonated and disabled, keys rotate every day, and a validator
//! that runs all the time is compared with what the emulator knows.
//!
//! ```sh
//! cargo build --release -p descope-emulator
//! DESCOPE_EMULATOR=target/release/descope-emulator cargo run --release -p descope-tests --example soak
//! ```
//!
//! `--days` and `--users` make it shorter. It ends with an error when a verdict was wrong, when keys were fetched more than
//! twice for a rotation, or when memory has grown by more than 5 % in the last two thirds of the year.

mod emulator;
mod people;

use std::time::Instant;

use self::{emulator::Process, people::People};

type Done<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Seconds of a day.
const DAY: u64 = 24 * 3600;
/// How often a day something happens, and how many seconds lie between.
const ROUNDS: u64 = 3;
const ROUND: u64 = 300;
/// By how much memory may grow, in percent.
const GROWTH: u64 = 5;
/// So many days have to be left to tell growth from warming up.
const WARM: u64 = 120;

#[tokio::main]
async fn main() -> Done {
    let (days, users) = (argument("--days", 365)?, argument("--users", 10_000)?);
    let began = Instant::now();
    let emulator = Process::start().await?;
    emulator.settings(serde_json::json!({"keyRotationSeconds": DAY})).await?;
    let mut people = People::settle(&emulator, usize::try_from(users)?).await?;
    println!("{users} users after {:?}", began.elapsed());

    let mut warm = None;
    for day in 1..=days {
        emulator.advance(DAY - ROUNDS * ROUND).await?;
        for _ in 0..ROUNDS {
            emulator.advance(ROUND).await?;
            people.round().await?;
        }
        if day == (days / 3).max(1) {
            warm = Some(resident()?);
        }
        if day % 73 == 0 {
            println!("day {day}: {people}, {} KiB resident", resident()?);
        }
    }

    let fetches = emulator.count("sessionKeys").await?;
    println!("{days} days after {:?}: {people}; keys were fetched {fetches} times", began.elapsed());
    people.verdict()?;
    if fetches > 2 * days + 2 {
        return Err(format!("keys were fetched {fetches} times in {days} rotations").into());
    }
    if let Some(warm) = warm.filter(|_| days >= 3 * WARM) {
        let now = resident()?;
        println!("memory: {warm} KiB after a third of the time, {now} KiB at the end");
        if now > warm + warm * GROWTH / 100 {
            return Err(format!("memory has grown from {warm} to {now} KiB").into());
        }
    }
    Ok(())
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

/// How much memory this process holds, in KiB; 0 where the system does not tell as Linux does.
fn resident() -> Done<u64> {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return Ok(0) };
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
