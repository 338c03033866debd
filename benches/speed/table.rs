//! The table that a run prints, line by line as figures come.
#![expect(clippy::print_stdout, reason = "the table is what the run is for")]

use std::time::Duration;

use super::load::Measured;

/// What a figure has to be.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    fn met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
        }
    }
}

/// The table of a run.
#[derive(Default)]
pub(crate) struct Table {
    missed: Vec<String>,
}

impl Table {
    /// A line for itself.
    pub(crate) fn note(&mut self, text: &str) {
        println!("{text}");
    }

    /// The head of a group of lines.
    pub(crate) fn head(&mut self, title: &str) {
        println!("\n{title:<46}{:>9}{:>9}{:>9}{:>9}{:>9}", "per s", "p50 ms", "p99 ms", "cpu µs", "ratio");
    }

    /// A line about a load; `of` is the rate it is compared with.
    pub(crate) fn load(&mut self, name: &str, measured: &Measured, of: Option<f64>) {
        let Measured { rate, latencies, cpu } = measured;
        let ratio = of.map_or_else(String::new, |of| format!("{:.2}", rate / of));
        println!(
            "  {name:<44}{rate:>9.0}{:>9.2}{:>9.2}{:>9.0}{ratio:>9}",
            millis(latencies.quantile(0.5)),
            millis(latencies.quantile(0.99)),
            cpu.as_secs_f64() * 1e6,
        );
    }

    /// A line with one figure.
    pub(crate) fn figure(&mut self, name: &str, figure: f64, unit: &str) {
        println!("  {name:<44}{figure:>9.2} {unit}");
    }

    /// Compares a figure with what it has to be.
    pub(crate) fn hold(&mut self, name: &str, figure: f64, target: Target) {
        let (sign, wanted) = match target {
            Target::AtLeast(least) => ("≥", least),
            Target::AtMost(most) => ("≤", most),
        };
        let verdict = if target.met(figure) { "met" } else { "MISSED" };
        println!("  → {name}: {figure:.2} {sign} {wanted}: {verdict}");
        if !target.met(figure) {
            self.missed.push(format!("{name} ({figure:.2}, wanted {sign} {wanted})"));
        }
    }

    /// The last line.
    pub(crate) fn close(self) {
        match self.missed.as_slice() {
            [] => println!("\nEvery target is met."),
            missed => println!("\nMissed: {}", missed.join("; ")),
        }
    }
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
