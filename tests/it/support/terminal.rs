//! A person at a terminal: a program on a pty of its own, made by script(1), which sees and types as a person does.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rustix::termios::{LocalModes, tcgetattr};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A test that waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(90);

/// A program at a terminal.
pub(crate) struct Terminal {
    script: Child,
    keyboard: ChildStdin,
    screen: Arc<(Mutex<Screen>, Condvar)>,
    device: File,
    /// How much of the screen was waited for.
    read: usize,
}

#[derive(Default)]
struct Screen {
    text: String,
    is_over: bool,
}

impl Terminal {
    /// Starts `words` at a terminal.
    pub(crate) fn start(words: &[&str]) -> Terminal {
        // Its first line names the terminal, so that its modes can be looked at.
        let command = words.iter().map(|word| format!(" '{}'", word.replace('\'', r"'\''"))).collect::<String>();
        let mut script = Command::new("script");
        script.args(["-q", "-e", "-f", "-c", &format!("tty; exec{command}"), "/dev/null"]);
        script.env("SHELL", "/bin/sh").env("TERM", "xterm").env_remove("SENDVIA_USER").env_remove("SENDVIA_CONFIG");
        let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keyboard, mut output) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
        let screen = Arc::<(Mutex<Screen>, Condvar)>::default();
        let seen = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut octets = [0; 4096];
            loop {
                let count = output.read(&mut octets).unwrap_or(0);
                let mut screen = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
                screen.text.push_str(&String::from_utf8_lossy(&octets[..count]));
                screen.is_over = count == 0;
                seen.1.notify_all();
                if screen.is_over {
                    return;
                }
            }
        });
        let mut guard = screen.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !guard.text.contains('\n') && !guard.is_over {
            guard = screen.1.wait_timeout(guard, PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        }
        let device = guard.text.lines().next().unwrap_or_default().trim().to_owned();
        let read = guard.text.find('\n').map_or(0, |end| end + 1);
        drop(guard);
        let device = File::open(&device).unwrap_or_else(|error| panic!("{device}: {error}"));
        Terminal { script, keyboard, screen, device, read }
    }

    /// Waits until `text` is on the screen, behind what was waited for before.
    #[track_caller]
    pub(crate) fn sees(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        let mut screen = self.screen.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = screen.text[self.read..].find(text) {
                self.read += found + text.len();
                return;
            }
            assert!(!screen.is_over && Instant::now() < deadline, "{text:?} is not in {:?}", screen.text);
            screen = self.screen.1.wait_timeout(screen, PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Types a line once the terminal shows nothing of what is typed; a program that never asks for that fails.
    #[track_caller]
    pub(crate) fn types_unseen(&mut self, line: &str) {
        let deadline = Instant::now() + PATIENCE;
        // There is no event for it.
        while tcgetattr(&self.device).unwrap().local_modes.contains(LocalModes::ECHO) {
            assert!(Instant::now() < deadline, "what is typed would be shown");
            std::thread::sleep(Duration::from_millis(2));
        }
        self.types(line);
    }

    /// Waits for the program's end: its exit status and all that was on the screen.
    pub(crate) fn ends(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + PATIENCE;
        let mut screen = self.screen.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !screen.is_over {
            assert!(Instant::now() < deadline, "no end: {:?}", screen.text);
            screen = self.screen.1.wait_timeout(screen, PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        }
        let text = screen.text.clone();
        drop(screen);
        (self.script.wait().unwrap().code(), text)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // After `ends` there is nobody to kill.
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}
