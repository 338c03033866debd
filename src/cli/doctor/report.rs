//! Telling what was found.

use std::io::{self, Write};

use super::finding::{Check, Finding, Verdict};

/// One line a check, then what there is to say of each that found something.
pub(super) fn print(checks: &[Check], out: &mut dyn Write) -> io::Result<()> {
    for check in checks {
        let (word, says) = match &check.verdict {
            Verdict::Well { says } => ("well", says),
            Verdict::Skipped { says } => ("-", says),
            Verdict::Wrong(finding) => ("wrong", &finding.wrong),
        };
        writeln!(out, "{word:<6}{:<19}{says}", check.name)?;
    }
    checks.iter().filter_map(|check| Some((check, check.finding()?))).try_for_each(|(check, finding)| {
        writeln!(out)?;
        tell(&check.name, finding, out)
    })
}

/// What is wrong, why that matters, what would change it, and why it did not.
pub(super) fn tell(name: &str, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{name}: {}", finding.wrong)?;
    writeln!(out, "  why     {}", finding.why)?;
    writeln!(out, "  change  {}", finding.change)?;
    finding.refusal.iter().try_for_each(|refusal| writeln!(out, "  refused {refusal}"))
}
