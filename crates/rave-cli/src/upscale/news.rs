//! What is told of a run while it lasts: a bar on a terminal, lines elsewhere, JSON where that is asked for.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rave_core::{Error, Log, LogLevel};
use rave_pipeline::{Facts, Progress, Summary};
use serde_json::{Value, json};

use crate::messages::tell;

/// How often the bar moves, and JSON is written.
pub(super) const OFTEN: Duration = Duration::from_millis(200);
/// How far lines are apart.
const SELDOM: Duration = Duration::from_secs(5);

/// Where news of one run goes. Clones go to the same place.
#[derive(Clone, Debug)]
pub(super) struct News {
    bar: ProgressBar,
    json: bool,
    /// Lines on standard error in place of a bar.
    lines: bool,
    last: Instant,
}

impl News {
    pub(super) fn new(json: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let shown = terminal && !json;
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        News { bar, json, lines: !terminal && !json, last: Instant::now() }
    }

    /// The log whose messages go above the bar.
    pub(super) fn log(&self, verbose: bool) -> Log {
        let bar = self.bar.clone();
        let level = if verbose { LogLevel::Verbose } else { LogLevel::Info };
        Log::up_to(level, move |_, message| bar.suspend(|| tell(format_args!("rave: {message}"))))
    }

    /// The run has begun.
    // RV-CLI-1704
    pub(super) fn begun(&self, input: &str, output: &str, facts: &Facts) {
        self.write(|| {
            json!({
                "event": "start", "input": input, "output": output, "model": facts.model, "encoder": facts.encoder,
                "input_size": [facts.input_size.width, facts.input_size.height],
                "output_size": [facts.output_size.width, facts.output_size.height],
                "total": facts.total, "resumed": facts.resumed,
            })
        });
        // The templates are ones that indicatif knows: a test draws them.
        let (template, known) = match facts.total {
            Some(total) => {
                self.bar.set_length(total);
                ("{bar:30} {percent:>3} %  {pos}/{len}  {wide_msg}", true)
            }
            None => ("{pos} pictures  {wide_msg}", false),
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar.set_style(style);
        if self.lines || !known {
            self.bar.suspend(|| {
                tell(format_args!("{} -> {}: {}", facts.input_size, facts.output_size, facts.model))
            });
        }
        if facts.resumed > 0 && !self.json {
            self.bar.suspend(|| tell(format_args!("going on after {} pictures", facts.resumed)));
        }
        self.bar.set_position(facts.resumed);
    }

    /// It is so far.
    // RV-CLI-1703, RV-CLI-1704
    pub(super) fn progress(&mut self, progress: &Progress) {
        let left = progress.time_left();
        self.write(|| {
            json!({
                "event": "progress", "frames": progress.frames, "total": progress.total,
                "frames_per_second": rounded(progress.metrics.frames_per_second),
                "seconds_left": left.map(|left| rounded(left.as_secs_f64())),
            })
        });
        let message = describe(progress);
        if self.lines && self.last.elapsed() >= SELDOM {
            self.last = Instant::now();
            let total = progress.total.map_or_else(|| "?".to_owned(), |total| total.to_string());
            tell(format_args!("{}/{total}, {message}", progress.frames));
        }
        self.bar.set_position(progress.frames);
        self.bar.set_message(message);
    }

    /// It is done. Returns what to print.
    // RV-CLI-1704
    pub(super) fn done(&self, output: &str, summary: &Summary) -> String {
        self.end();
        let seconds = summary.metrics.elapsed.as_secs_f64();
        let rate = summary.metrics.frames_per_second;
        if self.json {
            self.write(|| {
                json!({
                    "event": "done", "frames": summary.frames, "resumed": summary.facts.resumed,
                    "repeats": summary.repeats, "lost": summary.lost, "concealed": summary.damage.concealed,
                    "dropped": summary.damage.dropped, "corrupt_packets": summary.corrupt_packets,
                    "cut_short": summary.cut_short, "seconds": rounded(seconds), "frames_per_second": rounded(rate),
                })
            });
            return String::new();
        }
        let mut text = format!(
            "{output}: {} pictures of {} in {seconds:.1} s ({rate:.2} a second)",
            summary.frames, summary.facts.output_size
        );
        if summary.repeats > 0 {
            text += &format!(", {} of them repeats", summary.repeats);
        }
        if summary.lost > 0 {
            text += &format!(", and {} left out, for which the model has no result", summary.lost);
        }
        let lost = summary.damage.concealed + summary.damage.dropped + summary.corrupt_packets;
        if lost > 0 || summary.cut_short {
            text += &format!("; the input is damaged: {lost} pictures or packets");
        }
        text + "\n"
    }

    /// The engine of `model` is there, and only that was wanted. Returns what to print.
    // RV-CLI-1704, RV-CLI-1708
    pub(super) fn only_built(&self, model: &str) -> String {
        self.end();
        self.write(|| json!({ "event": "built", "model": model }));
        if self.json { String::new() } else { format!("{model}: its engine is in the cache\n") }
    }

    /// It failed.
    // RV-CLI-1704
    pub(super) fn failed(&self, error: &Error) {
        self.end();
        self.write(
            || json!({ "event": "error", "status": error.status().token(), "message": error.to_string() }),
        );
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn write(&self, event: impl FnOnce() -> Value) {
        if self.json {
            // A reader that has gone has seen enough: the output is what counts.
            _ = writeln!(std::io::stdout(), "{}", event());
        }
    }
}

/// `2.16 a second, ETA 3 minutes`.
fn describe(progress: &Progress) -> String {
    let rate = format!("{:.2} a second", progress.metrics.frames_per_second);
    match progress.time_left() {
        Some(left) => format!("{rate}  ETA {}", HumanDuration(left)),
        None => rate,
    }
}

/// To a thousandth.
fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;
    use rave_core::Size;
    use rave_pipeline::Metrics;

    use super::*;

    /// RV-CLI-1703
    #[test]
    fn the_bar_tells_share_count_rate_and_what_is_left() {
        let terminal = InMemoryTerm::new(5, 120);
        let mut news = News::new(false);
        news.bar.set_draw_target(ProgressDrawTarget::term_like(Box::new(terminal.clone())));
        news.lines = false;
        let facts = Facts {
            input_size: Size::new(320, 180),
            output_size: Size::new(640, 360),
            encoder: None,
            model: "x".into(),
            total: Some(200),
            resumed: 0,
        };
        news.begun("in.mp4", "out.mp4", &facts);
        let metrics = Metrics {
            elapsed: Duration::from_secs(20),
            frames: 50,
            frames_per_second: 2.5,
            stages: vec![],
            queues: vec![],
            device: None,
            allocations: None,
        };
        news.progress(&Progress { frames: 50, total: Some(200), metrics });
        news.bar.force_draw();
        let text = terminal.contents();
        assert!(text.contains(" 25 %") && text.contains("50/200"), "{text}");
        assert!(text.contains("2.50 a second  ETA 60 seconds") || text.contains("ETA 1 minute"), "{text}");
        news.end();
        assert_eq!(terminal.contents(), "");
    }
}
