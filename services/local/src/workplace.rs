//! The folder in which an installation lives.

use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{
    error::{LocalError, Result},
    lifeline::Lifeline,
};

/// A folder that was given and stays, or a temporary one.
///
/// Processes of other users may pass through it: PostgreSQL does not run as root. What is in it
/// protects itself.
#[derive(Debug)]
pub struct Workplace(Kind);

#[derive(Debug)]
enum Kind {
    Given(PathBuf),
    /// The lifeline removes the folder if this process is killed.
    Temporary(TempDir, Lifeline),
}

impl Workplace {
    /// The folder `given`, made if need be, or else a temporary one. A temporary folder is removed
    /// when this is dropped, and when the process ends without dropping it.
    ///
    /// # Errors
    /// [`LocalError::File`].
    pub fn new(given: Option<&Path>) -> Result<Self> {
        let workplace = Self(match given {
            Some(path) => {
                fs::create_dir_all(path).map_err(LocalError::file(path))?;
                Kind::Given(path.canonicalize().map_err(LocalError::file(path))?)
            }
            None => {
                let folder = tempfile::Builder::new().prefix("blindsum-").tempdir();
                let folder = folder.map_err(LocalError::file(env::temp_dir()))?;
                let lifeline = remove_at_the_end(folder.path())?;
                Kind::Temporary(folder, lifeline)
            }
        });
        let path = workplace.path();
        fs::set_permissions(path, Permissions::from_mode(0o711)).map_err(LocalError::file(path))?;
        Ok(workplace)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        match &self.0 {
            Kind::Given(path) => path,
            Kind::Temporary(folder, _) => folder.path(),
        }
    }

    /// Whether it is removed at the end.
    pub fn is_temporary(&self) -> bool {
        matches!(self.0, Kind::Temporary(..))
    }

    /// Leaves the folder behind.
    pub fn keep(mut self) {
        if let Kind::Temporary(folder, lifeline) = &mut self.0 {
            folder.disable_cleanup(true);
            // An error means that the shell is gone already.
            lifeline.release().ok();
        }
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if let Kind::Temporary(_, lifeline) = &mut self.0 {
            // The temporary folder removes itself.
            lifeline.release().ok();
        }
    }
}

/// Waits for a cluster in the folder to stop, since its files come back while it runs.
fn remove_at_the_end(folder: &Path) -> Result<Lifeline> {
    let script = r#"
        tries=100
        while [ -e "$1"/*/data/postmaster.pid ] && [ $tries -gt 0 ]; do sleep 0.2; tries=$((tries - 1)); done
        rm -rf "$1""#;
    Lifeline::tie(Command::new("/bin/sh"), script, [folder]).map_err(LocalError::program("/bin/sh"))
}
