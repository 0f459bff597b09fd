//! Connections: how many there are at most, which of them is given up for a new one, and the stream of each,
//! by which a caller that takes its answer too slowly is cut off.

use std::collections::HashMap;
use std::io::{Error, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::rt;
use actix_web::rt::net::TcpStream;
use actix_web::rt::time::{sleep, timeout};
use futures_util::future::poll_fn;
use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::error::too_many_connections;

/// How often connections are looked at.
const LOOKS: Duration = Duration::from_millis(250);
/// A connection is idle once nothing was asked on it for so long: what was answered just before may still
/// be on its way to the system.
const IDLE: u64 = 50;
/// Connections over the most that are being refused or closed at a time.
const SPARE: usize = 32;
/// How long a connection that is refused is kept for the caller to read why.
const REFUSED: Duration = Duration::from_secs(1);

/// Raises the number of files that may be open as far as the system lets, and tells it.
pub fn raise_open_files() -> u64 {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let had = getrlimit(Resource::Nofile);
        // Not asked for what is so already: services may be forbidden to ask.
        if had.current != had.maximum
            && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: had.maximum, ..had })
        {
            tracing::warn!(%error, "the number of open files cannot be raised");
        }
        // Without a limit there are still no more than that.
        getrlimit(Resource::Nofile).current.unwrap_or(1 << 20)
    }
    // Elsewhere the system does not tell.
    #[cfg(not(unix))]
    1024
}

/// How many connections there may be: as many as the operator says, and never more than half of the
/// descriptors, as each takes one and jobs need the others.
pub fn most_connections(configured: usize, open_files: u64) -> usize {
    let half = usize::try_from(open_files / 2).unwrap_or(usize::MAX).saturating_sub(2 * SPARE).max(8);
    if half < configured {
        tracing::warn!(
            connections = half,
            open_files,
            "fewer connections than `limits.connections` are taken: raise the number of open files \
             (`ulimit -n`, LimitNOFILE)"
        );
    }
    configured.min(half)
}

/// A connection, as those know it who do not hold its stream.
pub struct Line {
    /// The address of the server that was called.
    pub local: Option<SocketAddr>,
    since: Instant,
    /// Milliseconds after `since` until which what is sent must have been taken; 0 where nothing is sent.
    end: AtomicU64,
    /// Milliseconds after `since` at which nothing was asked any more; 0 while something is answered.
    idle: AtomicU64,
    /// Whether the system takes nothing more to be sent.
    blocked: AtomicBool,
    cut: AtomicBool,
    task: AtomicWaker,
}

impl Line {
    fn new(local: Option<SocketAddr>) -> Self {
        Self {
            local,
            since: Instant::now(),
            end: AtomicU64::new(0),
            idle: AtomicU64::new(1),
            blocked: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            task: AtomicWaker::new(),
        }
    }

    fn after(&self, time: Instant) -> u64 {
        let after = time.saturating_duration_since(self.since).as_millis();
        u64::try_from(after).unwrap_or(u64::MAX).max(1)
    }

    /// Something is asked: until what is returned is dropped, the connection is not idle.
    pub fn busy(self: &Arc<Self>) -> Busy {
        self.idle.store(0, Ordering::Relaxed);
        self.wait();
        Busy(self.clone())
    }

    /// It is the server's turn.
    pub fn wait(&self) {
        self.end.store(0, Ordering::Relaxed);
    }

    /// Until when what is sent must have been taken.
    pub fn until(&self, end: Instant) {
        self.end.store(self.after(end), Ordering::Relaxed);
    }

    fn is_over(&self, now: Instant) -> bool {
        let end = self.end.load(Ordering::Relaxed);
        end > 0 && self.after(now) > end
    }

    /// Since when it has been idle, where it is.
    fn idle_since(&self, now: Instant) -> Option<Instant> {
        let idle = self.idle.load(Ordering::Relaxed);
        let waits = idle > 0 && self.after(now) >= idle.saturating_add(IDLE);
        let open = !self.blocked.load(Ordering::Relaxed) && !self.is_cut();
        (waits && open).then(|| self.since + Duration::from_millis(idle))
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }

    fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.task.wake();
    }

    /// Fails once the connection is given up; until then, `context` is woken when it is.
    fn check(&self, context: &Context<'_>) -> Result<(), Error> {
        self.task.register(context.waker());
        if self.is_cut() { Err(Error::from(ErrorKind::ConnectionAborted)) } else { Ok(()) }
    }
}

/// A connection on which something is answered.
pub struct Busy(Arc<Line>);

impl std::ops::Deref for Busy {
    type Target = Line;

    fn deref(&self) -> &Line {
        &self.0
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.idle.store(self.0.after(Instant::now()), Ordering::Relaxed);
    }
}

/// The connections of a server.
pub struct Connections {
    most: usize,
    open: Mutex<(u64, HashMap<u64, Arc<Line>>)>,
    refused: AtomicUsize,
    closing: AtomicBool,
}

impl Connections {
    /// None yet, and never more than so many.
    pub fn new(most: usize) -> Arc<Self> {
        let (open, refused, closing) = (Mutex::default(), AtomicUsize::new(0), AtomicBool::new(false));
        Arc::new(Self { most, open, refused, closing })
    }

