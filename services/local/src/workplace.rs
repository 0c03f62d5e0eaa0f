//! The folder of an installation.

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

/// A given folder, which stays, or a temporary folder.
///
/// Other users may pass through the folder, since PostgreSQL does not run as root. The files and
/// folders in it have their own permissions.
#[derive(Debug)]
pub struct Workplace(Kind);

#[derive(Debug)]
enum Kind {
    Given(PathBuf),
    /// A temporary folder. The lifeline removes it if this process is killed.
    Temporary(TempDir, Lifeline),
}

impl Workplace {
    /// Uses the folder `given`, and creates it if necessary. Without one, makes a temporary folder.
    /// A temporary folder is removed when this value is dropped, and also when the process ends
    /// without dropping it.
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

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        match &self.0 {
            Kind::Given(path) => path,
            Kind::Temporary(folder, _) => folder.path(),
        }
    }

    /// Whether the folder is removed at the end.
    pub fn is_temporary(&self) -> bool {
        matches!(self.0, Kind::Temporary(..))
    }

    /// Keeps the folder at the end.
    pub fn keep(mut self) {
        if let Kind::Temporary(folder, lifeline) = &mut self.0 {
            folder.disable_cleanup(true);
            // An error means that the shell has ended already.
            lifeline.release().ok();
        }
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if let Kind::Temporary(_, lifeline) = &mut self.0 {
            // The `TempDir` removes the folder.
            lifeline.release().ok();
        }
    }
}

/// Ties the removal of the folder to the end of this process. The removal waits for the cluster in
/// the folder to stop, since a running cluster writes its files again.
fn remove_at_the_end(folder: &Path) -> Result<Lifeline> {
    let script = r#"
        tries=100
        while [ -e "$1"/*/data/postmaster.pid ] && [ $tries -gt 0 ]; do sleep 0.2; tries=$((tries - 1)); done
        rm -rf "$1""#;
    Lifeline::tie(Command::new("/bin/sh"), script, [folder]).map_err(LocalError::program("/bin/sh"))
}
