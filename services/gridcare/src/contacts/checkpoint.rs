//! How far files were read, in a form that recognises a file which has grown or been renamed since.

use std::{fmt::Write as _, fs::File, io, os::unix::fs::FileExt as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A file is recognised by at most this much of its beginning.
const HEAD: u64 = 1_024;
/// And by this much before the place to which it was read.
const TAIL: u64 = 256;
/// Files that are remembered; a node keeps at most 4 KiB for a checkpoint.
const REMEMBERED: usize = 24;

/// Where an import stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// Files that were read, the newest last.
    pub(super) files: Vec<Known>,
    /// From where the reader of a log must read again to know the calls that were open.
    #[serde(default)]
    pub(super) resume: Option<Resume>,
}

/// A file as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// Hash of the first `head` bytes.
    hash: String,
    head: u64,
    /// Hash of the last bytes before `read`.
    last: String,
    /// Bytes that were read.
    pub(super) read: u64,
    /// Number of the next line.
    pub(super) line: u64,
}

/// A place in one of the files of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Resume {
    pub(super) file: usize,
    pub(super) offset: u64,
    pub(super) line: u64,
}

impl Checkpoint {
    /// What a node kept. What this version does not understand counts as nothing: the import then reads everything again,
    /// and the node takes nothing twice.
    pub(super) fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The text to keep.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Which of the files this one is, as far as it was read.
    pub(super) fn recognise(&self, file: &File) -> io::Result<Option<usize>> {
        for (at, known) in self.files.iter().enumerate().rev() {
            if known.is(file)? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Forgets the oldest files beyond what fits.
    pub(super) fn shorten(&mut self) {
        let surplus = self.files.len().saturating_sub(REMEMBERED);
        self.files.drain(..surplus);
        self.resume = self.resume.and_then(|resume| Some(Resume { file: resume.file.checked_sub(surplus)?, ..resume }));
    }
}

impl Known {
    /// A file as it is now, read up to `read`, where line `line` begins.
    pub(super) fn of(file: &File, read: u64, line: u64) -> io::Result<Self> {
        // Only what was read is sure not to change.
        let head = read.min(HEAD);
        Ok(Self { hash: hash(file, 0, head)?, head, last: hash(file, read.saturating_sub(TAIL), read)?, read, line })
    }

    /// Whether it is this file, perhaps grown or renamed since.
    fn is(&self, file: &File) -> io::Result<bool> {
        // Of an empty file nothing is known.
        Ok(self.read > 0
            && file.metadata()?.len() >= self.read
            && hash(file, 0, self.head)? == self.hash
            && hash(file, self.read.saturating_sub(TAIL), self.read)? == self.last)
    }
}

/// Reads at its own place, so that whoever is reading the file goes on undisturbed.
fn hash(file: &File, from: u64, until: u64) -> io::Result<String> {
    let mut bytes = vec![0; usize::try_from(until - from).unwrap_or_default()];
    file.read_exact_at(&mut bytes, from)?;
    let digest = Sha256::digest(&bytes);
    Ok(digest[..8].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_is_recognised_when_it_has_grown_and_not_when_it_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue_log");
        std::fs::write(&path, "one\ntwo\n").unwrap();
        let known = Known::of(&File::open(&path).unwrap(), 8, 3).unwrap();
        let checkpoint = Checkpoint { files: vec![known], resume: None };
        let checkpoint = Checkpoint::parse(&checkpoint.text());
        File::options().append(true).open(&path).unwrap().write_all(b"three\n").unwrap();
        let renamed = folder.path().join("queue_log.1");
        std::fs::rename(&path, &renamed).unwrap();
        assert_eq!(checkpoint.recognise(&File::open(&renamed).unwrap()).unwrap(), Some(0));
        // Of the same beginning, but another file; and one that is shorter than what was read.
        for other in ["one\nTWO\nthree\n", "one\n", ""] {
            std::fs::write(&path, other).unwrap();
            assert_eq!(checkpoint.recognise(&File::open(&path).unwrap()).unwrap(), None, "{other:?}");
        }
    }

    #[test]
    fn a_checkpoint_stays_small_and_a_strange_one_is_none() {
        let known = Known { hash: "0".repeat(16), head: 1_024, last: "0".repeat(16), read: u64::MAX, line: u64::MAX };
        let resume = Some(Resume { file: 39, offset: u64::MAX, line: u64::MAX });
        let mut checkpoint = Checkpoint { files: vec![known; 40], resume };
        checkpoint.shorten();
        assert!(checkpoint.text().len() <= 4_096, "{}", checkpoint.text().len());
        assert_eq!(checkpoint.resume.unwrap().file, 23);
        assert_eq!(Checkpoint::parse("something else"), Checkpoint::default());
    }
}
