//! Compiles `proto/` without needing a `protoc`: messages and services for
//! tonic, the protobuf JSON mapping for files and `--json`, and the descriptor
//! set for server reflection.

use std::error::Error;
use std::path::{Path, PathBuf};

use prost::Message;
use prost_types::FileDescriptorSet;

const PROTOS: [&str; 4] = [
    "lupa/v1/client.proto",
    "lupa/v1/declaration.proto",
    "lupa/v1/decision.proto",
    "lupa/v1/directory.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    generate_messages(&descriptors)?;
    generate_json(&descriptors)?;
    let path = PathBuf::from(std::env::var("OUT_DIR")?).join("lupa.v1.descriptors.bin");
    std::fs::write(path, descriptors.encode_to_vec())?;
    println!("cargo::rerun-if-changed=src/policy");
    println!("cargo::rustc-env=RULES_DIGEST={:016x}", digest(Path::new("src/policy"))?);
    Ok(())
}

/// A digest of the core's sources (FNV-1a), so that the catalogue's version
/// changes with any rule, and is the same wherever the same sources are built.
fn digest(folder: &Path) -> Result<u64, Box<dyn Error>> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for entry in entries.iter().filter(|entry| !entry.ends_with("tests.rs")) {
        let content =
            if entry.is_dir() { digest(entry)?.to_be_bytes().to_vec() } else { std::fs::read(entry)? };
        for byte in content {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    Ok(state)
}

/// Messages, clients and servers.
fn generate_messages(descriptors: &FileDescriptorSet) -> Result<(), Box<dyn Error>> {
    tonic_prost_build::configure()
        .compile_well_known_types(true)
        .extern_path(".google.protobuf", "::pbjson_types")
        .compile_fds(descriptors.clone())?;
    Ok(())
}

/// The protobuf JSON mapping, with the names of the .proto files.
fn generate_json(descriptors: &FileDescriptorSet) -> Result<(), Box<dyn Error>> {
    let mut json = pbjson_build::Builder::new();
    for file in &descriptors.file {
        json.register_file_descriptor(file.clone());
    }
    json.preserve_proto_field_names().build(&[".lupa"])?;
    Ok(())
}
