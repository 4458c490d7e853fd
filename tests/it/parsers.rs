//! The targets of `fuzz/` in a normal test run: their corpus, cut and joined with itself, and random octets.

#[path = "../../fuzz/targets.rs"]
mod targets;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::fs;
use std::path::Path;

/// What parsers stumble over.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b".",
    b"\r\n.\r\n",
    b"\n.\n",
    b":",
    b",",
    b";",
    b"<",
    b">",
    b"@",
    b"\"",
    b"\\",
    b"(",
    b")",
    b"=",
    b"-",
    b"250 ",
    b"250-",
    b"550",
    b"a",
    b"A: b\r\n",
    b"From: ",
    b"\xff",
    b"\xc3\xbc",
    b"=?utf-8?Q?a?=",
    b"3:abc,",
    b"99999999999999999999:",
    b"name=value\n",
    b"MAIL FROM:<",
    b"RCPT TO:<",
    b" SIZE=",
    b"BDAT ",
    b"+41",
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b"--b\r\n",
    b"--b--\r\n",
];

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}

#[test]
fn every_target_has_a_corpus_and_its_every_beginning_and_end_holds() {
    for (name, target) in targets::ALL {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name}");
        for input in corpus {
            (0..=input.len()).for_each(|at| {
                target(&input[..at]);
                target(&input[at..]);
            });
        }
    }
}

#[test]
fn every_target_is_a_program_of_cargo_fuzz() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for (name, _) in targets::ALL {
        let program = fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("targets::{name}(octets)")), "{name}");
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_octets_break_a_parser(octets in vec(any::<u8>(), 0..200)) {
        targets::ALL.iter().for_each(|(_, target)| target(&octets));
    }

    #[test]
    fn no_pieces_break_a_parser(pieces in vec(select(PIECES), 0..40)) {
        targets::ALL.iter().for_each(|(_, target)| target(&pieces.concat()));
    }
}
