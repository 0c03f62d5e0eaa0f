//! What is printed, and where: the answer to the standard output, everything else to the standard
//! error.

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
    /// The progress bars on the standard error. Other lines there must go through them.
    bars: MultiProgress,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, bars: MultiProgress::new() }
    }

    /// Prints a command's answer, in words or as one line of JSON.
    pub(crate) fn answer(&self, words: impl Display, value: &impl Serialize) {
        if self.json {
            self.note(words);
            self.json(value);
        } else {
            let _ = writeln!(stdout(), "{words}");
        }
    }

    /// Prints one line of JSON, whether JSON was asked for or not.
    pub(crate) fn json(&self, value: &impl Serialize) {
        let line = serde_json::to_string(value).expect("answers are plain structures");
        // An error means that the reader has closed the stream and does not want the answer.
        let _ = writeln!(stdout(), "{line}");
    }

    /// Prints something to read in passing.
    pub(crate) fn note(&self, words: impl Display) {
        note(&self.bars, words);
    }

    /// Prints why an exchange failed and when the next try is.
    pub(crate) fn on_retry(&self) -> OnRetry {
        let bars = self.bars.clone();
        OnRetry(Arc::new(move |error, wait| {
            let why = kit::error::chain(error);
            note(&bars, format_args!("{why}; next try in {:.1} s", wait.as_secs_f64()));
        }))
    }

    /// Prints why a command failed.
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

    /// A bar on the standard error, shown on a terminal only.
    pub(crate) fn bar(&self, length: u64, what: &str) -> ProgressBar {
        let style = ProgressStyle::with_template("{msg:28} [{bar:32}] {pos}/{len} {elapsed}");
        let bar = self.bars.add(ProgressBar::new(length));
        bar.set_style(style.expect("the template is well-formed").progress_chars("=> "));
        bar.set_message(what.to_owned());
        bar
    }

    /// A sign on the standard error that something is going on.
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
