//! The program from the outside: files go in, users come out.

mod journal;
mod killed;
mod plan;
mod sources;
mod support;
mod verify;
