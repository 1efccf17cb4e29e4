//! The files of one import, laid end to end, and where to begin in them.

use std::{fs::File, io, path::PathBuf};

use super::checkpoint::{Checkpoint, Known, Resume};

/// A file of the import, as long as it was when the import began: a log may grow while it is read.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) file: File,
    pub(super) bytes: u64,
    /// Bytes of all files before it.
    pub(super) base: u64,
    /// Which file of the checkpoint it is.
    known: Option<usize>,
}

/// All files, oldest first, and what an earlier import knew.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) inputs: Vec<Input>,
    pub(super) checkpoint: Checkpoint,
}

/// Where the reader of a log begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Begin {
    pub(super) file: usize,
    pub(super) offset: u64,
    pub(super) line: u64,
    /// Everything before this offset of all files was reported by an earlier import.
    pub(super) reported_to: u64,
}

impl Files {
    /// Opens all files before anything is sent.
    pub(super) fn open(paths: &[PathBuf], checkpoint: Checkpoint) -> Result<Self, String> {
        let (mut inputs, mut base) = (Vec::new(), 0);
        for path in paths {
            let open = || -> io::Result<Input> {
                let file = File::open(path)?;
                let metadata = file.metadata()?;
                if !metadata.is_file() {
                    return Err(io::Error::other("not a file"));
                }
                let known = checkpoint.recognise(&file)?;
                Ok(Input { file, bytes: metadata.len(), base, known })
            };
            let input = open().map_err(|error| format!("{}: {error}", path.display()))?;
            base += input.bytes;
            inputs.push(input);
        }
        Ok(Self { inputs, checkpoint })
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.inputs.iter().map(|input| input.bytes).sum()
    }

    /// Whether an earlier import read any of them.
    pub(super) fn resumed(&self) -> bool {
        self.inputs.iter().any(|input| input.known.is_some())
    }

    /// How far a file was read by an earlier import.
    pub(super) fn known(&self, file: usize) -> Option<&Known> {
        self.inputs[file].known.map(|at| &self.checkpoint.files[at])
    }

    /// Where the reader of a log begins. What was read must be the beginning of all files together; where it is not, for
    /// example because an older file was added, everything is read again, and the node takes nothing twice.
    pub(super) fn begin(&self) -> Begin {
        let whole = |at: &usize| self.known(*at).is_some_and(|known| known.read >= self.inputs[*at].bytes);
        let count = (0..self.inputs.len()).take_while(whole).count();
        let first = Begin { line: 1, ..Begin::default() };
        if (count + 1..self.inputs.len()).any(|at| self.known(at).is_some()) {
            return first;
        }
        let reported_to = self
            .inputs
            .get(count)
            .map_or(self.bytes(), |input| input.base + self.known(count).map_or(0, |known| known.read));
        let place = self.checkpoint.resume.and_then(|resume| {
            let file = self.inputs.iter().position(|input| input.known == Some(resume.file))?;
            let before = self.inputs[file].base + resume.offset <= reported_to;
            before.then_some(Begin { file, offset: resume.offset, line: resume.line, reported_to })
        });
        // The file with the open calls is not given any more: their ends are reconstructed from what is.
        place.unwrap_or(Begin { reported_to, ..first })
    }

    /// The checkpoint after `file` was read up to `read`, where line `line` begins.
    pub(super) fn read_to(&mut self, file: usize, read: u64, line: u64) -> io::Result<()> {
        let input = &mut self.inputs[file];
        if read == 0 {
            return Ok(());
        }
        let known = Known::of(&input.file, read, line)?;
        if let Some(at) = input.known {
            self.checkpoint.files[at] = known;
        } else {
            input.known = Some(self.checkpoint.files.len());
            self.checkpoint.files.push(known);
        }
        Ok(())
    }

    /// Remembers the place, within all files, from where open calls can be known again.
    pub(super) fn resume_at(&mut self, place: u64, line: impl Fn(usize) -> u64) {
        let found =
            self.inputs.iter().enumerate().rev().find(|(_, input)| input.base <= place && input.known.is_some());
        self.checkpoint.resume = found.and_then(|(at, input)| {
            Some(Resume { file: input.known?, offset: (place - input.base).min(input.bytes), line: line(at) })
        });
    }

    /// The text of the checkpoint, short enough to be kept.
    pub(super) fn text(&mut self) -> String {
        let before = self.checkpoint.files.len();
        self.checkpoint.shorten();
        let forgotten = before - self.checkpoint.files.len();
        for input in &mut self.inputs {
            input.known = input.known.and_then(|at| at.checked_sub(forgotten));
        }
        self.checkpoint.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        }
    }

    /// Reads all files to their ends, with no call left open.
    fn read_all(paths: &[PathBuf], checkpoint: Checkpoint) -> Checkpoint {
        let mut files = Files::open(paths, checkpoint).unwrap();
        for at in 0..paths.len() {
            files.read_to(at, files.inputs[at].bytes, 3).unwrap();
        }
        files.resume_at(files.bytes(), |_| 3);
        Checkpoint::parse(&files.text())
    }

    #[test]
    fn a_grown_file_begins_where_it_ended_and_a_rotated_one_is_recognised() {
        let folder = Folder(tempfile::tempdir().unwrap());
        let log = folder.write("queue_log", "a1\na2\n");
        let checkpoint = read_all(std::slice::from_ref(&log), Checkpoint::default());
        // It grew, was rotated, and a new one began.
        let old = folder.write("queue_log.1", "a1\na2\na3\n");
        folder.write("queue_log", "b1\n");
        let files = Files::open(&[old, log], checkpoint).unwrap();
        assert_eq!(files.begin(), Begin { file: 0, offset: 6, line: 3, reported_to: 6 });
    }

    #[test]
    fn an_older_file_that_was_never_read_makes_everything_be_read_again() {
        let folder = Folder(tempfile::tempdir().unwrap());
        let log = folder.write("queue_log", "b1\nb2\n");
        let checkpoint = read_all(std::slice::from_ref(&log), Checkpoint::default());
        let old = folder.write("queue_log.1", "a1\na2\n");
        let files = Files::open(&[old.clone(), log.clone()], checkpoint.clone()).unwrap();
        assert_eq!(files.begin(), Begin { file: 0, offset: 0, line: 1, reported_to: 0 });
        // Read once in this order, both are known, and nothing is left.
        let checkpoint = read_all(&[old.clone(), log.clone()], checkpoint);
        let files = Files::open(&[old, log], checkpoint).unwrap();
        assert_eq!(files.begin().reported_to, 12);
    }

    #[test]
    fn a_missing_file_is_named_before_anything_is_read() {
        let error = Files::open(&["/nowhere/queue_log".into()], Checkpoint::default()).unwrap_err();
        assert!(error.starts_with("/nowhere/queue_log: "), "{error}");
    }
}
