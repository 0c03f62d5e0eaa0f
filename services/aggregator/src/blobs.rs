//! Large objects. They are written in parts and read in ranges, so that memory does not grow with
//! their size.

pub(crate) mod object_names;
mod staging;

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use kit::{Error, Result};
use object_store::{
    MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, aws::AmazonS3Builder, local::LocalFileSystem,
    path::Path, prefix::PrefixStore,
};

use crate::config::BlobsConfig;

/// The bytes that are read at once when an object is streamed.
const RANGE_BYTES: u64 = 1 << 20;

/// The bytes of an object as they are read.
pub(crate) type ByteStream = BoxStream<'static, Result<Bytes>>;

/// The object store.
#[derive(Clone, Debug)]
pub(crate) struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// The size of every part but the last.
    part_bytes: usize,
    /// The directory of a store on a local disk. `None` for a bucket.
    directory: Option<PathBuf>,
}

impl Blobs {
    /// Opens the store.
    ///
    /// # Errors
    /// A fault if the store cannot be opened.
    pub(crate) fn open(config: &BlobsConfig) -> Result<Self> {
        match config {
            BlobsConfig::Local { path } => {
                std::fs::create_dir_all(path)?;
                let store = LocalFileSystem::new_with_prefix(path).map_err(Error::fault)?.with_fsync(true);
                Ok(Self { store: Arc::new(store), part_bytes: 1 << 20, directory: Some(path.clone()) })
            }
            BlobsConfig::S3 { bucket, region, endpoint, prefix } => {
                let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_region(region);
                if let Some(endpoint) = endpoint {
                    builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http:"));
                }
                let store = PrefixStore::new(builder.build().map_err(Error::fault)?, prefix.as_str());
                // The smallest part that S3 takes.
                Ok(Self { store: Arc::new(store), part_bytes: 5 << 20, directory: None })
            }
        }
    }

    /// The size of every part of an object but the last.
    pub(crate) fn part_bytes(&self) -> usize {
        self.part_bytes
    }

    /// Starts to write an object. The object exists, durable and whole, once [`Writing::finish`]
    /// returns.
    ///
    /// # Errors
    /// A fault if the store fails.
    pub(crate) async fn write(&self, object_name: &str) -> Result<Writing> {
        let upload = self.store.put_multipart(&path(object_name)?).await.map_err(failure)?;
        tracing::trace!(object = object_name, "object begun");
        Ok(Writing { upload: Some(upload) })
    }

    /// Reads a range of an object.
    ///
    /// # Errors
    /// A fault if the store fails or the object ends before the range does.
    pub(crate) async fn range(&self, object_name: &str, start: u64, end: u64) -> Result<Bytes> {
        let bytes = self.store.get_range(&path(object_name)?, start..end).await.map_err(failure)?;
        tracing::trace!(object = object_name, start, end, "range read");
        if bytes.len() as u64 == end - start {
            Ok(bytes)
        } else {
            Err(Error::fault("an object is too short"))
        }
    }

    /// Streams the first `length` bytes of an object, in ranges.
    pub(crate) fn stream(&self, object_name: String, length: u64) -> ByteStream {
        let blobs = self.clone();
        let starts =
            stream::iter((0..length).step_by(usize::try_from(RANGE_BYTES).expect("a range fits memory")));
        let ranges = starts.then(move |start| {
            let (blobs, object_name) = (blobs.clone(), object_name.clone());
            async move { blobs.range(&object_name, start, length.min(start + RANGE_BYTES)).await }
        });
        ranges.boxed()
    }

    /// Lists the names of all objects below `prefix`.
    pub(crate) fn list(&self, prefix: &str) -> BoxStream<'static, Result<String>> {
        let objects = self.store.list(Some(&Path::from(prefix)));
        objects.map_ok(|object| object.location.to_string()).map_err(failure).boxed()
    }

    /// Removes an object, if it exists.
    ///
    /// # Errors
    /// A fault if the store fails.
    pub(crate) async fn delete(&self, object_name: &str) -> Result<()> {
        match self.store.delete(&path(object_name)?).await {
            Err(object_store::Error::NotFound { .. }) | Ok(()) => {
                tracing::trace!(object = object_name, "object deleted");
                Ok(())
            }
            Err(error) => Err(failure(error)),
        }
    }

    /// Removes the remains of objects whose writer was killed, if nothing was added for `age`. A
    /// bucket does that by itself if it is configured to. The sample configuration says how.
    ///
    /// # Errors
    /// A fault if the directory cannot be read.
    pub(crate) async fn sweep(&self, age: Duration) -> Result<()> {
        let Some(directory) = self.directory.clone() else { return Ok(()) };
        Ok(tokio::task::spawn_blocking(move || staging::sweep(&directory, age)).await??)
    }

    /// Checks that the store answers.
    ///
    /// # Errors
    /// A fault if it does not.
    pub(crate) async fn check(&self) -> Result<()> {
        match self.store.head(&Path::from("probe")).await {
            Err(object_store::Error::NotFound { .. }) | Ok(_) => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }
}

