//! As much HTTP/1 as balancers and Prometheus speak, beside clients that are broken or hostile: a head and no body, one
//! answer for each connection, and a bound on everything that a client can take.
//!
//! It is our own because the small servers of the registry lack those bounds: `tiny_http` has no time-outs, reads the body that
//! a client announces, and ends with the first error of accept(2); `oxhttp` starts its time-out anew with each byte, and at its
//! limit of connections the idle ones keep the next one out. `hyper` has the bounds, and brings an asynchronous runtime
//! for a page of a hundred bytes. The head is read by `httparse`.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use super::serve::Page;
use crate::ocf::{Deadline, TimedOut, wait_until};

/// From the connection to the end of the head, in all.
const HEAD_TIME: Duration = Duration::from_secs(2);

/// A longer head is refused.
const HEAD_SIZE: usize = 4096;

/// As many fields as a head of that size is likely to have; more are refused.
const FIELDS: usize = 64;

/// For a client to take its answer.
const WRITE_TIME: Duration = Duration::from_secs(2);

/// For a client to close after its answer: what it sent and nobody has read would make the kernel reset the connection, and the
/// answer would be lost with it.
const CLOSE_TIME: Duration = Duration::from_millis(500);

/// As many connections at once. For one more, that which has waited longest for its client is closed.
const CONNECTIONS: usize = 64;

/// After accept(2) has failed.
const RETRY: Duration = Duration::from_millis(100);

/// Listens, and answers each request of a path with its page, for ever.
///
/// # Errors
/// When nobody can listen there.
pub(super) fn serve(
    place: SocketAddr,
    respond: impl Fn(&str) -> Page + Send + Sync + 'static,
) -> io::Result<()> {
    let listener = TcpListener::bind(place)?;
    let (respond, clients) = (Arc::new(respond), Arc::new(Clients::default()));
    for number in 0.. {
        match listener.accept() {
            Ok((stream, _)) => {
                if let Some(client) = Clients::admit(&clients, number, stream) {
                    let respond = Arc::clone(&respond);
                    let work = move || client.serve(&*respond);
                    if let Err(error) = thread::Builder::new().spawn(work) {
                        log::warn!("cannot start a thread for a client: {error}");
                    }
                }
            }
            Err(error) => {
                log::warn!("cannot accept a connection: {error}");
                clients.make_room();
                pause(RETRY);
            }
        }
    }
    Ok(())
}

fn pause(time: Duration) {
    let nothing = || Ok::<Option<()>, TimedOut>(None);
    let _ = wait_until(&Deadline::after(time), time, "a pause", nothing);
}

/// The connections there are, by number; the oldest first.
#[derive(Debug, Default)]
struct Clients(Mutex<BTreeMap<u64, Known>>);

#[derive(Debug)]
struct Known {
    stream: Arc<TcpStream>,
    /// Whether we wait for the client, not it for us.
    waits: bool,
}

impl Clients {
    /// Takes a connection in; `None`, and it is closed, when all others are being answered.
    fn admit(clients: &Arc<Self>, number: u64, stream: TcpStream) -> Option<Client> {
        let stream = Arc::new(stream);
        if clients.table().len() >= CONNECTIONS && !clients.make_room() {
            return None;
        }
        let known = Known {
            stream: Arc::clone(&stream),
            waits: true,
        };
        clients.table().insert(number, known);
        Some(Client {
            number,
            stream,
            clients: Arc::clone(clients),
        })
    }

    /// Closes the connection that has waited longest for its client, whose thread then ends; false when none waits.
    fn make_room(&self) -> bool {
        let mut table = self.table();
        let oldest = table.iter().find(|(_, known)| known.waits);
        let Some(known) = oldest
            .map(|(number, _)| *number)
            .and_then(|number| table.remove(&number))
        else {
            return false;
        };
        let _ = known.stream.shutdown(Shutdown::Both);
        true
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<u64, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection; forgotten with its end, however that comes.
#[derive(Debug)]
struct Client {
    number: u64,
    stream: Arc<TcpStream>,
    clients: Arc<Clients>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.clients.table().remove(&self.number);
    }
}

impl Client {
    fn serve(self, respond: &dyn Fn(&str) -> Page) {
        if let Err(error) = self.converse(respond) {
            log::debug!("a client left: {error}");
        }
    }

