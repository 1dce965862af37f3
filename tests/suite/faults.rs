//! The planted faults still fit what they are planted in. `scripts/planted-faults`
//! plants them, and sees that each is caught.

use std::path::Path;
use std::process::Command;

#[test]
fn every_planted_fault_can_be_planted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
    let mut count = 0;
    for patch in std::fs::read_dir(folder).expect("the faults") {
        let patch = patch.expect("a fault").path();
        let checked = Command::new("git").args(["apply", "--check"]).arg(&patch).output().expect("git");
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(
            checked.status.success(),
            "{}: plant it anew in what the code is now: {said}",
            patch.display()
        );
        count += 1;
    }
    assert!(count >= 20, "{count} faults");
}