fn path(object_name: &str) -> Result<Path> {
    Path::parse(object_name).map_err(Error::fault)
}

fn failure(error: object_store::Error) -> Error {
    match error {
        object_store::Error::Generic { .. } => Error::unavailable(error),
        error => Error::fault(error),
    }
}

/// An object that is being written. It is removed if this value is dropped unfinished.
pub(crate) struct Writing {
    upload: Option<Box<dyn MultipartUpload>>,
}

impl Writing {
    /// Stores a whole part. Only the last part may be shorter than [`Blobs::part_bytes`].
    ///
    /// # Errors
    /// A fault if the store fails.
    pub(crate) async fn store_part(&mut self, part: Bytes) -> Result<()> {
        let upload = self.upload.as_mut().expect("an upload is there until it is finished");
        upload.put_part(PutPayload::from_bytes(part)).await.map_err(failure)?;
        tracing::trace!("part stored");
        Ok(())
    }

    /// Makes the object durable.
    ///
    /// # Errors
    /// A fault if the store fails. Then nothing of the object remains.
    pub(crate) async fn finish(mut self) -> Result<()> {
        let mut upload = self.upload.take().expect("an upload is there until it is finished");
        let completed = upload.complete().await;
        tracing::trace!("object completed");
        if completed.is_err() {
            // The first error is the reason of the failure. This error adds nothing.
            let _already_failed = upload.abort().await;
        }
        completed.map(|_| ()).map_err(failure)
    }

    /// Ends the writing. Nothing of the object remains.
    pub(crate) async fn abort(mut self) {
        if let Some(upload) = self.upload.take() {
            abort(upload).await;
        }
    }
}

async fn abort(mut upload: Box<dyn MultipartUpload>) {
    if let Err(error) = upload.abort().await {
        tracing::warn!(%error, "an unfinished object may remain in the store");
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let (Some(upload), Ok(runtime)) = (self.upload.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(abort(upload));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> (tempfile::TempDir, Blobs) {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&BlobsConfig::Local { path: directory.path().join("blobs") }).unwrap();
        (directory, blobs)
    }

    #[tokio::test]
    async fn an_object_of_several_parts_is_read_back_in_ranges() {
        let (_directory, blobs) = local();
        let bytes: Vec<u8> = (0..5_000_000u32).map(|i| (i % 251) as u8).collect();
        let mut writing = blobs.write("a/b").await.unwrap();
        for part in bytes.chunks(blobs.part_bytes()) {
            writing.store_part(Bytes::copy_from_slice(part)).await.unwrap();
        }
        writing.finish().await.unwrap();
        let read: Vec<Bytes> = blobs.stream("a/b".into(), 5_000_000).try_collect().await.unwrap();
        assert_eq!(read.concat(), bytes);
        assert_eq!(blobs.range("a/b", 1_048_570, 1_048_590).await.unwrap(), bytes[1_048_570..1_048_590]);
        assert!(blobs.range("a/b", 4_999_999, 5_000_001).await.is_err());
    }

    #[tokio::test]
    async fn nothing_remains_of_an_unfinished_or_deleted_object() {
        let (directory, blobs) = local();
        let mut writing = blobs.write("a/unfinished").await.unwrap();
        writing.store_part(vec![0; 3 << 20].into()).await.unwrap();
        drop(writing);
        let finished = blobs.write("a/finished").await.unwrap();
        finished.finish().await.unwrap();
        assert_eq!(blobs.list("a").try_collect::<Vec<_>>().await.unwrap(), ["a/finished"]);
        blobs.delete("a/finished").await.unwrap();
        blobs.delete("a/finished").await.unwrap();
        let files = || std::fs::read_dir(directory.path().join("blobs/a")).unwrap().count();
        for _ in 0..100 {
            if files() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} files remain", files());
    }
}
