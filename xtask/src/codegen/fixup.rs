//! The changes that are made to what progenitor reads and writes, each with a name, a reason and a count.
//!
//! progenitor and typify are pinned, and still one day they will write something else. A change that finds nothing to
//! do any more ends code generation, so that none of them stays after its reason is gone.

use std::collections::BTreeMap;

use crate::problem::Failure;

/// A change to the generator's input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fixup {
    name: &'static str,
    reason: &'static str,
}

impl Fixup {
    pub(super) const fn new(name: &'static str, reason: &'static str) -> Self {
        Self { name, reason }
    }
}

/// How often each change was made.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<Fixup, usize>);

impl Tally {
    /// Counts from zero for these, so that one that is never made is noticed.
    pub(super) fn expecting(fixups: &[Fixup]) -> Self {
        Self(fixups.iter().map(|fixup| (*fixup, 0)).collect())
    }

    pub(super) fn made(&mut self, fixup: Fixup) {
        self.made_times(fixup, 1);
    }

    pub(super) fn made_times(&mut self, fixup: Fixup, times: usize) {
        *self.0.entry(fixup).or_default() += times;
    }

    pub(super) fn add(&mut self, other: Self) {
        other.0.into_iter().for_each(|(fixup, times)| self.made_times(fixup, times));
    }

    /// A line for each change.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.iter().map(|(fixup, times)| format!("{:18} {times:>5}  {}", fixup.name, fixup.reason)).collect()
    }

    /// Refuses a change that found nothing to do.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self.0.iter().find(|(_, times)| **times == 0) {
            None => Ok(()),
            Some((Fixup { name, reason }, _)) => Err(Failure::Generator(format!(
                "the fix-up `{name}` found nothing to do ({reason}): the generator has changed. Look at what it writes \
                 now, and take the fix-up out of xtask/src/codegen or adapt it"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USED: Fixup = Fixup::new("used", "one reason");
    const DEAD: Fixup = Fixup::new("dead", "another reason");

    #[test]
    fn change_that_finds_nothing_to_do_ends_code_generation() {
        let mut tally = Tally::expecting(&[USED, DEAD]);
        tally.made(USED);
        let refused = tally.check().expect_err("one is dead").to_string();
        assert!(refused.contains("`dead` found nothing to do (another reason)"), "{refused}");

        let mut other = Tally::default();
        other.made_times(DEAD, 3);
        tally.add(other);
        tally.check().expect("both were made");
        assert_eq!(tally.lines(), ["dead                   3  another reason", "used                   1  one reason"]);
    }
}
