//! Whom the server lets in.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Logins and their passwords (or access tokens), changeable while the server runs.
pub struct Users(Mutex<Option<HashMap<String, String>>>);

impl Users {
    /// Any login with any password.
    pub fn anyone() -> Users {
        Users(Mutex::new(None))
    }

    /// These and nobody else.
    pub fn only(pairs: impl IntoIterator<Item = (String, String)>) -> Users {
        Users(Mutex::new(Some(pairs.into_iter().collect())))
    }

    /// Adds a login or changes its password; from now on nobody is let in who is not listed.
    pub fn set(&self, login: &str, password: &str) {
        self.lock().get_or_insert_with(HashMap::new).insert(login.to_owned(), password.to_owned());
    }

    /// Whether `login` may enter with `password`.
    pub(super) fn admits(&self, login: &str, password: &str) -> bool {
        !login.is_empty()
            && self.lock().as_ref().is_none_or(|known| known.get(login).is_some_and(|right| right == password))
    }

    // A panic elsewhere cannot leave a map half-changed.
    fn lock(&self) -> MutexGuard<'_, Option<HashMap<String, String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for Users {
    fn clone(&self) -> Users {
        Users(Mutex::new(self.lock().clone()))
    }
}

/// Logins only.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lock().as_ref() {
            None => f.write_str("anyone"),
            Some(known) => f.debug_set().entries(known.keys()).finish(),
        }
    }
}
