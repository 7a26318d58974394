//! Trail files on this machine, found by walking folders and told apart by content.
//!
//! Must not know what is in a record. A file is read whole where it fits into a buffer that each
//! thread reuses, and in pieces otherwise.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use failure_monitor_core::find::KeyIds;
use failure_monitor_core::finding::{Read as Counts, Warning};
use failure_monitor_core::look::{FirstLook, Scratch, SecondLook};
use failure_monitor_core::split::{Piece, Splitter};
use fearless_simd::Level;
use libdeflater::Decompressor;
use tempfile::NamedTempFile;
use walkdir::WalkDir;

use super::inflate::{self, End, NotWhole};

/// Texts up to this many bytes are read whole.
const LARGEST_WHOLE: u64 = 256 << 20;

/// Something to read.
#[derive(Debug)]
pub struct Input {
    /// The name in messages: the path as given, or `-`.
    pub name: String,
    /// Bytes on disk.
    pub size: u64,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Path(PathBuf),
    /// What came on standard input, on disk because it is read twice.
    Spooled(NamedTempFile),
    /// Something that is fetched each time it is read.
    Remote(Arc<dyn Remote>, Box<str>),
}

/// A place elsewhere whose files are fetched when they are read.
pub trait Remote: std::fmt::Debug + Send + Sync {
    /// Writes a whole file.
    fn fetch(&self, key: &str, out: &mut dyn Write) -> io::Result<()>;
}

impl Input {
    /// A file elsewhere.
    pub fn remote(name: String, size: u64, from: Arc<dyn Remote>, key: &str) -> Input {
        Input { name, size, place: Place::Remote(from, key.into()) }
    }
}

impl Input {
    /// Something that was put on disk to be read.
    pub fn spooled(name: String, size: u64, file: NamedTempFile) -> Input {
        Input { name, size, place: Place::Spooled(file) }
    }
}

/// What was found below the paths.
#[derive(Debug, Default)]
pub struct Listing {
    /// What to read, largest first, so that no thread is left alone with a large file at the end.
    pub inputs: Vec<Input>,
    /// Digest and Insights files that were passed over.
    pub passed_over: u64,
    /// What could not be listed.
    pub warnings: Vec<Warning>,
}

/// Lists files below paths; `-` is standard input.
pub fn list(paths: &[PathBuf], stdin: impl Read) -> Listing {
    let mut listing = Listing::default();
    let mut stdin = Some(stdin);
    for path in paths {
        if path == Path::new("-") {
            if let Some(stdin) = stdin.take() {
                listing.add("-", spool(stdin));
            }
            continue;
        }
        for entry in WalkDir::new(path).follow_links(true).sort_by_file_name() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(err) => {
                    let name = err.path().unwrap_or(path).display().to_string();
                    listing.warn(name, &reason(err.into()));
                    continue;
                }
            };
            if entry.file_type().is_dir() {
                continue;
            }
            let below = entry.path().strip_prefix(path).unwrap_or(entry.path());
            if is_passed_over(below) {
                listing.passed_over += 1;
                continue;
            }
            if !entry.file_type().is_file() {
                // A pipe or device named by the user is read once, into a file; one that lies in a
                // folder might never end.
                let found = if entry.depth() == 0 {
                    File::open(path).and_then(spool)
                } else {
                    Err(io::Error::other("neither a file nor a folder"))
                };
                listing.add(&entry.path().display().to_string(), found);
                continue;
            }
            let size = entry.metadata().map(|metadata| metadata.len()).map_err(io::Error::from);
            let place = Place::Path(entry.path().to_owned());
            listing.add(&entry.path().display().to_string(), size.map(|size| (place, size)));
        }
    }
    listing.sort();
    listing
}

impl Listing {
    /// Puts the largest first.
    pub fn sort(&mut self) {
        self.inputs.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.name.cmp(&b.name)));
    }

    fn add(&mut self, name: &str, found: io::Result<(Place, u64)>) {
        match found {
            Ok((place, size)) => self.inputs.push(Input { name: name.to_owned(), size, place }),
            Err(err) => self.warn(name.to_owned(), &reason(err)),
        }
    }

    fn warn(&mut self, file: String, reason: &str) {
        self.warnings.push(Warning { file, reason: format!("not read: {reason}") });
    }
}

/// The folders that CloudTrail keeps beside the log files
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>).
fn is_passed_over(path: &Path) -> bool {
    path.components().any(|part| {
        ["CloudTrail-Digest", "CloudTrail-Insight"].iter().any(|name| part.as_os_str() == *name)
    })
}

