//! What the resident service keeps itself from.

use std::path::PathBuf;

/// `fence:`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceConfig {
    /// Whether there is one.
    pub is_wanted: bool,
    /// Files and directories that may be read, beside those that the configuration names anyway.
    pub read: Vec<PathBuf>,
}

impl Default for FenceConfig {
    fn default() -> FenceConfig {
        FenceConfig { is_wanted: true, read: Vec::new() }
    }
}
