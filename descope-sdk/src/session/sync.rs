//! What threads share, in one place: shuttle puts its own in its place, to try the orders in which threads can meet.

#[cfg(not(shuttle))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU32, AtomicUsize},
};

#[cfg(not(shuttle))]
pub(crate) use arc_swap::ArcSwapOption;
