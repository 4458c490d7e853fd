//! Writing into the directory: whole files by rename, with the owner of the file of before, or the directory's, so that
//! the MTA's user can read what root made.

use super::{Directory, content};
use crate::account::file::{self, Context};
use crate::account::{AccountAddress, AccountError, Existing, Written, name};
use crate::secret::private::{self, PrivateFileError};
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroizing;

/// Tells this process's links apart while they are made.
static LINKS: AtomicU64 = AtomicU64::new(0);

impl Directory {
    pub(super) fn read_text(&self, address: &AccountAddress) -> Result<Option<Zeroizing<String>>, AccountError> {
        let path = self.file_of(address);
        if is_alias(&path) {
            return Ok(None);
        }
        let Some(content) = content::read(&path)? else { return Ok(None) };
        let not_text = |_| trouble(&path)(io::Error::other("not UTF-8"));
        String::from_utf8(content.octets).map(Zeroizing::new).map(Some).map_err(not_text)
    }

    pub(super) fn write_text(
        &self,
        address: &AccountAddress,
        text: &str,
        existing: Existing,
    ) -> Result<(), AccountError> {
        let path = self.place_for(address, text, existing)?;
        private::write(&path, text.as_bytes()).map_err(|error| unwritten(&path)(error))
    }

    pub(super) fn write_texts(&self, accounts: &[Written], existing: Existing) -> Vec<Result<(), AccountError>> {
        let places = accounts.iter().map(|(address, text)| self.place_for(address, text, existing));
        let places: Vec<Result<PathBuf, AccountError>> = places.collect();
        let with_text = places.iter().zip(accounts);
        let files: Vec<(PathBuf, &[u8])> =
            with_text.filter_map(|(place, (_, text))| Some((place.as_ref().ok()?.clone(), text.as_bytes()))).collect();
        let mut written = private::write_all(&files).into_iter();
        let mut result = |path: PathBuf| match written.next() {
            Some(written) => written.map_err(|error| unwritten(&path)(error)),
            None => Err(trouble(&path)(io::Error::other("it was not written"))),
        };
        places.into_iter().map(|place| place.and_then(&mut result)).collect()
    }

    /// The file in which `text` goes, if it is an account and nothing is in its way.
    fn place_for(&self, address: &AccountAddress, text: &str, existing: Existing) -> Result<PathBuf, AccountError> {
        let path = self.free(address, existing)?;
        let context =
            Context { presets: &self.presets, address: Some(address.clone()), base: &self.path, owner_uid: None };
        if let (None, problems) = file::read(&path, text.as_bytes().to_vec(), context) {
            return Err(AccountError::Malformed { problems });
        }
        // A new site's first account makes the place for all.
        private::make_directory(&self.path).map_err(unwritten(&self.path))?;
        // An account mounted from elsewhere is replaced where it is, not cut off from there.
        let target = std::fs::canonicalize(&path).ok().filter(|target| target.file_name() == path.file_name());
        Ok(target.unwrap_or(path))
    }

    pub(super) fn link(
        &self,
        alias: &AccountAddress,
        target: &AccountAddress,
        existing: Existing,
    ) -> Result<(), AccountError> {
        let path = self.free(alias, existing)?;
        // The link appears whole, whatever stood there.
        let number = LINKS.fetch_add(1, Ordering::Relaxed);
        let temporary = self.path.join(format!(".{}.{number}.alias", std::process::id()));
        let _ = std::fs::remove_file(&temporary);
        symlink(name::of(target), &temporary).map_err(trouble(&temporary))?;
        let placed = give_to_owner(&self.path, &temporary).and_then(|()| std::fs::rename(&temporary, &path));
        if placed.is_err() {
            // The first error is the one to tell.
            let _ = std::fs::remove_file(&temporary);
        }
        placed.map_err(trouble(&path))
    }

    pub(super) fn links_to(&self, address: &AccountAddress) -> Result<Vec<AccountAddress>, AccountError> {
        let Ok(target) = std::fs::canonicalize(self.file_of(address)) else { return Ok(Vec::new()) };
        let mut aliases = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(trouble(&self.path))? {
            let entry = entry.map_err(trouble(&self.path))?;
            if !entry.file_type().is_ok_and(|kind| kind.is_symlink()) || !leads_to(&entry.path(), &target) {
                continue;
            }
            aliases.extend(entry.file_name().to_str().and_then(name::address));
        }
        aliases.sort();
        aliases.retain(|alias| alias.folded() != address.folded());
        Ok(aliases)
    }

    pub(super) fn unlink(&self, address: &AccountAddress) -> Result<bool, AccountError> {
        let path = self.file_of(address);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(trouble(&path)(error)),
        }
    }

    /// The file of `address`, unless it is taken.
    fn free(&self, address: &AccountAddress, existing: Existing) -> Result<PathBuf, AccountError> {
        let path = self.file_of(address);
        match existing == Existing::Keep && path.symlink_metadata().is_ok() {
            true => Err(AccountError::Exists { path }),
            false => Ok(path),
        }
    }
}

fn trouble(path: &Path) -> impl FnOnce(io::Error) -> AccountError {
    let path = path.to_owned();
    move |source| AccountError::Io { path, source }
}

fn unwritten(path: &Path) -> impl FnOnce(PrivateFileError) -> AccountError {
    let path = path.to_owned();
    move |error| match error {
        PrivateFileError::Io { path, source } => AccountError::Io { path, source },
        other => trouble(&path)(io::Error::other(other.to_string())),
    }
}

/// Whether `path` is a symlink to a file of another name.
fn is_alias(path: &Path) -> bool {
    let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    is_link && !std::fs::canonicalize(path).is_ok_and(|target| target.file_name() == path.file_name())
}

fn leads_to(link: &Path, target: &Path) -> bool {
    std::fs::canonicalize(link).is_ok_and(|found| found == target)
}

fn give_to_owner(directory: &Path, link: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let owner = directory.metadata()?;
    std::os::unix::fs::lchown(link, Some(owner.uid()), Some(owner.gid()))
}
