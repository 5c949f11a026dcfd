//! What tasks and threads share things by. The package `descope-sdk/shuttle` compiles this crate with stand-ins of shuttle,
//! which tries out in which order they may come.

#[cfg(not(shuttle))]
pub(crate) use self::real::*;
#[cfg(shuttle)]
pub(crate) use self::tried::*;

#[cfg(not(shuttle))]
mod real {
    pub(crate) use std::sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    };

    pub(crate) use arc_swap::ArcSwapOption;
    pub(crate) use tokio::{
        runtime::Handle,
        sync::watch,
        time::{Instant, sleep_until, timeout},
    };
}

#[cfg(shuttle)]
mod tried {
    use std::{ops::Deref, sync::Arc};

    pub(crate) use shuttle::sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    };
    pub(crate) use shuttle_tokio::{
        runtime::Handle,
        sync::watch,
        time::{Instant, sleep_until, timeout},
    };

    /// A pointer that is read and replaced in one step each, as that of arc-swap.
    pub(crate) struct ArcSwapOption<T>(Mutex<Option<Arc<T>>>);

    /// What the pointer pointed to when it was read.
    pub(crate) struct Loaded<T>(Option<Arc<T>>);

    impl<T> Deref for Loaded<T> {
        type Target = Option<Arc<T>>;

        fn deref(&self) -> &Self::Target {
            &self.0
        }
    }

    impl<T> ArcSwapOption<T> {
        pub(crate) fn new(to: Option<Arc<T>>) -> Self {
            Self(Mutex::new(to))
        }

        pub(crate) fn empty() -> Self {
            Self::new(None)
        }

        pub(crate) fn load(&self) -> Loaded<T> {
            Loaded(self.load_full())
        }

        pub(crate) fn load_full(&self) -> Option<Arc<T>> {
            self.0.lock().expect("nobody panics").clone()
        }

        pub(crate) fn store(&self, to: Option<Arc<T>>) {
            let former = std::mem::replace(&mut *self.0.lock().expect("nobody panics"), to);
            drop(former);
        }
    }
}
