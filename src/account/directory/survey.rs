//! Every file of the directory, with all that is wrong: for `check` and `list`, never for a delivery.

use super::content::{self, Content};
use super::{Directory, Loaded, name};
use crate::account::{AccountAddress, AccountError, Surveyed};
use crate::secret::SecretSource;
use crate::yaml::{Problem, Severity};
use std::path::{Path, PathBuf};

impl Directory {
    /// Every file of the directory by name. Files that do not end in `.yaml` (README, backups) are left alone, but for
    /// one that looks like an account's.
    pub(super) fn survey_files(&self, each: &mut dyn FnMut(Surveyed)) -> Result<(), AccountError> {
        let trouble = |source| AccountError::Io { path: self.path.clone(), source };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(trouble)? {
            names.push(entry.map_err(trouble)?.file_name());
        }
        names.sort();
        names.iter().filter_map(|name| self.misnamed(name.to_str()?)).for_each(&mut *each);
        let is_account = |name: &&str| !name.starts_with('.') && name.ends_with(name::SUFFIX);
        for name in names.iter().filter_map(|name| name.to_str()).filter(is_account) {
            if let Some(surveyed) = self.survey_one(name).transpose() {
                each(Surveyed::from_result(surveyed));
            }
        }
        Ok(())
    }

    /// A file that is meant for an account, and never found: `anna@gmx.de.yml`.
    fn misnamed(&self, name: &str) -> Option<Surveyed> {
        let stem = name.strip_suffix(".yml").filter(|stem| stem.contains('@') && !stem.starts_with('.'))?;
        let (path, right) = (self.path.join(name), self.path.join(format!("{stem}{}", name::SUFFIX)));
        let problem = Problem::of_file(&path, "never found: an account's file ends in .yaml").with_hint(format!(
            "mv {} {}",
            path.display(),
            right.display()
        ));
        Some(Surveyed { path, account: None, alias: None, problems: vec![problem] })
    }

    /// One file; `None` where it is gone since the directory was read.
    fn survey_one(&self, file_name: &str) -> Result<Option<Surveyed>, (PathBuf, Vec<Problem>)> {
        let path = self.path.join(file_name);
        let address = named_address(&path, file_name).map_err(|problem| (path.clone(), vec![problem]))?;
        let broken = |error: AccountError| (path.clone(), error.into_problems());
        let Some(content) = content::read(&path).map_err(broken)? else { return Ok(None) };
        let exposure = exposure(&path, &content);
        let Loaded { account, is_alias, mut warnings } =
            self.read(&path, address.as_ref(), content).map_err(|error| (path.clone(), error.into_problems()))?;
        if matches!(account.secret, SecretSource::Plain(_)) && !is_alias {
            warnings.extend(exposure);
        }
        let alias = address.filter(|_| is_alias);
        Ok(Some(Surveyed { path, account: Some(account), alias, problems: warnings }))
    }
}

impl Surveyed {
    fn from_result(result: Result<Surveyed, (PathBuf, Vec<Problem>)>) -> Surveyed {
        result.unwrap_or_else(|(path, problems)| Surveyed { path, account: None, alias: None, problems })
    }
}

/// The address that a file's name stands for; `None` for a digest.
fn named_address(path: &Path, file_name: &str) -> Result<Option<AccountAddress>, Problem> {
    match name::address(file_name) {
        Some(address) if name::of(&address) == file_name => Ok(Some(address)),
        Some(address) => {
            let hint = format!("mv {} {}", path.display(), path.with_file_name(name::of(&address)).display());
            Err(Problem::of_file(path, format!("never found: the file of {address} has another name")).with_hint(hint))
        }
        None if name::is_digest(file_name) => Ok(None),
        None => Err(Problem::of_file(path, "the file's name is no address").with_hint(
            "an account's file is called by its address, anna@gmx.de.yaml, or by its domain, @example.org.yaml",
        )),
    }
}

/// A file with a password in the clear that others can read. The group may be let in where root owns the file, because
/// that is how a daemon's user is.
fn exposure(path: &Path, content: &Content) -> Option<Problem> {
    let allowed = if content.owner_uid == 0 { 0o740 } else { 0o700 };
    let exposed = content.mode & 0o777 & !allowed != 0;
    exposed.then(|| {
        let severity = Severity::Warning;
        let text = format!("others can read the password in it (mode {:04o})", content.mode);
        Problem { severity, ..Problem::of_file(path, text) }.with_hint(format!("chmod 600 {}", path.display()))
    })
}
