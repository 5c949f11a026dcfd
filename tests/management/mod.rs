//! Every management area against the emulator: how it goes well, and every way in which it is refused.

mod batch;
mod change;
mod credential;
mod embedded_link;
mod everything;
mod fga;
mod key;
mod modify;
mod options;
mod paging;
mod processes;
mod test_user;
mod user;
