//! Work that is done when this process ends, even if it is killed.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
};

/// A shell that waits for the end of this process and then runs a script.
///
/// The shell reads from a pipe. Only this process holds the other end of the pipe. The operating
/// system closes that end even when the process is killed.
#[derive(Debug)]
pub(crate) struct Lifeline {
    shell: Child,
    input: Option<ChildStdin>,
}

impl Lifeline {
    /// Starts the shell. `command` runs `/bin/sh` as a user with the permissions that the script
    /// needs. The script finds `arguments` in `$1`, `$2` and so on.
    pub(crate) fn tie<A: AsRef<std::ffi::OsStr>>(
        mut command: Command,
        script: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> io::Result<Self> {
        command.arg("-c").arg(format!("cat >/dev/null\n{script}")).arg("lifeline").args(arguments);
        // The shell has a process group of its own, so that a terminal's Ctrl-C does not reach it.
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

    /// Ends the shell without running the script.
    pub(crate) fn release(&mut self) -> io::Result<()> {
        self.shell.kill()?;
        self.shell.wait().map(drop)
    }
}
