//! Reads the lines of files, which may be compressed, in chunks of bounded size.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use indicatif::ProgressBar;

use crate::cli::failure::CommandFailure;

/// The name of standard input.
const STANDARD_INPUT: &str = "-";

/// Number of lines in a chunk.
const LINES_PER_CHUNK: usize = 2_048;

/// Maximum number of bytes in a chunk, unless its first line is longer.
const BYTES_PER_CHUNK: usize = 4 << 20;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Some lines of a file.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// The position of the file among those named.
    pub(super) file: usize,
    /// The number of the first line, counted from 1.
    pub(super) first: u64,
    bytes: Vec<u8>,
    /// The end of each line in `bytes`, and whether the line is whole.
    ends: Vec<(usize, Ending)>,
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// By a newline.
    Newline,
    /// By the end of the file.
    EndOfFile,
    /// It is longer than is read.
    TooLong,
}

/// A file that is read from its start to its end.
pub(super) struct LineFile {
    reader: Box<dyn BufRead + Send>,
    file: usize,
    next: u64,
    line_bytes_max: usize,
}

impl LineFile {
    /// Opens a file, which may be compressed with gzip or Zstandard; `-` is standard
    /// input. The bar shows the bytes that are read of it.
    pub(super) fn open(
        path: &Path,
        file: usize,
        line_bytes_max: usize,
        bar: &ProgressBar,
    ) -> io::Result<Self> {
        let raw: Box<dyn Read + Send> = if path == Path::new(STANDARD_INPUT) {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(path)?)
        };
        let mut raw = BufReader::with_capacity(1 << 20, bar.wrap_read(raw));
        let start = first_bytes(&mut raw, ZSTD_MAGIC.len())?;
        let (is_gzip, is_zstd) = (start.starts_with(&GZIP_MAGIC), start.starts_with(&ZSTD_MAGIC));
        let raw = Cursor::new(start).chain(raw);
        let mut decoded: Box<dyn Read + Send> = if is_gzip {
            Box::new(MultiGzDecoder::new(raw))
        } else if is_zstd {
            Box::new(zstd::stream::read::Decoder::with_buffer(raw)?)
        } else {
            Box::new(raw)
        };
        let mut start = first_bytes(&mut decoded, BYTE_ORDER_MARK.len())?;
        if start == BYTE_ORDER_MARK {
            start.clear();
        }
        let reader = BufReader::with_capacity(1 << 20, Cursor::new(start).chain(decoded));
        Ok(Self { reader: Box::new(reader), file, next: 1, line_bytes_max })
    }

    /// The next lines; none at the end.
    pub(super) fn chunk(&mut self) -> io::Result<Option<Chunk>> {
        let mut chunk = Chunk { file: self.file, first: self.next, ..Chunk::default() };
        while chunk.ends.len() < LINES_PER_CHUNK && chunk.bytes.len() < BYTES_PER_CHUNK {
            let Some(ending) = self.line(&mut chunk.bytes)? else { break };
            chunk.ends.push((chunk.bytes.len(), ending));
            self.next += 1;
        }
        Ok((!chunk.ends.is_empty()).then_some(chunk))
    }

    /// Appends the next line without its end, at most as much as is allowed.
    fn line(&mut self, to: &mut Vec<u8>) -> io::Result<Option<Ending>> {
        let start = to.len();
        let mut is_too_long = false;
        loop {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                let is_empty = to.len() == start && !is_too_long;
                return Ok((!is_empty).then_some(if is_too_long {
                    Ending::TooLong
                } else {
                    Ending::EndOfFile
                }));
            }
            let newline = available.iter().position(|byte| *byte == b'\n');
            let part = available.get(..newline.unwrap_or(available.len())).unwrap_or_default();
            if to.len() - start + part.len() > self.line_bytes_max {
                is_too_long = true;
                to.truncate(start);
            }
            if !is_too_long {
                to.extend_from_slice(part);
            }
            let used = part.len() + usize::from(newline.is_some());
            self.reader.consume(used);
            if newline.is_some() {
                return Ok(Some(if is_too_long { Ending::TooLong } else { Ending::Newline }));
            }
        }
    }
}

impl Chunk {
    /// Each line with its number and how it ended. A carriage return before the
    /// newline is no part of it.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, &[u8], Ending)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(end, _)| *end));
        (self.first..).zip(starts.zip(&self.ends)).map(|(number, (start, (end, ending)))| {
            let line = self.bytes.get(start..*end).unwrap_or_default();
            (number, line.strip_suffix(b"\r").unwrap_or(line), *ending)
        })
    }

    /// Number of lines.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}

/// The first bytes, fewer only if there are fewer. A pipe may return them one by one.
fn first_bytes(from: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The sum of the sizes of files; none if one of them has none, as standard input or a pipe. A file that is
/// missing is reported before anything else is done. No file is opened: a pipe can be opened once only.
pub(super) fn bytes_of(files: &[PathBuf]) -> Result<Option<u64>, CommandFailure> {
    let mut sum = Some(0_u64);
    for path in files {
        if path == Path::new(STANDARD_INPUT) {
            sum = None;
            continue;
        }
        let failed = |error| CommandFailure::File(path.display().to_string(), error);
        let metadata = path.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        sum = sum.filter(|_| metadata.is_file()).map(|sum| sum.saturating_add(metadata.len()));
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(text: &[u8], line_bytes_max: usize) -> Vec<(u64, String, Ending)> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text).expect("written");
        let mut lines =
            LineFile::open(file.path(), 0, line_bytes_max, &ProgressBar::hidden()).expect("opened");
        let mut read = Vec::new();
        while let Some(chunk) = lines.chunk().expect("read") {
            let text = |line: &[u8]| String::from_utf8(line.to_vec()).expect("UTF-8");
            read.extend(chunk.lines().map(|(number, line, ending)| (number, text(line), ending)));
        }
        read
    }

    fn line(number: u64, text: &str, ending: Ending) -> (u64, String, Ending) {
        (number, text.to_owned(), ending)
    }

    #[test]
    fn lines_end_at_newlines_and_at_the_end_of_the_file() {
        use Ending::{EndOfFile, Newline};
        assert_eq!(read(b"", 10), []);
        assert_eq!(
            read(b"a\r\n\nb", 10),
            [line(1, "a", Newline), line(2, "", Newline), line(3, "b", EndOfFile)]
        );
        assert_eq!(read(b"\xef\xbb\xbfa\n", 10), [line(1, "a", Newline)]);
    }

    #[test]
    fn a_line_that_is_too_long_is_not_kept_and_the_next_one_is_read() {
        use Ending::{Newline, TooLong};
        let long = [b"x".repeat(3 << 20), b"\nok\n".to_vec()].concat();
        assert_eq!(read(&long, 1 << 20), [line(1, "", TooLong), line(2, "ok", Newline)]);
        assert_eq!(read(b"abc\nab\n", 2), [line(1, "", TooLong), line(2, "ab", Newline)]);
    }

    #[test]
    fn compressed_files_are_recognized_by_their_first_bytes() {
        let text = b"one\ntwo\n";
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text).expect("compressed");
        let zstd = zstd::encode_all(text.as_slice(), 0).expect("compressed");
        for compressed in [gzip.finish().expect("compressed"), zstd] {
            assert_eq!(read(&compressed, 10), read(text, 10));
        }
    }
}
