//! Has the crate compiled with stand-ins whose order can be tried out.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(shuttle)");
    println!("cargo::rustc-cfg=shuttle");
    // Features of the other package, none of which is tried here.
    println!("cargo::rustc-check-cfg=cfg(feature, values(any()))");
}