    fn open(&self) -> MutexGuard<'_, (u64, HashMap<u64, Arc<Line>>)> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection. Where there are as many as there may be, the one that has been idle for longest
    /// is closed for it; where none is idle, it is refused, and told why.
    ///
    /// # Errors
    /// It was refused.
    pub fn admit(self: &Arc<Self>, stream: TcpStream) -> Result<Stream, Error> {
        // Else the second part of an answer waits for the client to confirm the first: 40 ms.
        let _ = stream.set_nodelay(true);
        let mut open = self.open();
        if open.1.len() >= self.most {
            let now = Instant::now();
            let idle = open.1.values().filter_map(|line| Some((line.idle_since(now)?, line)));
            let longest = idle.min_by_key(|(since, _)| *since).map(|(_, line)| line.clone());
            if let Some(line) = longest.filter(|_| open.1.len() < self.most + SPARE) {
                line.cut();
            } else {
                drop(open);
                self.refuse(stream);
                return Err(Error::other("there are too many connections"));
            }
        }
        open.0 += 1;
        let number = open.0;
        let line = Arc::new(Line::new(stream.local_addr().ok()));
        open.1.insert(number, line.clone());
        drop(open);
        Ok(Stream { inner: stream, line, number, connections: self.clone() })
    }

    /// Tells the caller to come again, where not too many are being told.
    fn refuse(self: &Arc<Self>, mut stream: TcpStream) {
        if self.refused.fetch_add(1, Ordering::Relaxed) >= SPARE {
            self.refused.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let connections = self.clone();
        rt::spawn(async move {
            let told = async {
                let text = too_many_connections();
                poll_fn(|c| Pin::new(&mut stream).poll_write(c, text.as_bytes())).await?;
                poll_fn(|c| Pin::new(&mut stream).poll_shutdown(c)).await?;
                // Closed while something lies unread, it would be reset, and the answer lost.
                let mut space = [0; 4096];
                loop {
                    let mut read = ReadBuf::new(&mut space);
                    poll_fn(|c| Pin::new(&mut stream).poll_read(c, &mut read)).await?;
                    if read.filled().is_empty() {
                        return Ok::<_, Error>(());
                    }
                }
            };
            let _ = timeout(REFUSED, told).await;
            connections.refused.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Closes idle connections from now on: the server is about to stop.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Cuts off callers that take an answer too slowly, for as long as the server runs.
    pub async fn look_after(self: Arc<Self>) {
        loop {
            sleep(LOOKS).await;
            let now = Instant::now();
            let closing = self.closing.load(Ordering::Relaxed);
            for line in self.open().1.values().filter(|line| !line.is_cut()) {
                if line.is_over(now) {
                    tracing::warn!("a caller takes an answer too slowly and is cut off");
                    line.cut();
                } else if closing && line.idle_since(now).is_some() {
                    line.cut();
                }
            }
        }
    }
}

/// The stream of a connection, and its place among the others.
pub struct Stream {
    inner: TcpStream,
    line: Arc<Line>,
    number: u64,
    connections: Arc<Connections>,
}

impl Stream {
    /// The connection.
    pub fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// The address of the caller.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.inner.peer_addr().ok()
    }

    fn noting<T>(&self, polled: Poll<T>) -> Poll<T> {
        self.line.blocked.store(polled.is_pending(), Ordering::Relaxed);
        polled
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.connections.open().1.remove(&self.number);
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<(), Error>> {
        self.line.check(context)?;
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, Error>> {
        self.line.check(context)?;
        let polled = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.noting(polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.line.check(context)?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.line.check(context)?;
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize, Error>> {
        self.line.check(context)?;
        let polled = Pin::new(&mut self.inner).poll_write_vectored(context, parts);
        self.noting(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_take_half_of_the_descriptors_at_most() {
        assert_eq!(most_connections(1000, 1 << 20), 1000);
        assert_eq!(most_connections(1000, 1024), 448);
        assert_eq!(most_connections(100, 1024), 100);
        assert_eq!(most_connections(1000, 64), 8);
    }

    #[test]
    fn the_longest_idle_connection_gives_way_and_one_that_is_answered_does_not() {
        rt::System::new().block_on(async {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let connections = Connections::new(2);
            let mut clients = Vec::new();
            let mut connect = || {
                clients.push(std::net::TcpStream::connect(address).unwrap());
                let (taken, _) = listener.accept().unwrap();
                taken.set_nonblocking(true).unwrap();
                connections.admit(TcpStream::from_std(taken).unwrap())
            };
            let first = connect().unwrap();
            sleep(Duration::from_millis(10)).await;
            let second = connect().unwrap();
            let busy = first.line().busy();
            assert!(connect().is_err(), "one is answered and the other is new");
            sleep(Duration::from_millis(IDLE + 10)).await;
            let third = connect().unwrap();
            assert!(second.line().is_cut() && !first.line().is_cut());
            drop(busy);
            drop(second);
            sleep(Duration::from_millis(2 * IDLE)).await;
            let _fourth = connect().unwrap();
            assert!(third.line().is_cut() || first.line().is_cut());
            assert_eq!(connections.open().1.len(), 3, "the one that gave way is not closed yet");
        });
    }
}
