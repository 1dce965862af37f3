//! Compiles `proto/` without needing a `protoc`: messages and services for
//! tonic, the protobuf JSON mapping for files and `--json`, and the descriptor
//! set for server reflection.

#[path = "build/source_digest.rs"]
mod source_digest;

use std::error::Error;
use std::path::{Path, PathBuf};

use prost::Message;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use tonic_prost_build::manual;

const PROTOS: [&str; 7] = [
    "lupa/v1/client.proto",
    "lupa/v1/declaration.proto",
    "lupa/v1/decision.proto",
    "lupa/v1/directory.proto",
    "lupa/v1/errors.proto",
    "lupa/v1/history.proto",
    "lupa/admin/v1alpha/index.proto",
];

const DECISION_SERVICE: &str = "DecisionService";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    generate_messages(&descriptors)?;
    generate_decision_service(&descriptors, &out)?;
    generate_json(&descriptors)?;
    std::fs::write(out.join("lupa.v1.descriptors.bin"), descriptors.encode_to_vec())?;
    let [rules, store, index] = ["crates/policy/src", "src/store", "src/index"].map(source_digest::of_folder);
    let (rules, store, index) = (rules?, store?, index?);
    println!("cargo::rustc-env=RULES_DIGEST={rules:016x}");
    println!("cargo::rustc-env=INDEX_DIGEST={rules:016x}{store:016x}{index:016x}");
    Ok(())
}

/// Messages, clients and servers, but for the service of decisions.
fn generate_messages(descriptors: &FileDescriptorSet) -> Result<(), Box<dyn Error>> {
    let mut descriptors = descriptors.clone();
    for file in &mut descriptors.file {
        file.service.retain(|service| service.name() != DECISION_SERVICE);
    }
    tonic_prost_build::configure()
        .compile_well_known_types(true)
        .extern_path(".google.protobuf", "::pbjson_types")
        .compile_fds(descriptors)?;
    Ok(())
}

/// The service of decisions: a client of all its methods, and a server of all but
/// `Decide`, which is served without tonic (`server/requests/decide.rs`).
fn generate_decision_service(descriptors: &FileDescriptorSet, to: &Path) -> Result<(), Box<dyn Error>> {
    let services = descriptors.file.iter().flat_map(|file| &file.service);
    let methods: Vec<(&str, &MethodDescriptorProto)> = services
        .filter(|service| service.name() == DECISION_SERVICE)
        .flat_map(|service| &service.method)
        .map(|method| (method.name(), method))
        .collect();
    for (folder, is_server) in [("client", false), ("server", true)] {
        let mut service = manual::Service::builder().name(DECISION_SERVICE).package("lupa.v1");
        for (name, method) in methods.iter().filter(|(name, _)| !is_server || *name != "Decide") {
            service = service.method(
                manual::Method::builder()
                    .name(snake_case(name))
                    .route_name(name)
                    .input_type(message_path(method.input_type()))
                    .output_type(message_path(method.output_type()))
                    .codec_path("tonic_prost::ProstCodec")
                    .build(),
            );
        }
        let folder = to.join(folder);
        std::fs::create_dir_all(&folder)?;
        let builder = manual::Builder::new().build_client(!is_server).build_server(is_server);
        builder.out_dir(folder).compile(&[service.build()]);
    }
    Ok(())
}

/// `.lupa.v1.DecideRequest`, as the generated service sees it.
fn message_path(name: &str) -> String {
    format!("super::{}", name.rsplit('.').next().unwrap_or_default())
}

/// `ListRules` as `list_rules`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
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
