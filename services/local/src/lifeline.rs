//! Work that is done when this process ends, however it ends.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
};

/// A shell that waits for this process to end and then runs a script.
///
/// The shell reads from a pipe of which only this process holds the other end. The operating system
/// closes that end even when the process is killed.
#[derive(Debug)]
pub(crate) struct Lifeline {
    shell: Child,
    input: Option<ChildStdin>,
}

impl Lifeline {
    /// Starts the shell. `command` is `/bin/sh`, run as the user who may do what the script does.
    /// The script finds `arguments` in `$1`, `$2` and so on.
    pub(crate) fn tie<A: AsRef<std::ffi::OsStr>>(
        mut command: Command,
        script: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> io::Result<Self> {
        command.arg("-c").arg(format!("cat >/dev/null\n{script}")).arg("lifeline").args(arguments);
        // In a process group of its own, a terminal's Ctrl-C does not reach the shell.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut shell = command.spawn()?;
        let input = shell.stdin.take();
        Ok(Self { shell, input })
    }

    /// Runs the script now and waits for its end.
    pub(crate) fn cut(&mut self) -> io::Result<()> {
        drop(self.input.take());
        self.shell.wait().map(drop)
    }

    /// Ends the shell. The script never runs.
    pub(crate) fn release(&mut self) -> io::Result<()> {
        self.shell.kill()?;
        self.shell.wait().map(drop)
    }
}
