//! descope-sdk among other people's crates: tonic, and the layers of tower-http.

mod grpc;
mod layers;

#[path = "../../descope-sdk/tests/web/tower.rs"]
mod tower_app;
#[path = "../../descope-sdk/tests/web/mod.rs"]
mod web;
