//! Whom the doctor asks before it changes something.

use std::process::Output;

use endo::cli::Exit;

use crate::support::shell::{Shell, ended, stderr, stdout};
use crate::support::terminal;

/// Types `answer` when asked; what the program then said and how it ended.
fn answered(shell: &Shell, answer: &str) -> Output {
    terminal::answered(shell.command(&["doctor", "--fix"]), answer)
}

#[test]
fn what_is_declined_stays_as_it_is() {
    let shell = Shell::with_key();
    for answer in ["n\n", "\n", "maybe\n"] {
        let output = answered(&shell, answer);
        assert!(ended(&output, Exit::Unwell), "{output:?}");
        assert!(stderr(&output).contains("left as it is") && !stderr(&output).contains("changed"));
        assert!(stdout(&output).contains("wrong options"), "{output:?}");
    }
}

#[test]
fn what_is_agreed_to_is_changed() {
    let shell = Shell::with_key();
    let output = answered(&shell, "y\n");
    assert!(ended(&output, Exit::Ok), "{output:?}");
    assert!(
        stderr(&output).contains("options: options of the service device lack name, callbackUrl\n  why ")
    );
    assert!(stdout(&output).contains("well  options"), "{output:?}");
}

#[test]
fn nobody_is_asked_where_there_is_no_terminal() {
    let shell = Shell::with_key();
    let output = shell.run_with(&["doctor", "--fix"], "y\n");
    assert!(ended(&output, Exit::Failure), "{output:?}");
    assert!(stderr(&output).ends_with("`endo doctor --fix --yes` does not ask\n"), "{output:?}");
    assert!(ended(&shell.run(&["doctor"]), Exit::Unwell));
}

#[test]
fn consent_to_nothing_is_a_usage_error() {
    assert!(ended(&Shell::with_key().run(&["doctor", "--yes"]), Exit::Usage));
}
