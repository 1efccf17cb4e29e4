//! Migrations are compiled in; a changed folder must rebuild the crate.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
