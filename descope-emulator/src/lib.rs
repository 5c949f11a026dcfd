//! t
mod address; mod clock; mod error; mod keys; mod random;
pub use clock::Clock;
