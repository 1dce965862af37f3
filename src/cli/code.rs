//! Identity codes as arguments. Every user of a machine can see the arguments of its processes, so a
//! code can also be read from a file or from standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader};

/// Maximum length of a line with a code.
const LINE_BYTES_MAX: u64 = 4096;

/// A parser of arguments for clap: the code itself, `@FILE` for the first line of a file, or `@-` for
/// the next line of standard input.
pub(super) fn code(text: &str) -> Result<String, String> {
    let Some(name) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    let line = if name == "-" {
        first_line(io::stdin().lock())
    } else {
        File::open(name).and_then(|file| first_line(BufReader::new(file)))
    };
    match line {
        Ok(line) if line.is_empty() => Err("there is no code: write one on a line of its own".to_owned()),
        Ok(line) => Ok(line),
        Err(error) => Err(format!("the code cannot be read ({error}): correct the path after the @")),
    }
}

fn first_line(from: impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.take(LINE_BYTES_MAX).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_from_the_first_line_of_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("code");
        let given = format!("@{}", path.display());
        assert!(code(&given).expect_err("no file").contains("correct the path"));
        std::fs::write(&path, "010181-900C\r\nsecond\n").expect("written");
        assert_eq!(code(&given), Ok("010181-900C".to_owned()));
        std::fs::write(&path, "\n").expect("written");
        assert!(code(&given).expect_err("no code").contains("no code"));
        assert_eq!(code("1.2.3:x"), Ok("1.2.3:x".to_owned()));
    }
}