fn spool(mut stdin: impl Read) -> io::Result<(Place, u64)> {
    let mut file = NamedTempFile::new()?;
    let size = io::copy(&mut stdin, &mut file)?;
    Ok((Place::Spooled(file), size))
}

/// An error without the number that the system adds.
fn reason(err: io::Error) -> String {
    match err.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => err.to_string(),
    }
}

/// What a thread needs to read files, kept from file to file.
pub struct Reader {
    largest_whole: u64,
    level: Level,
    decompressor: Decompressor,
    file: Vec<u8>,
    text: Vec<u8>,
    max_inflated: u64,
    scratch: Scratch,
}

/// How the text of a file came.
enum Text<'a> {
    Whole(&'a [u8]),
    Pieces(Pieces<'a>),
}

/// A text too large or too broken to be read whole.
struct Pieces<'a> {
    from: Box<dyn BufRead + 'a>,
    gzip: bool,
}

impl Reader {
    /// A reader that inflates at most so many bytes of a file.
    pub fn new(max_inflated: u64) -> Reader {
        Reader::with_largest(max_inflated, LARGEST_WHOLE)
    }

    /// The same; texts of more than `largest_whole` bytes are read in pieces.
    pub fn with_largest(max_inflated: u64, largest_whole: u64) -> Reader {
        Reader {
            largest_whole,
            level: Level::new(),
            decompressor: Decompressor::new(),
            file: Vec::new(),
            text: Vec::new(),
            max_inflated,
            scratch: Scratch::default(),
        }
    }

    /// Takes the first look at a file. What could not be read is in it, too.
    pub fn first_look(&mut self, input: &Input) -> FirstLook {
        let mut look = FirstLook::default();
        let (level, max_inflated) = (self.level, self.max_inflated);
        let mut scratch = std::mem::take(&mut self.scratch);
        match self.text(input) {
            Ok(Text::Whole(text)) => look.take_text(text, level, &mut scratch),
            Ok(Text::Pieces(pieces)) => {
                let mut bytes = 0;
                let end = pieces.read(max_inflated, |text, splitter| {
                    bytes += text.len() as u64;
                    splitter.push(text, &mut |piece| look.take_piece(&piece));
                });
                look.read.bytes += bytes;
                match end {
                    (End::Complete, splitter) => {
                        splitter.finish(&mut |piece| look.take_piece(&piece));
                    }
                    (End::Garbage, splitter) => {
                        splitter.finish(&mut |piece| look.take_piece(&piece));
                        look.skip("bytes after the end of the gzip data".to_owned());
                    }
                    (End::Truncated, _) => look
                        .skip("the gzip data ends too early; what came before was read".to_owned()),
                    (End::Limit, _) => look.skip(format!(
                        "inflates to more than {max_inflated} bytes; what came before was read \
                         (raise --max-inflated to read on)"
                    )),
                    (End::Corrupt, _) => {
                        look = FirstLook::default();
                        look.skip("corrupt gzip data; nothing of this file was counted".to_owned());
                    }
                    (End::Unreadable(err), _) => look.skip(reason(err)),
                }
            }
            Err(err) => look.skip(reason(err)),
        }
        self.scratch = scratch;
        look.read.files += 1;
        look
    }

    /// Takes the second look at a file. What is broken in it has been said by the first; that it
    /// cannot be read any more is said here.
    pub fn second_look(&mut self, input: &Input, keys: &KeyIds) -> (SecondLook, Option<String>) {
        let mut look = SecondLook::default();
        let (level, max_inflated) = (self.level, self.max_inflated);
        match self.text(input) {
            Ok(Text::Whole(text)) => look.take_text(text, keys, level),
            Ok(Text::Pieces(pieces)) => {
                let end = pieces.read(max_inflated, |text, splitter| {
                    splitter.push(text, &mut |piece: Piece<'_>| look.take_piece(&piece, keys));
                });
                if matches!(end.0, End::Corrupt) {
                    look = SecondLook::default();
                }
            }
            Err(err) => return (look, Some(format!("not read again: {}", reason(err)))),
        }
        (look, None)
    }

    fn text<'a>(&'a mut self, input: &'a Input) -> io::Result<Text<'a>> {
        self.file.clear();
        let mut file = match &input.place {
            Place::Path(path) => File::open(path)?,
            Place::Spooled(file) => File::open(file.path())?,
            Place::Remote(from, key) if input.size > self.largest_whole => {
                let mut file = tempfile::tempfile()?;
                from.fetch(key, &mut file)?;
                file.rewind()?;
                file
            }
            Place::Remote(from, key) => {
                from.fetch(key, &mut self.file)?;
                return self.inflated();
            }
        };
        if input.size > self.largest_whole {
            let mut from = BufReader::with_capacity(1 << 20, file);
            let gzip = inflate::is_gzip(from.fill_buf()?);
            return Ok(Text::Pieces(Pieces { from: Box::new(from), gzip }));
        }
        file.read_to_end(&mut self.file)?;
        self.inflated()
    }

    /// The text of the file that is in memory.
    fn inflated(&mut self) -> io::Result<Text<'_>> {
        if !inflate::is_gzip(&self.file) {
            return Ok(Text::Whole(&self.file));
        }
        let limit =
            usize::try_from(self.max_inflated.min(self.largest_whole)).unwrap_or(usize::MAX);
        match inflate::whole(&mut self.decompressor, &self.file, &mut self.text, limit) {
            Ok(length) => Ok(Text::Whole(&self.text[..length])),
            Err(NotWhole::Members | NotWhole::TooLarge | NotWhole::Damaged) => {
                Ok(Text::Pieces(Pieces { from: Box::new(&self.file[..]), gzip: true }))
            }
        }
    }
}

