//! The programs of the book are in `src/bin`. This library holds nothing but the texts whose code has to compile.

/// What coding agents read.
#[cfg(doctest)]
#[doc = include_str!("../../docs/skill/SKILL.md")]
struct Skill;

/// The first page of the book.
#[cfg(doctest)]
#[doc = include_str!("../../docs/src/index.md")]
struct FirstPage;
