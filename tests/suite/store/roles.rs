//! Least privilege on PostgreSQL: the SQL of docs/storage.md, executed as it stands there.

use std::path::Path;
use std::process::Command;

use lupa::store::{PostgresOptions, Store};

use super::fixture::*;
use crate::fixtures::postgres::{self, Cluster, postgres_options};
use crate::fixtures::process::{LUPA, settings};

/// The blocks of SQL of the section about roles.
fn blocks() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/storage.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once("\n### Roles\n").expect("the section");
    let (section, _) = section.split_once("\n### ").expect("the next section");
    let blocks = section.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.collect()
}

fn connect(url: &str, read_only: bool) -> Result<Store, String> {
    let postgres = PostgresOptions { read_only, ..postgres_options(url) };
    Store::connect(&postgres, options()).map_err(|error| lupa::store::with_causes(&error))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_run_with_a_role_that_owns_nothing() {
    let [before, after] = blocks().try_into().expect("two blocks");
    let cluster = Cluster::start(&[]);
    cluster.execute("CREATE DATABASE lupa");
    let (_, address) = cluster.database().split_once('@').map(|(_, rest)| ((), rest.to_owned())).unwrap();
    let (host, _) = address.rsplit_once('/').unwrap();
    let url = |role: &str| format!("postgres://{role}@{host}/lupa");
    let superuser = postgres::connect(&url("postgres")).await;
    superuser.batch_execute(&before).await.unwrap();
    // The writer may not create the tables, and says who may.
    let refused = connect(&url("lupa_writer"), false).expect_err("refused");
    assert!(refused.contains("run `lupa store migrate` as the role that owns the schema"), "{refused}");
    assert!(refused.contains("SQLSTATE 42501"), "{refused}");
    let mut command = Command::new(LUPA);
    settings(&mut command, Path::new("unused"));
    let migrated = command.args(["store", "migrate", &url("lupa_owner")]).output().unwrap();
    assert!(migrated.status.success(), "{migrated:?}");
    superuser.batch_execute(&after).await.unwrap();

    let store = connect(&url("lupa_writer"), false).unwrap();
    let declared = append(&store, declare(client(), "declared", denial())).await;
    let reading = connect(&url("lupa_reader"), true).unwrap();
    for store in [&store, &reading] {
        let (index, _follower) = start_index(store);
        reached(&index, store, declared.revision).await;
        assert_eq!(load(store).len(), 1);
    }
    // The owner is enough as the only role.
    append(&connect(&url("lupa_owner"), false).unwrap(), declare(client(), "owner", denial())).await;
    let writer = postgres::connect(&url("lupa_writer")).await;
    for refused in [
        "UPDATE lupa.meta SET id_tag = 0",
        "UPDATE lupa.change SET body = ''",
        "DELETE FROM lupa.change",
        "ALTER TABLE lupa.change DISABLE TRIGGER USER",
        "CREATE TABLE lupa.other ()",
    ] {
        let error = writer.batch_execute(refused).await.expect_err(refused);
        assert_eq!(error.code().unwrap().code(), "42501", "{refused}");
    }
}