impl Pieces<'_> {
    fn read(
        mut self,
        max_inflated: u64,
        mut take: impl FnMut(&[u8], &mut Splitter),
    ) -> (End, Splitter) {
        let mut splitter = Splitter::default();
        if self.gzip {
            let end = inflate::in_pieces(self.from, max_inflated, |text| take(text, &mut splitter));
            return (end, splitter);
        }
        loop {
            let length = match self.from.fill_buf() {
                Ok([]) => return (End::Complete, splitter),
                Ok(text) => {
                    take(text, &mut splitter);
                    text.len()
                }
                Err(err) => return (End::Unreadable(err), splitter),
            };
            self.from.consume(length);
        }
    }
}

/// The accounting of what was listed but not read.
pub fn not_read(listing: &Listing) -> Counts {
    let skipped = listing.warnings.len() as u64;
    Counts { seen: skipped, skipped, passed_over: listing.passed_over, ..Counts::default() }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[derive(Debug)]
    struct Elsewhere(io::Result<Vec<u8>>);

    impl Remote for Elsewhere {
        fn fetch(&self, key: &str, out: &mut dyn Write) -> io::Result<()> {
            assert_eq!(key, "one.json.gz");
            match &self.0 {
                Ok(file) => out.write_all(file),
                Err(err) => Err(io::Error::other(err.to_string())),
            }
        }
    }

    fn input(size: u64, file: io::Result<Vec<u8>>) -> Input {
        Input::remote(
            "s3://a/one.json.gz".to_owned(),
            size,
            Arc::new(Elsewhere(file)),
            "one.json.gz",
        )
    }

    #[test]
    fn what_is_fetched_is_read_in_memory_or_by_way_of_the_disk() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        let record = r#"{"eventVersion":"1.10","eventID":"e","eventTime":"2026-01-02T03:04:05Z",
            "userIdentity":{"accessKeyId":"AKIADEPLOYCI1EXAMPLE"}}"#;
        gzip.write_all(record.as_bytes()).unwrap();
        let gzip = gzip.finish().unwrap();
        let keys: KeyIds = ["AKIADEPLOYCI1EXAMPLE"].into_iter().collect();
        for file in [record.as_bytes(), &gzip] {
            for size in [file.len() as u64, LARGEST_WHOLE + 1] {
                let input = input(size, Ok(file.to_vec()));
                let mut reader = Reader::new(1 << 20);
                let first = reader.first_look(&input);
                assert_eq!((first.read.files, first.read.seen, first.read.skipped), (1, 1, 0));
                assert_eq!(first.read.bytes, record.len() as u64);
                let (second, trouble) = reader.second_look(&input, &keys);
                assert_eq!((second.uses.len(), trouble), (1, None));
            }
        }
    }

    #[test]
    fn what_cannot_be_fetched_is_said_at_each_look() {
        let input = input(1, Err(io::Error::other("AccessDenied")));
        let mut reader = Reader::new(1 << 20);
        let first = reader.first_look(&input);
        assert_eq!(first.read.skipped, 1);
        assert!(first.problems.contains_key("AccessDenied"));
        let (_, trouble) = reader.second_look(&input, &KeyIds::default());
        assert_eq!(trouble.as_deref(), Some("not read again: AccessDenied"));
    }
}
