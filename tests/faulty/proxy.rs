//! A TCP proxy that cuts the connection after so many octets of one direction.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Where the next connection is cut: octets towards the server, octets towards the client.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cut {
    pub(crate) to_server: Option<u64>,
    pub(crate) to_client: Option<u64>,
}

pub(crate) struct Proxy {
    port: u16,
    next: Arc<Mutex<Cut>>,
}

impl Proxy {
    pub(crate) fn start(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let next = Arc::new(Mutex::new(Cut::default()));
        let cut = Arc::clone(&next);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let cut = *cut.lock().unwrap();
                if let Ok(server) = TcpStream::connect(("127.0.0.1", server)) {
                    forward(&client, &server, cut.to_server);
                    forward(&server, &client, cut.to_client);
                }
            }
        });
        Proxy { port, next }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn cut_next(&self, cut: Cut) {
        *self.next.lock().unwrap() = cut;
    }
}

fn forward(from: &TcpStream, to: &TcpStream, limit: Option<u64>) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let (mut buffer, mut left) = ([0; 8192], limit.unwrap_or(u64::MAX));
        loop {
            let length = from.read(&mut buffer).unwrap_or(0);
            let passed = length.min(usize::try_from(left).unwrap_or(usize::MAX));
            if to.write_all(&buffer[..passed]).is_err() || length == 0 || passed < length {
                break;
            }
            left -= passed as u64;
        }
        if limit.is_some() {
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        } else {
            let _ = to.shutdown(Shutdown::Write);
        }
    });
}
