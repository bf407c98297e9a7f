//! A hub on the loopback interface: the requests that a download needs, and the
//! faults that a network has.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) const REPO: &str = "org/model";
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What goes wrong with a path. Given to [`Server::fail`] as often as it is to
/// happen.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The connection breaks after so many bytes of content.
    Cut(usize),
    /// Nothing for a while.
    Silence(Duration),
    /// Another status, and the hub's code for it.
    Status(u16, &'static str),
    /// The announced size is off by so many bytes.
    Longer(i64),
    /// All of the file in spite of a range.
    IgnoreRange,
    /// Another part of the file than the one asked for.
    WrongRange,
    /// No size, and bytes behind the end of the file.
    Overflow,
    /// A redirect, with hash and size of the file it leads to.
    Redirect(String),
    /// Headers in place of those of the file.
    Headers(&'static str),
}

/// A request that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    pub(crate) authorization: Option<String>,
}

#[derive(Default)]
struct State {
    commit: String,
    files: BTreeMap<String, Vec<u8>>,
    /// Faults per method and file (or `api`), first come first.
    faults: HashMap<(String, String), Vec<Fault>>,
    seen: Vec<Seen>,
}

pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves the files of the demo voice, a README and a picture.
    pub(crate) fn start() -> Self {
        let files = tts_fixture::FILES.iter().map(|&(name, content)| (name, content.to_vec()));
        let rest = [("README.md", b"# Model".to_vec()), ("picture.png", vec![7; 100])];
        Self::with_files(files.chain(rest))
    }

    pub(crate) fn with_files(files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let files = files.into_iter().map(|(name, content)| (name.to_owned(), content)).collect();
        let state = State { commit: COMMIT.to_owned(), files, ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (state, stop) = (state.clone(), stop.clone());
            move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let (stream, state) = (stream.unwrap(), state.clone());
                    // A client that hangs up is part of the tests.
                    std::thread::spawn(move || answer(stream, &state).ok());
                }
            }
        });
        Self { address, state, stop, thread: Some(thread) }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn content(&self, file: &str) -> Vec<u8> {
        self.state.lock().unwrap().files[file].clone()
    }

    pub(crate) fn put(&self, file: &str, content: Vec<u8>) {
        self.state.lock().unwrap().files.insert(file.to_owned(), content);
    }

    pub(crate) fn remove(&self, file: &str) {
        self.state.lock().unwrap().files.remove(file).unwrap();
    }

    /// Moves the branch to another commit.
    pub(crate) fn push(&self, commit: &str) {
        commit.clone_into(&mut self.state.lock().unwrap().commit);
    }

    /// Lets requests for a file (or for the listing, `api`) go wrong, one fault
    /// after the other.
    pub(crate) fn fail(&self, method: &str, file: &str, faults: impl IntoIterator<Item = Fault>) {
        let key = (method.to_owned(), file.to_owned());
        self.state.lock().unwrap().faults.entry(key).or_default().extend(faults);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    /// The `Range` headers of the requests for the content of a file.
    pub(crate) fn ranges(&self, file: &str) -> Vec<Option<String>> {
        let is_content = |seen: &Seen| seen.method == "GET" && seen.path.ends_with(file);
        self.seen().into_iter().filter(is_content).map(|seen| seen.range).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        TcpStream::connect(self.address).unwrap();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// What the hub uses as the name of a file's content: not the real hash, which
/// would make the client compare.
pub(crate) fn etag(content: &[u8]) -> String {
    let sum = content.iter().fold(7_u64, |sum, &byte| {
        sum.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(byte) + 1)
    });
    format!("{sum:040x}")
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let seen = read_request(&stream)?;
    let prefix = format!("/{REPO}/resolve/");
    let file = match seen.path.strip_prefix(&prefix) {
        Some(rest) => rest.split_once('/').map(|(_, file)| file.to_owned()),
        None => seen.path.strip_prefix("/storage/").map(str::to_owned),
    };
    let is_listing = seen.path.starts_with(&format!("/api/models/{REPO}/revision/"));
    let name = if is_listing { "api".to_owned() } else { file.clone().unwrap_or_default() };

    let (content, fault) = {
        let mut state = state.lock().unwrap();
        state.seen.push(seen.clone());
        let faults = state.faults.get_mut(&(seen.method.clone(), name));
        let fault = faults.filter(|faults| !faults.is_empty()).map(|faults| faults.remove(0));
        let content = if is_listing {
            Some(listing(&state).into_bytes())
        } else {
            file.and_then(|file| state.files.get(&file).cloned())
        };
        (content, fault)
    };
    let Some(content) = content else {
        return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    };
    send(stream, &seen, &content, fault)
}

fn listing(state: &State) -> String {
    let names = state.files.keys().map(|name| format!("{{\"rfilename\":{name:?}}}"));
    let names: Vec<_> = names.collect();
    format!("{{\"sha\":{:?},\"siblings\":[{}]}}", state.commit, names.join(","))
}

fn send(
    mut stream: TcpStream,
    seen: &Seen,
    content: &[u8],
    fault: Option<Fault>,
) -> std::io::Result<()> {
    let mut start = match &seen.range {
        Some(range) => range["bytes=".len()..].trim_end_matches('-').parse().unwrap(),
        None => 0,
    };
    let mut longer = 0;
    let mut stop = content.len();
    match fault {
        Some(Fault::Status(status, code)) => {
            let code =
                if code.is_empty() { String::new() } else { format!("X-Error-Code: {code}\r\n") };
            return write!(stream, "HTTP/1.1 {status} No\r\n{code}Content-Length: 0\r\n\r\n");
        }
        Some(Fault::Redirect(target)) => {
            let (hash, size) = (etag(content), content.len());
            return write!(
                stream,
                "HTTP/1.1 302 Found\r\nLocation: {target}\r\nX-Linked-Etag: \"{hash}\"\r\n\
                 X-Linked-Size: {size}\r\nContent-Length: 0\r\n\r\n"
            );
        }
        Some(Fault::Headers(headers)) => {
            return write!(stream, "HTTP/1.1 200 OK\r\n{headers}\r\n\r\n");
        }
        Some(Fault::Overflow) => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            stream.write_all(content)?;
            return stream.write_all(&[0; 1000]);
        }
        Some(Fault::Silence(time)) => std::thread::sleep(time),
        Some(Fault::Cut(after)) => stop = (start + after).min(content.len()),
        Some(Fault::Longer(bytes)) => longer = bytes,
        Some(Fault::IgnoreRange) => start = 0,
        Some(Fault::WrongRange) => start += 10,
        None => {}
    }
    let total = content.len() as i64 + longer;
    let length = total - start as i64;
    let (hash, last) = (etag(content), total - 1);
    let status = if start > 0 {
        format!("206 Partial Content\r\nContent-Range: bytes {start}-{last}/{total}")
    } else {
        "200 OK".to_owned()
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nETag: \"{hash}\"\r\nX-Repo-Commit: {COMMIT}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    if seen.method == "GET" {
        stream.write_all(&content[start..stop])?;
    }
    Ok(())
}

fn read_request(stream: &TcpStream) -> std::io::Result<Seen> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut seen = Seen { method, path, range: None, authorization: None };
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "range" => seen.range = Some(value.to_owned()),
            "authorization" => seen.authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(seen)
}
