//! Unfinished files. A killed process leaves them behind when it was writing objects to a local
//! disk. `object_store` writes `NAME` as `NAME#1`, `NAME#2`, … until the object is whole.

use std::{
    ffi::OsStr,
    fs,
    io::{self, ErrorKind},
    path::Path,
    time::Duration,
};

/// Removes unfinished files below `directory` to which nothing was added for `age`. A process that
/// still writes to such a file loses only an attempt. An object exists only once its file has the
/// object's name.
pub(super) fn sweep(directory: &Path, age: Duration) -> io::Result<()> {
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in if_there(fs::read_dir(&directory))?.into_iter().flatten() {
            let entry = entry?;
            let Some(kind) = if_there(entry.file_type())? else { continue };
            if kind.is_dir() {
                directories.push(entry.path());
            } else if kind.is_file() && is_unfinished(&entry.file_name()) {
                remove_if_old(&entry, age)?;
            }
        }
    }
    Ok(())
}

fn remove_if_old(entry: &fs::DirEntry, age: Duration) -> io::Result<()> {
    let Some(metadata) = if_there(entry.metadata())? else { return Ok(()) };
    if metadata.modified()?.elapsed().unwrap_or_default() > age {
        if_there(fs::remove_file(entry.path()))?;
        tracing::info!(file = %entry.path().display(), "unfinished object removed");
    }
    Ok(())
}

/// Returns whether this is the name of an unfinished file. No object name has a `#`.
fn is_unfinished(name: &OsStr) -> bool {
    let attempt = name.to_str().and_then(|name| name.rsplit_once('#')).map(|(_, attempt)| attempt);
    attempt.is_some_and(|attempt| !attempt.is_empty() && attempt.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Accepts that a file is missing, since other processes write and sweep at the same time.
fn if_there<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        outcome => outcome.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, time::SystemTime};

    use super::*;

    #[test]
    fn only_unfinished_files_that_nobody_adds_to_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::create_dir_all(path("rounds/old#1")).unwrap();
        let old = SystemTime::now() - Duration::from_secs(100);
        for name in ["rounds/a", "rounds/a#1", "rounds/a#12", "b#1x", "b#", "rounds/old#1/c#3"] {
            File::create(path(name)).unwrap().set_modified(old).unwrap();
        }
        File::create(path("rounds/a#2")).unwrap();
        sweep(directory.path(), Duration::from_secs(50)).unwrap();
        for kept in ["rounds/a", "rounds/a#2", "b#1x", "b#"] {
            assert!(path(kept).exists(), "{kept}");
        }
        for removed in ["rounds/a#1", "rounds/a#12", "rounds/old#1/c#3"] {
            assert!(!path(removed).exists(), "{removed}");
        }
        sweep(&path("missing"), Duration::ZERO).unwrap();
    }

    /// The store must still name unfinished files as this module expects, and hide them.
    #[tokio::test]
    async fn an_object_that_is_being_written_is_an_unfinished_file() {
        let directory = tempfile::tempdir().unwrap();
        let config = crate::config::BlobsConfig::Local { path: directory.path().to_owned() };
        let blobs = crate::blobs::Blobs::open(&config).unwrap();
        let mut writing = blobs.write("a/b").await.unwrap();
        writing.store_part(vec![0; 2 << 20].into()).await.unwrap();
        let names =
            || fs::read_dir(directory.path().join("a")).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names().count() == 1 && names().all(|name| is_unfinished(&name)), "{:?}", names().next());
        blobs.sweep(Duration::from_secs(60)).await.unwrap();
        writing.finish().await.unwrap();
        assert_eq!(names().next().unwrap(), "b");
    }
}
