//! `sendvia setup` and `sendvia unset`: sendvia in a mail server's configuration, and out of it.

use super::output;
use crate::config::Config;
use crate::setup::{CONFIG, Manifest, Mode, Mta, PROGRAM, SetupError, USER, Undoing, Wish, reload_commands, run_tool};
use crate::verdict::ExitStatus;
use clap::{Args, ValueEnum};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// How mail is handed over: a process for each recipient, or the resident service
    #[arg(long, value_enum, default_value_t)]
    mode: ModeArgument,
    /// The Unix user of the deliveries
    #[arg(long, default_value = USER)]
    user: String,
}

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct UnsetArguments {
    #[command(flatten)]
    place: PlaceArguments,
}

/// What both commands take.
#[derive(Debug, Args)]
struct PlaceArguments {
    /// The mail server
    #[arg(value_enum)]
    mta: MtaArgument,
    /// The directory of its configuration; by default /etc/postfix or /etc/exim4
    #[arg(short = 'c', long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// The configuration file of sendvia
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    config: PathBuf,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do it without asking
    #[arg(long, short)]
    yes: bool,
    /// Do not tell the mail server to read its configuration again
    #[arg(long)]
    no_reload: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum MtaArgument {
    Postfix,
    Exim,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ModeArgument {
    #[default]
    Pipe,
    Lmtp,
}

/// What becomes of a plan that was shown.
enum Answer {
    Do,
    Leave(ExitStatus),
}

/// Shows the plan, asks, and does it.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    told(set_up(arguments))
}

/// Shows what would be taken out, asks, and does it.
pub(super) fn unset(arguments: &UnsetArguments) -> ExitStatus {
    told(take_out(&arguments.place))
}

fn told(done: Result<ExitStatus, SetupError>) -> ExitStatus {
    done.unwrap_or_else(|error| {
        output::fail(&error, Some(&error.hint()));
        ExitStatus::Config
    })
}

fn set_up(arguments: &Arguments) -> Result<ExitStatus, SetupError> {
    let place = &arguments.place;
    let plan = wish(arguments)?.plan()?;
    if plan.is_empty() {
        output::say("nothing to do: all of it is there");
        note(&plan.notes);
        return Ok(ExitStatus::Ok);
    }
    output::say(plan.text().trim_end());
    note(&plan.notes);
    if let Answer::Leave(status) = place.answer() {
        return Ok(status);
    }
    plan.carry_out()?;
    reload(&plan.reload, place)?;
    output::say(format_args!("set up; `sendvia unset {}` takes it out again", place.mta().name()));
    Ok(ExitStatus::Ok)
}

fn wish(arguments: &Arguments) -> Result<Wish, SetupError> {
    let place = &arguments.place;
    let mode = match arguments.mode {
        ModeArgument::Pipe => Mode::Pipe,
        ModeArgument::Lmtp => Mode::Lmtp,
    };
    Ok(Wish {
        mta: place.mta(),
        mode,
        directory: place.directory()?,
        user: arguments.user.clone(),
        program: program(),
        config: absolute(&place.config)?,
    })
}

/// The program as an MTA starts it: where it is installed, else where this one is.
fn program() -> PathBuf {
    let installed = PathBuf::from(PROGRAM);
    std::env::current_exe().ok().filter(|_| !installed.exists()).unwrap_or(installed)
}

fn absolute(path: &Path) -> Result<PathBuf, SetupError> {
    std::path::absolute(path).map_err(|source| SetupError::Io { path: path.to_owned(), source })
}

fn take_out(place: &PlaceArguments) -> Result<ExitStatus, SetupError> {
    let config = configuration(place)?;
    let path = Manifest::path(&config.state, place.mta(), &place.directory()?);
    let Some(mut manifest) = Manifest::read(&path)? else {
        place.mta().insist_on(&place.directory()?)?;
        output::say("nothing to do: nothing was set up");
        return Ok(ExitStatus::Ok);
    };
    let heir = manifest.pass_on(&path, &place.directory()?)?;
    let undoing = Undoing::of(&manifest)?;
    output::say(undoing.text().trim_end());
    note(&undoing.left);
    if let Answer::Leave(status) = place.answer() {
        return Ok(status);
    }
    if let Some((file, heir)) = heir {
        heir.write(&file)?;
        output::say("another instance is set up: what both need stays until that is taken out");
    }
    let done = undoing.carry_out(&accounts(&config), &path)?;
    reload(&reload_commands(place.mta(), &place.directory()?), place)?;
    output::say("taken out; mail that waits in the queue goes the usual way");
    note(&done.kept);
    note(&done.left);
    Ok(if done.left.is_empty() { ExitStatus::Ok } else { ExitStatus::No })
}

/// As the file says; its defaults where it is gone.
fn configuration(place: &PlaceArguments) -> Result<Config, SetupError> {
    let file = absolute(&place.config)?;
    let read = Config::inspect(Some(&file)).0;
    Ok(read.unwrap_or_else(|| Config::beside(file.parent().unwrap_or(Path::new("/")))))
}

fn accounts(config: &Config) -> PathBuf {
    match &config.accounts {
        crate::account::Place::Directory(path) | crate::account::Place::Sqlite(path) => path.clone(),
    }
}

impl PlaceArguments {
    fn mta(&self) -> Mta {
        match self.mta {
            MtaArgument::Postfix => Mta::Postfix,
            MtaArgument::Exim => Mta::Exim,
        }
    }

    fn directory(&self) -> Result<PathBuf, SetupError> {
        absolute(self.directory.as_deref().unwrap_or(self.mta().directory()))
    }

    fn answer(&self) -> Answer {
        if self.dry_run {
            return Answer::Leave(ExitStatus::Ok);
        }
        if self.yes {
            return Answer::Do;
        }
        if !io::stdin().is_terminal() {
            output::fail("nobody to ask", Some("say --yes, or --dry-run to look at it only"));
            return Answer::Leave(ExitStatus::Usage);
        }
        let _ = write!(io::stdout(), "Do this? [y/N] ").and_then(|()| io::stdout().flush());
        let mut answer = String::new();
        match io::stdin().read_line(&mut answer) {
            Ok(_) if matches!(answer.trim(), "y" | "Y" | "yes" | "j" | "ja") => Answer::Do,
            _ => Answer::Leave(ExitStatus::No),
        }
    }
}

fn note(notes: &[String]) {
    for note in notes {
        output::say(format_args!("note: {note}"));
    }
}

fn reload(commands: &[Vec<String>], place: &PlaceArguments) -> Result<(), SetupError> {
    for command in commands {
        if place.no_reload {
            output::say(format_args!("now: {}", command.join(" ")));
            continue;
        }
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        if let [program, arguments @ ..] = words.as_slice() {
            run_tool(program, arguments)?;
        }
    }
    Ok(())
}
