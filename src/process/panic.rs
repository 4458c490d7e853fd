//! Panics: caught, kept off every stream, and told by their place alone.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Mutex;

/// Where the last panic was, as `file:line`. Its message is not kept: nobody knows what a message may hold.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// From here on a panic prints nothing, whatever `RUST_BACKTRACE` says.
pub fn hide_panics() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
        if let Ok(mut last) = PLACE.lock() {
            *last = place;
        }
    }));
}

/// Runs `work`.
///
/// # Errors
/// A panic, as a text for the verdict.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // What `work` held is never looked at again after a panic.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        let place = PLACE.lock().ok().and_then(|mut last| last.take());
        format!("internal error at {}: please report it", place.as_deref().unwrap_or("an unknown place"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_by_its_place_and_never_by_its_message() {
        let told = caught(|| -> () { panic!("hunter2") }).unwrap_err();
        assert!(told.starts_with("internal error at ") && !told.contains("hunter2"), "{told}");
        assert_eq!(caught(|| 1), Ok(1));
    }
}
