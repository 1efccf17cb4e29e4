//! Compiles the protos with protox, a protobuf compiler in Rust, so that building needs no `protoc`.

use std::{env, error::Error, fs, path::PathBuf};

const PROTOS: &[&str] = &[
    "gridcare/billing/v1/billing.proto",
    "gridcare/contact/v1/contact.proto",
    "gridcare/contact/v1/sms.proto",
    "gridcare/customer/v1/customer.proto",
    "gridcare/delivery/v1/delivery.proto",
    "gridcare/federation/v1/feed.proto",
    "gridcare/federation/v1/national.proto",
    "gridcare/federation/v1/national_notice.proto",
    "gridcare/federation/v1/national_outage.proto",
    "gridcare/federation/v1/notice.proto",
    "gridcare/federation/v1/outage.proto",
    "gridcare/metric/v1/metric.proto",
    "gridcare/notice/v1/notice.proto",
    "gridcare/notice/v1/notice_service.proto",
    "gridcare/outage/v1/outage.proto",
    "gridcare/outage/v1/reliability.proto",
    "gridcare/outage/v1/report_grouping.proto",
    "gridcare/outage/v1/supply_schedule.proto",
    "gridcare/privacy/v1/data_class.proto",
    "gridcare/standard/v1/standard.proto",
    "gridcare/report/v1/report.proto",
    "gridcare/ticket/v1/bulk_action.proto",
    "gridcare/ticket/v1/clock_explanation.proto",
    "gridcare/ticket/v1/notification.proto",
    "gridcare/ticket/v1/team.proto",
    "gridcare/ticket/v1/ticket.proto",
    "gridcare/ticket/v1/ticket_care.proto",
    "gridcare/ticket/v1/ticket_import.proto",
    "gridcare/ticket/v1/ticket_move.proto",
    "gridcare/ticket/v1/ticket_service.proto",
];

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script where it is by variables")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=gridcare");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_imports(true).include_source_info(true).open_files(PROTOS)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // Encoded by the compiler itself: prost's own types would drop the data classes, which are extensions.
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .codec_path("crate::codec::SmallCodec")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
