#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code, reason = "one of many")]
mod targets;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| targets::mailbox(octets));
