//! How a request comes in and how its answer goes out.

pub(crate) mod call;
mod cors;
pub(crate) mod credential;
pub(crate) mod dispatch;
mod hints;
mod inner;
pub(crate) mod listen;
mod pages;
pub(crate) mod reply;
pub(crate) mod router;
pub(crate) mod schema;
pub(crate) mod server;

pub(crate) use self::{
    call::{Call, Nothing, Table, Typed, op},
    credential::cookie,
    dispatch::App,
    pages::escape,
    reply::Reply,
};
