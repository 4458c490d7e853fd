//! `sendvia import csv`: a table (RFC 4180) whose first line names its columns.

use super::super::account::change::Site;
use super::super::account::draft::DraftSecret;
use super::super::failure::Failure;
use super::{Common, Destination, Draft, Harvest, Row, netloc, plan, read};
use crate::account::preset::Presets;
use crate::account::{AccountAddress, TlsMode};
use crate::secret::SecretString;
use crate::verdict::ExitStatus;
use clap::Args;
use std::path::PathBuf;
use zeroize::Zeroizing;

const COLUMNS: [&str; 9] = ["address", "password", "login", "provider", "host", "port", "tls", "users", "aliases"];

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// The table, - for standard input. Columns: address, password; and, if need be, login, provider, host, port, tls,
    /// users, aliases (the last two separated by blanks)
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
}

/// A cell may be a password.
type Cell = Zeroizing<String>;

/// Imports.
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let site = Site::open(&arguments.common.settings)?;
    let text = read(&arguments.file)?;
    let name =
        if arguments.file.as_os_str() == "-" { "stdin".to_owned() } else { arguments.file.display().to_string() };
    let mut lines = records(&text);
    let Some((first, heading)) = lines.next() else {
        return Err(Failure::new(format_args!("{name}: the table is empty"))
            .hint(format!("its first line names the columns: {}", COLUMNS.join(", ")))
            .status(ExitStatus::DataError));
    };
    let columns = columns(&heading, &format!("{name}:{first}"))?;
    let mut harvest = Harvest::default();
    for (line, cells) in lines {
        let origin = format!("{name}:{line}");
        match row(&site.config.presets, &columns, &cells, &origin) {
            Ok(row) => harvest.rows.push(row),
            Err(why) => harvest.left.push(format!("{origin}: {why}")),
        }
    }
    harvest.obsolete.push(name);
    plan::carry_out(&site, &arguments.common, harvest)
}

/// Which cell is which column's.
fn columns(heading: &[Cell], origin: &str) -> Result<Vec<&'static str>, Failure> {
    let find = |cell: &Cell| {
        let name = cell.trim().to_lowercase();
        COLUMNS.into_iter().find(|known| *known == name)
    };
    // A cell of a table without a heading may be a password: it is not told.
    let named: Option<Vec<&'static str>> = heading.iter().map(find).collect();
    let is_enough = |named: &Vec<&str>| named.contains(&"address") && named.contains(&"password");
    named.filter(is_enough).ok_or_else(|| {
        let problem = format!("{origin}: the first line must name the columns, `address` and `password` among them");
        Failure::new(problem).hint(format!("known columns: {}", COLUMNS.join(", "))).status(ExitStatus::DataError)
    })
}

fn row(presets: &Presets, columns: &[&str], cells: &[Cell], origin: &str) -> Result<Row, String> {
    if cells.len() != columns.len() {
        return Err(format!("expected {} cells, but found {}", columns.len(), cells.len()));
    }
    let cell = |name: &str| {
        let index = columns.iter().position(|column| *column == name)?;
        Some(cells[index].as_str()).filter(|text| !text.trim().is_empty())
    };
    let words = |name: &str| cell(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let address = cell("address").ok_or("no address")?;
    let address = whole(address)?;
    let aliases = words("aliases").iter().map(|alias| whole(alias)).collect::<Result<_, _>>()?;
    Ok(Row {
        origin: origin.to_owned(),
        aliases,
        draft: Draft {
            login: cell("login").map_or_else(|| address.to_string(), |login| login.trim().to_owned()),
            place: place(presets, &address, &cell)?,
            secret: DraftSecret::Password(SecretString::from(cell("password").ok_or("no password")?)),
            users: words("users"),
            address,
        },
    })
}

fn whole(text: &str) -> Result<AccountAddress, String> {
    let address = AccountAddress::parse(text.trim()).map_err(|error| error.to_string())?;
    match address.is_whole() {
        true => Ok(address),
        false => Err(format!("{address} has no domain")),
    }
}

/// By `provider`, by `host`, else by the address's domain.
fn place<'c>(
    presets: &Presets,
    address: &AccountAddress,
    cell: &dyn Fn(&str) -> Option<&'c str>,
) -> Result<Destination, String> {
    let tls = cell("tls").map(|tls| tls.trim().parse::<TlsMode>().map_err(|error| error.to_string())).transpose()?;
    let port = cell("port").map(|text| netloc::port(text.trim()).ok_or("no such port")).transpose()?;
    match (cell("host"), cell("provider")) {
        (Some(host), provider) => {
            let port = port.or(tls.map(TlsMode::usual_port)).unwrap_or(587);
            let found = Destination::of_server(presets, netloc::server(host.trim().to_lowercase(), port, tls));
            Ok(Destination { provider: provider.map(str::to_owned).or(found.provider), ..found })
        }
        (None, Some(name)) => match presets.find(name.trim()) {
            Some(preset) => Ok(Destination { provider: Some(preset.name), server: None }),
            None => Err(format!("unknown provider {}", name.trim())),
        },
        (None, None) => match presets.of_domain(&address.domain()) {
            Some(preset) => Ok(Destination { provider: Some(preset.name), server: None }),
            None => Err(format!("no provider is known for {}: fill in `provider` or `host`", address.domain())),
        },
    }
}

/// The records with the line on which each begins. A quoted cell may hold commas, doubled quotes and line ends.
fn records(text: &str) -> impl Iterator<Item = (usize, Vec<Cell>)> {
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut line = 1;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let (cells, behind) = record(rest);
            let begin = line;
            line += rest[..rest.len() - behind.len()].matches('\n').count();
            rest = behind;
            if cells.len() > 1 || !cells[0].is_empty() {
                return Some((begin, cells));
            }
        }
    })
}

/// ```abnf
/// record = field *("," field) (CRLF / LF)
/// field  = DQUOTE *(TEXTDATA / "," / CR / LF / 2DQUOTE) DQUOTE / *TEXTDATA
/// ```
fn record(text: &str) -> (Vec<Cell>, &str) {
    let mut cells = vec![Cell::new(String::new())];
    let mut is_quoted = false;
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        let last = cells.len() - 1;
        match character {
            '"' if is_quoted && characters.peek().is_some_and(|(_, next)| *next == '"') => {
                characters.next();
                cells[last].push('"');
            }
            '"' if is_quoted || cells[last].is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(Cell::new(String::new())),
            '\n' if !is_quoted => return (cells, &text[index + 1..]),
            '\r' if !is_quoted && text[index + 1..].starts_with('\n') => {}
            other => cells[last].push(other),
        }
    }
    (cells, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_spreadsheets_write_them() {
        let text = "\u{feff}address,password\r\na@x,\"p,\"\"q\"\r\n\n\"b@x\",\"two\nlines\"\nc@x,\n,last";
        let read: Vec<(usize, Vec<String>)> =
            records(text).map(|(line, cells)| (line, cells.iter().map(|cell| cell.to_string()).collect())).collect();
        let expected = [
            (1, ["address", "password"]),
            (2, ["a@x", "p,\"q"]),
            (4, ["b@x", "two\nlines"]),
            (6, ["c@x", ""]),
            (7, ["", "last"]),
        ];
        let expected: Vec<(usize, Vec<String>)> =
            expected.into_iter().map(|(line, cells)| (line, cells.map(str::to_owned).to_vec())).collect();
        assert_eq!(read, expected);
    }
}
