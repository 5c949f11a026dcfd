//! Stops the build when the generated code does not belong to the OpenAPI bundle that stands beside this crate.
//! A published crate has no bundle beside it, and nothing to compare.

use std::{fs, path::Path};

include!("digest.rs");

const GENERATED: &str = "src/generated/mod.rs";
const BUNDLE: &str = "../spec/bundle/descope.openapi.json";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=digest.rs");
    println!("cargo::rerun-if-changed={GENERATED}");
    if !Path::new(BUNDLE).exists() {
        return;
    }
    println!("cargo::rerun-if-changed={BUNDLE}");
    let generated = fs::read_to_string(GENERATED).unwrap_or_default();
    let recorded = generated.lines().find_map(|line| line.strip_prefix("// bundle digest: "));
    match fs::read(BUNDLE) {
        Ok(bytes) if recorded == Some(digest(&bytes).as_str()) => {}
        Ok(_) => println!(
            "cargo::error=src/generated does not belong to spec/bundle/descope.openapi.json: run `cargo xtask codegen`"
        ),
        Err(error) => println!("cargo::error={BUNDLE}: {error}"),
    }
}
