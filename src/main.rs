//! Arguments to subcommand to exit status; nothing else.

fn main() {}
