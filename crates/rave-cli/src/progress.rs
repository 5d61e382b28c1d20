//! How a build's progress is shown: a bar on a terminal, lines now and then elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use rave_core::{Log, LogLevel};
use rave_engine::Progress;

use crate::messages::tell;

/// Steps of the bar.
const STEPS: u64 = 1000;
/// How far lines are apart.
const INTERVAL: Duration = Duration::from_secs(1);

/// What is shown of one build, on standard error. Clones show the same.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// Draws nothing where there is no terminal.
    bar: ProgressBar,
    lines: bool,
    last: Instant,
}

impl Shown {
    // RV-CLI-1104
    pub(crate) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        // The template is one that indicatif knows: a test draws it.
        let style =
            ProgressStyle::with_template("{bar:30} {percent:>3} %  {elapsed} (ETA {left})  {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .with_key("left", time_left);
        let bar = ProgressBar::with_draw_target(Some(STEPS), target).with_style(style);
        Shown { bar, lines: !terminal, last: Instant::now() }
    }

    /// Begins anew, for another build.
    pub(crate) fn again(&mut self) {
        self.bar.reset();
        self.last = Instant::now();
    }

    /// The log whose messages go above the bar: warnings, and, if it is `verbose`, the rest.
    pub(crate) fn log(&self, verbose: bool) -> Log {
        let bar = self.bar.clone();
        let level = if verbose { LogLevel::Debug } else { LogLevel::Warning };
        Log::up_to(level, move |_, message| bar.suspend(|| tell(format_args!("rave: {message}"))))
    }

    /// A line that stays.
    pub(crate) fn say(&self, line: &str) {
        self.bar.suspend(|| tell(line));
    }

    // RV-CLI-1104
    pub(crate) fn report(&mut self, progress: &Progress<'_>) {
        self.bar.set_position((f64::from(progress.fraction) * STEPS as f64) as u64);
        self.bar.set_message(describe(progress));
        if self.lines && self.last.elapsed() >= INTERVAL {
            self.last = Instant::now();
            tell(format_args!("{:3.0} %, {}", 100.0 * progress.fraction, describe(progress)));
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// How long it will go on, once that can be guessed.
fn time_left(state: &ProgressState, text: &mut dyn std::fmt::Write) {
    // What cannot be written here is not shown; there is nobody to tell.
    _ = match state.pos() {
        0 => text.write_char('?'),
        _ => write!(text, "{}", HumanDuration(state.eta())),
    };
}

/// `41 layers, Timing graph nodes 3/17`.
fn describe(progress: &Progress<'_>) -> String {
    let Progress { layers, phases, .. } = progress;
    match phases.last() {
        _ if *layers == 0 => "reading the model".to_owned(),
        None => format!("{layers} layers"),
        Some(phase) => format!("{layers} layers, {} {}/{}", phase.name, phase.done, phase.steps),
    }
}

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, TermLike};
    use rave_engine::Phase;

    use super::*;

    /// RV-CLI-1104
    #[test]
    fn the_bar_tells_share_layers_and_what_is_left() {
        let terminal = InMemoryTerm::new(5, 120);
        let mut shown = Shown::new();
        shown.bar.set_draw_target(ProgressDrawTarget::term_like(Box::new(terminal.clone())));
        shown.lines = false;
        let phases = [
            Phase { name: "Building engine".into(), done: 1, steps: 4 },
            Phase { name: "Timing tactics".into(), done: 3, steps: 17 },
        ];
        shown.bar.force_draw();
        assert!(terminal.contents().contains("(ETA ?)"), "{}", terminal.contents());
        shown.report(&Progress { layers: 41, phases: &phases, fraction: 0.5 });
        shown.bar.force_draw();
        let text = terminal.contents();
        assert!(text.contains(" 50 %") && text.contains("ETA "), "{text}");
        assert!(text.contains("41 layers, Timing tactics 3/17"), "{text}");
        assert_eq!(terminal.width(), 120);
        shown.end();
        assert_eq!(terminal.contents(), "");
        shown.again();
        shown.bar.force_draw();
        assert!(terminal.contents().contains("  0 %"), "{}", terminal.contents());
    }
}
