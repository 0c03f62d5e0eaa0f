//! Files that only their owner can read. A file appears under its name only when it is complete.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use tempfile::NamedTempFile;

/// Creates a temporary file with mode 0600 in `folder`. A missing folder is created with mode 0700.
pub(crate) fn draft(folder: &Path) -> io::Result<NamedTempFile> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    NamedTempFile::new_in(folder)
}

/// Writes `bytes` to `folder/name` with mode 0600. When this returns, they are on disk. Before, no
/// part of them is visible under this name.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = draft(folder)?;
    file.write_all(bytes)?;
    persist(file, folder, name)
}

/// Writes `bytes` to `folder/name` as [`write`] does, unless the name is taken. Returns whether it
/// was free. Of several calls for one name, also by several processes, one finds it free.
pub(crate) fn write_new(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<bool> {
    let mut file = draft(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let was_free = match file.persist_noclobber(folder.join(name)) {
        Ok(_) => true,
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(error.error),
    };
    // Another process may have named the file without having synchronised the folder.
    sync_folder(folder)?;
    Ok(was_free)
}

/// Gives a file of `folder` another name. When this returns, the name is on disk.
pub(crate) fn rename(folder: &Path, from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(folder)
}

/// Moves a finished temporary file of `folder` to its name, and waits until both are on disk.
pub(crate) fn persist(file: NamedTempFile, folder: &Path, name: &str) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(folder.join(name)).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Deletes a file. A missing file is not an error.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => path.parent().map_or(Ok(()), sync_folder),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn files_are_their_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("a/b");
        write(&nested, "secret", b"bytes").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&nested), mode(&nested.join("secret"))), (0o700, 0o600));
        assert_eq!(fs::read(nested.join("secret")).unwrap(), b"bytes");
        assert_eq!(fs::read_dir(&nested).unwrap().count(), 1, "no temporary file is left");
        remove(&nested.join("secret")).unwrap();
        remove(&nested.join("secret")).unwrap();
        assert_eq!(fs::read_dir(&nested).unwrap().count(), 0);
    }

    #[test]
    fn a_name_that_is_taken_keeps_its_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write_new(folder.path(), "name", b"first").unwrap());
        assert!(!write_new(folder.path(), "name", b"second").unwrap());
        assert_eq!(fs::read(folder.path().join("name")).unwrap(), b"first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }
}
