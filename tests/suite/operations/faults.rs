//! The planted faults still fit what they are planted in. `scripts/planted-faults`
//! and `scripts/planted-store-faults` plant them, and see that each is caught.

use std::path::Path;
use std::process::Command;

#[test]
fn every_planted_fault_can_be_planted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
    assert!(can_be_planted(&folder) >= 20);
    assert!(can_be_planted(&folder.join("store")) >= 6);
}

/// Looks at each fault of a folder, and tells how many there are.
fn can_be_planted(folder: &Path) -> usize {
    let paths = std::fs::read_dir(folder).expect("the faults").map(|entry| entry.expect("a fault").path());
    let patches: Vec<_> = paths.filter(|path| path.extension().is_some_and(|it| it == "patch")).collect();
    for patch in &patches {
        let checked = Command::new("git").args(["apply", "--check"]).arg(patch).output().expect("git");
        let said = String::from_utf8_lossy(&checked.stderr);
        let path = patch.display();
        assert!(checked.status.success(), "{path}: plant it anew in what the code is now: {said}");
    }
    patches.len()
}