    fn converse(&self, respond: &dyn Fn(&str) -> Page) -> io::Result<()> {
        self.stream.set_write_timeout(Some(WRITE_TIME))?;
        let request = self.head(&Deadline::after(HEAD_TIME))?;
        self.waits(false);
        let answer = match &request {
            Ok(request) => text(&respond(&request.path), request.head_only),
            Err(refused) => text(refused, false),
        };
        (&*self.stream).write_all(answer.as_bytes())?;
        self.stream.shutdown(Shutdown::Write)?;
        self.waits(true);
        self.drain(&Deadline::after(CLOSE_TIME))
    }

    fn waits(&self, waits: bool) {
        if let Some(known) = self.clients.table().get_mut(&self.number) {
            known.waits = waits;
        }
    }

    /// Reads to the end of the head.
    fn head(&self, deadline: &Deadline) -> io::Result<Result<Request, Page>> {
        let mut bytes = Vec::with_capacity(HEAD_SIZE);
        loop {
            let mut part = [0; HEAD_SIZE];
            let room = HEAD_SIZE - bytes.len();
            let count = self.read(&mut part[..room], deadline)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes.extend_from_slice(&part[..count]);
            match read_head(&bytes) {
                Some(request) => return Ok(request),
                None if bytes.len() == HEAD_SIZE => return Ok(Err(too_large())),
                None => {}
            }
        }
    }

    /// Throws away what the client still sends, until it closes.
    fn drain(&self, deadline: &Deadline) -> io::Result<()> {
        let mut part = [0; HEAD_SIZE];
        while self.read(&mut part, deadline)? > 0 {}
        Ok(())
    }

    fn read(&self, part: &mut [u8], deadline: &Deadline) -> io::Result<usize> {
        if deadline.passed() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream
            .set_read_timeout(Some(deadline.left().max(Duration::from_millis(1))))?;
        (&*self.stream).read(part)
    }
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    path: String,
    /// HEAD: the answer has no body.
    head_only: bool,
}

/// Reads a head, or says what is wrong with it; `None` when there has to be more.
fn read_head(bytes: &[u8]) -> Option<Result<Request, Page>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut head = httparse::Request::new(&mut fields);
    match head.parse(bytes) {
        Ok(httparse::Status::Partial) => return None,
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Some(Err(too_large())),
        Err(error) => return Some(Err(refusal(400, &error.to_string()))),
    }
    // xinetd's clustercheck answered OPTIONS and HEAD as it did GET.
    let method = head.method.unwrap_or_default();
    if !["GET", "HEAD", "OPTIONS"].contains(&method) {
        return Some(Err(refusal(405, "GET, HEAD, OPTIONS")));
    }
    Some(Ok(Request {
        path: head.path.unwrap_or_default().to_owned(),
        head_only: method == "HEAD",
    }))
}

fn too_large() -> Page {
    refusal(431, "the head is too large")
}

fn refusal(code: u16, why: &str) -> Page {
    Page {
        code,
        text: format!("{why}\r\n"),
    }
}

/// The answer as it goes over the line. Its length is that of the body even where there is none (RFC 9110, 8.6).
fn text(page: &Page, head_only: bool) -> String {
    let (reason, allow) = match page.code {
        200 => ("OK", ""),
        400 => ("Bad Request", ""),
        404 => ("Not Found", ""),
        405 => ("Method Not Allowed", "Allow: GET, HEAD, OPTIONS\r\n"),
        431 => ("Request Header Fields Too Large", ""),
        503 => ("Service Unavailable", ""),
        _ => ("", ""),
    };
    let date = httpdate::fmt_http_date(SystemTime::now());
    let (code, length) = (page.code, page.text.len());
    let body = if head_only { "" } else { &page.text };
    format!(
        "HTTP/1.1 {code} {reason}\r\nDate: {date}\r\nContent-Type: text/plain; version=0.0.4\r\n{allow}\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
