//! YAML files with places: every value knows its line, and every error is collected instead of ending the reading.
//!
//! - [`Document`]: one file read into a tree, with the problems found so far.
//! - [`Value`] and [`Section`]: typed reading that notes a problem and goes on.
//! - [`Problem`]: `file:line: field: problem`, with a remedy.
//!
//! serde_yaml gives positions in its errors only. So a value's line is found when a problem is to be told, by reading
//! the text once more and failing on purpose at that value; a file without errors costs nothing for it.
//!
//! Files may hold secrets: no value, and no key that nobody knows, is ever put into a problem.

mod document;
mod problem;
mod section;
mod tree;
mod value;
mod write;

pub use document::{Document, MAX_OCTETS};
pub use problem::{Problem, Severity, nearest};
pub use section::Section;
pub use value::Value;
pub use write::{EditError, Item, compose, set};
