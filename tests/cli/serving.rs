//! `galeractl serve` beside clients that are broken or hostile. There is no cluster, so a request is answered with 503.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::GALERACTL;

/// Longer than the program lets any client hold it up.
const LONG: Duration = Duration::from_secs(10);

/// A request is answered without a wait for other clients; most of this is for a machine that is busy.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A running `galeractl serve`.
struct Server {
    child: Child,
    place: SocketAddr,
}

impl Server {
    fn start() -> Self {
        Self::with_files(1024)
    }

    /// With at most so many open files.
    fn with_files(most: u32) -> Self {
        let started = Instant::now();
        loop {
            if let Some(server) = Self::on_a_free_port(most, started) {
                return server;
            }
        }
    }

    /// `None` where another program was quicker to take the port.
    fn on_a_free_port(most: u32, started: Instant) -> Option<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let place = free.local_addr().unwrap();
        drop(free);
        let port = place.port();
        let script =
            format!("ulimit -n {most}; exec {GALERACTL} serve --address 127.0.0.1 --port {port}");
        let child = Command::new("/bin/sh")
            .env_clear()
            .args(["-c", &script])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { child, place };
        while !server.speaks() {
            assert!(started.elapsed() < LONG, "nobody answers on {place}");
            if server.child.try_wait().unwrap().is_some() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(server)
    }

    /// Whether it is there and answers. That a connection is made does not say so: it may be one to itself.
    fn speaks(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.place) else {
            return false;
        };
        stream.set_read_timeout(Some(LONG)).unwrap();
        let mut answer = [0; 9];
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && answer == *b"HTTP/1.1 "
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect_timeout(&self.place, LONG).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        stream
    }

    /// Sends that, and returns the whole answer.
    fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The claim of most tests here.
    fn answers_a_healthy_request(&mut self) {
        let asked = Instant::now();
        let answer = self.ask("GET / HTTP/1.1\r\nHost: node1:9200\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(
            answer.contains("Galera cluster node is not synced: "),
            "{answer}"
        );
        assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
        assert_eq!(self.child.try_wait().unwrap(), None, "it has ended");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_body_that_never_comes_holds_nobody_up_whatever_its_length() {
    let mut server = Server::start();
    let mut silent = Vec::new();
    for length in ["2000", "18446744073709551615", "99999999999999999999999"] {
        let mut client = server.connect();
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        client.write_all(head.as_bytes()).unwrap();
        silent.push(client);
    }
    server.answers_a_healthy_request();
    for mut client in silent {
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    }
    let body = "x".repeat(2000);
    let get = format!("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n{body}");
    assert!(server.ask(&get).starts_with("HTTP/1.1 503 "));
}

#[test]
fn idle_clients_do_not_keep_the_next_one_out_however_many() {
    let mut server = Server::with_files(300);
    let idle: Vec<_> = (0..400).map(|_| server.connect()).collect();
    server.answers_a_healthy_request();
    drop(idle);
    server.answers_a_healthy_request();
}

#[test]
fn it_goes_on_when_the_system_has_no_descriptor_left_for_it() {
    let mut server = Server::with_files(20);
    let idle: Vec<_> = (0..50).map(|_| server.connect()).collect();
    drop(server.ask("GET / HTTP/1.0\r\n\r\n"));
    drop(idle);
    server.answers_a_healthy_request();
}

/// Time-outs from byte to byte would let this one stay.
#[test]
fn a_client_that_sends_a_byte_now_and_then_is_given_up() {
    let mut server = Server::start();
    let mut slow = server.connect();
    let tick = Duration::from_millis(200);
    slow.set_read_timeout(Some(tick)).unwrap();
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < LONG, "it is served for ever");
        let sent = slow.write_all(b"G");
        match slow.read(&mut [0; 16]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && sent.is_ok() => {}
            _ => break,
        }
    }
    server.answers_a_healthy_request();
}

#[test]
fn a_head_without_end_or_of_nonsense_is_refused() {
    let server = Server::start();
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(5000));
    assert!(server.ask(&long).starts_with("HTTP/1.1 431 "));
    assert!(server.ask("\u{1}\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

#[test]
fn the_methods_of_balancers_are_answered_in_either_version() {
    let server = Server::start();
    for request in ["GET / HTTP/1.0", "OPTIONS / HTTP/1.0", "OPTIONS / HTTP/1.1"] {
        let answer = server.ask(&format!("{request}\r\n\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(head.contains("\r\nConnection: close"), "{answer}");
        assert!(
            head.contains(&format!("\r\nContent-Length: {}", body.len())),
            "{answer}"
        );
    }
    let answer = server.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(
        answer.ends_with("\r\n\r\n") && !answer.contains("\r\nContent-Length: 0"),
        "{answer}"
    );
}
