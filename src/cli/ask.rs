//! What is asked of a person at a terminal. Without one nothing asks: the command fails with the flag to use.

use super::failure::Failure;
use crate::secret::{SecretString, source};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// The way to say standard input in `--secret-file`.
const STDIN: &str = "-";

/// Whether somebody can answer.
pub(super) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// The secret from `--secret-file`, else from the person, without echo.
pub(super) fn secret(file: Option<&Path>, prompt: &str) -> Result<SecretString, Failure> {
    match file {
        Some(file) if file.as_os_str() == STDIN => Ok(source::first_line_from(io::stdin().lock(), "standard input")?),
        Some(file) => Ok(source::first_line(file)?),
        None if is_possible() => {
            let typed = rpassword::prompt_password(format!("{prompt}: "))?;
            match typed.is_empty() {
                true => Err(Failure::usage("nothing was entered", "type the password; it is not shown")),
                false => Ok(SecretString::from(typed)),
            }
        }
        None => Err(Failure::usage(
            "no terminal to ask for the secret at",
            "`--secret-file FILE`, or `--secret-file -` for standard input",
        )),
    }
}

/// Whether the person agrees to `question`; `flag` is what stands for that without a terminal.
pub(super) fn agree(question: &str, flag: &str) -> Result<bool, Failure> {
    if !is_possible() {
        return Err(Failure::usage("no terminal to ask at", format!("`{flag}` does it unasked")));
    }
    let answer = line(&format!("{question} [y/N] "))?;
    Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes" | "j" | "ja"))
}

/// A line from the person, blanks taken off.
pub(super) fn line(prompt: &str) -> Result<String, Failure> {
    let mut stderr = io::stderr();
    write!(stderr, "{prompt}").and_then(|()| stderr.flush())?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
