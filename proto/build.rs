//! Compiles the protos with protox, a protobuf compiler in Rust, so that building needs no `protoc`.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

const PROTOS: &[&str] = &[
    "gridcare/contact/v1/contact.proto",
    "gridcare/federation/v1/feed.proto",
    "gridcare/federation/v1/national.proto",
    "gridcare/metric/v1/metric.proto",
    "gridcare/privacy/v1/data_class.proto",
    "gridcare/ticket/v1/ticket.proto",
];

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script where it is by variables")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=gridcare");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let files = protox::compile(PROTOS, [root])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), files.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(files)?;
    Ok(())
}
