//! The demo gives the answers of its stories.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::fixtures::patience::{PATIENT_SETTINGS, variable};

#[test]
fn demo_answers_match_the_stories() {
    let demo = Command::new(env!("CARGO_BIN_EXE_lupa"))
        .args(["demo", "--all", "--exit"])
        .env_clear()
        .env("LUPA_SERVER__LISTEN_ADDRESS", "127.0.0.1:0")
        .env("LUPA_LOG__LEVEL", "warn")
        .envs(PATIENT_SETTINGS.map(variable))
        .output()
        .unwrap();
    let printed = String::from_utf8(demo.stdout).unwrap();
    assert!(demo.status.success(), "{printed}\n{}", String::from_utf8_lossy(&demo.stderr));
    for reason in ["OWN_REGISTER", "UUSIMAA_INFORMED", "JOINT_SERVICE", "LOCAL_CONSENT", "INVALID_RECORD"] {
        // From the start of sharing across sectors the local consent gives way to the client's other one.
        let is_over = reason == "LOCAL_CONSENT" && !printed.contains(reason);
        assert!(printed.contains(reason) || is_over, "{reason} is not among the answers: {printed}");
    }
}

/// The printed commands work as a newcomer pastes them.
#[test]
fn the_commands_to_try_next_work() {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_lupa"))
        .arg("demo")
        .env_clear()
        .env("LUPA_SERVER__LISTEN_ADDRESS", "127.0.0.1:0")
        .env("LUPA_LOG__LEVEL", "warn")
        .envs(PATIENT_SETTINGS.map(variable))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The pipe stays open until the demo ends.
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    let tried: Vec<String> =
        lines.by_ref().filter(|line| line.starts_with(env!("CARGO_BIN_EXE_lupa"))).take(3).collect();
    let outcomes: Vec<_> = tried
        .iter()
        .map(|line| (line, Command::new("sh").args(["-c", line]).env_clear().output().unwrap()))
        .collect();
    demo.kill().unwrap();
    demo.wait().unwrap();
    assert_eq!(outcomes.len(), 3);
    for (line, outcome) in outcomes {
        assert!(outcome.status.success(), "{line}\n{}", String::from_utf8_lossy(&outcome.stderr));
    }
}
