//! Printing: the answer goes to the standard output, and everything else to the standard error.

use std::{
    fmt::Display,
    io::{Write, stderr, stdout},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use client::OnRetry;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use crate::error::CommandError;

#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    /// Progress bars on the standard error. Other lines there must go through them, or they would
    /// be overwritten.
    bars: MultiProgress,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, bars: MultiProgress::new() }
    }

    /// Prints the answer of a command. With `--json`, the answer is `value` as one line, and
    /// `words` go to the standard error.
    pub(crate) fn answer(&self, words: impl Display, value: &impl Serialize) {
        if self.json {
            self.note(words);
            self.json(value);
        } else {
            let _ = writeln!(stdout(), "{words}");
        }
    }

    /// Prints one line of JSON, even without `--json`.
    pub(crate) fn json(&self, value: &impl Serialize) {
        let line = serde_json::to_string(value).expect("answers are plain structures");
        // An error means that the reader has closed the stream and does not want the answer.
        let _ = writeln!(stdout(), "{line}");
    }

    /// Prints a line for people on the standard error.
    pub(crate) fn note(&self, words: impl Display) {
        note(&self.bars, words);
    }

    /// Returns a callback that prints why an exchange failed and when the next try is.
    pub(crate) fn on_retry(&self) -> OnRetry {
        let bars = self.bars.clone();
        OnRetry(Arc::new(move |error, wait| {
            let why = kit::error::chain(error);
            note(&bars, format_args!("{why}; next try in {:.1} s", wait.as_secs_f64()));
        }))
    }

    /// Prints why a command failed, and returns its exit code.
    pub(crate) fn failed(&self, error: &CommandError) -> ExitCode {
        let message = error.chain();
        self.note(format_args!("error: {message}"));
        if self.json {
            let value =
                json!({ "error": message, "problem": error.problem(), "exit_code": error.exit_code() });
            let _ = writeln!(stdout(), "{value}");
        }
        error.into()
    }

    /// A progress bar on the standard error, visible only on a terminal.
    pub(crate) fn bar(&self, length: u64, what: &str) -> ProgressBar {
        let style = ProgressStyle::with_template("{msg:28} [{bar:32}] {pos}/{len} {elapsed}");
        let bar = self.bars.add(ProgressBar::new(length));
        bar.set_style(style.expect("the template is well-formed").progress_chars("=> "));
        bar.set_message(what.to_owned());
        bar
    }

    /// A spinner on the standard error, for work of unknown length.
    pub(crate) fn spinner(&self, what: &str) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new_spinner());
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }
}

fn note(bars: &MultiProgress, words: impl Display) {
    bars.suspend(|| {
        let _ = writeln!(stderr(), "{words}");
    });
}
