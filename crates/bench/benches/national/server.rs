//! A server with the demo directory and one client with a few declarations.

use std::path::{Path, PathBuf};

use lupa::cli::document::Document;
use lupa::wire::v1;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use lupa::wire::v1::directory_service_client::DirectoryServiceClient;
use tempfile::TempDir;

use crate::child::Server;
use crate::data;
use crate::questions;

/// A server and its temporary store.
pub(crate) struct Served {
    pub(crate) server: Server,
    pub(crate) store: PathBuf,
    _folder: TempDir,
}

/// Starts `lupa serve` on a new store with the demo directory and the client.
pub(crate) fn with_demo_directory() -> Served {
    with_demo_directory_and(&[])
}

/// The same with more settings and environment variables.
pub(crate) fn with_demo_directory_and(settings: &[(&str, &str)]) -> Served {
    std::fs::create_dir_all(data::folder()).expect("a folder under target");
    let folder = tempfile::tempdir_in(data::folder()).expect("a folder");
    let store = folder.path().join("store.sqlite");
    let server = Server::lupa(&store, settings);
    block_on(set_up(&server));
    Served { server, store, _folder: folder }
}

/// The demo directory.
pub(crate) fn demo_directory() -> v1::Directory {
    let document = Document::read(include_str!("../../../../deploy/demo/directory.yaml")).expect("YAML");
    document.parse().expect("a directory")
}

async fn set_up(server: &Server) {
    let channel = server.connect().await;
    let replace = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()), ..Default::default() };
    let mut directories = DirectoryServiceClient::new(channel.clone());
    directories.replace_directory(replace).await.expect("a directory");
    let mut declarations = DeclarationServiceClient::new(channel);
    for request in questions::declarations_of_the_client() {
        declarations.record_declaration(request).await.expect("recorded");
    }
}

/// Runs a part of the setup, which is not measured.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

/// Writes the answer of an empty service to a file.
pub(crate) fn answer_file(folder: &Path, answer: &[u8]) -> PathBuf {
    let path = folder.join(format!("answer-{}", answer.len()));
    std::fs::write(&path, answer).expect("a file");
    path
}
