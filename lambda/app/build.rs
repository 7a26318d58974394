//! Links the deployed program without what it never uses. Must not make code.

#![expect(clippy::disallowed_methods, reason = "cargo tells a build script what is built by it")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    // Profiles for release end the program at a panic, which prints where. The table by which its
    // calls would be unwound does not compress, and is a fiftieth of the package.
    if std::env::var_os("CARGO_FEATURE_FUNCTION").is_some()
        && is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
    {
        println!("cargo::rustc-link-arg-bin=bootstrap=-Wl,--no-eh-frame-hdr");
    }
}
