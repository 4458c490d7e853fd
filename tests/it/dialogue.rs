//! The submission client against a server that plays a script, reply by reply (`tests/dialogue/submission/`), against
//! every reply that a server can give where it should not (`table`), over a connection that is cut after each of its
//! octets (`cut`), counted in flights (`flights`), and by every way that leads to a server (`ways`).

mod cut;
mod flights;
mod player;
mod script;
mod table;
mod tls;
mod ways;

use script::Script;
use std::fs;
use std::path::Path;

#[tokio::test]
async fn every_dialogue_file_is_spoken_as_it_is_written() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogue/submission");
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 10);
    let mut wrong = Vec::new();
    for path in paths {
        let script = Script::parse(&fs::read_to_string(&path).unwrap());
        if let Err(why) = player::play(&script).await {
            wrong.push(format!("{}: {why}", path.file_name().unwrap().display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
