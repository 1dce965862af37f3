//! The patches of the planted faults still apply. `scripts/planted-faults` and
//! `scripts/planted-system-faults` apply each of them and check that a test catches it.

use std::path::Path;
use std::process::Command;

#[test]
fn every_planted_fault_can_be_planted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
    assert!(can_be_planted(&folder) >= 20);
    assert!(can_be_planted(&folder.join("store")) >= 6);
    assert!(can_be_planted(&folder.join("limits")) >= 5);
    assert!(can_be_planted(&folder.join("work")) >= 6);
}

/// Checks each fault of a folder and returns their number.
fn can_be_planted(folder: &Path) -> usize {
    let paths = std::fs::read_dir(folder).expect("the faults").map(|entry| entry.expect("a fault").path());
    let patches: Vec<_> = paths.filter(|path| path.extension().is_some_and(|it| it == "patch")).collect();
    for patch in &patches {
        let checked = Command::new("git").args(["apply", "--check"]).arg(patch).output().expect("git");
        let output = String::from_utf8_lossy(&checked.stderr);
        let path = patch.display();
        assert!(checked.status.success(), "{path}: renew it against the current code: {output}");
    }
    patches.len()
}
