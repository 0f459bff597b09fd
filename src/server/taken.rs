//! The pace at which answers are taken: who reads one too slowly is cut off. The counterpart of `pace.rs`.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Extensions;
use actix_web::rt;
use actix_web::web::Bytes;

use super::pace::EVERY_SECOND;

/// How often a connection is looked at.
const LOOKS: Duration = Duration::from_secs(1);
/// What is left behind an answer is given so long: longer than an idle connection is kept.
const REST: Duration = Duration::from_secs(10);

/// A connection, and until when what is sent on it must have been taken.
pub struct Line {
    socket: TcpStream,
    since: Instant,
    /// Milliseconds after `since`; 0 where nothing is being sent.
    end: AtomicU64,
}

impl Line {
    /// It is the server's turn.
    pub fn wait(&self) {
        self.end.store(0, Ordering::Relaxed);
    }

    fn until(&self, end: Instant) {
        let after = end.saturating_duration_since(self.since).as_millis();
        self.end.store(u64::try_from(after).unwrap_or(u64::MAX).max(1), Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        let end = self.end.load(Ordering::Relaxed);
        end > 0 && self.since.elapsed() > Duration::from_millis(end)
    }
}

/// Notes a connection, and looks after it as long as it is there.
pub fn connected(stream: &dyn Any, data: &mut Extensions) {
    let Some(socket) = stream.downcast_ref::<rt::net::TcpStream>().and_then(handle) else { return };
    let line = Arc::new(Line { socket, since: Instant::now(), end: AtomicU64::new(0) });
    rt::spawn(look_after(Arc::downgrade(&line)));
    data.insert(line);
}

/// A second handle on a socket: the first is deep in the framework, which waits for the other end as long as
/// it takes.
fn handle(stream: &rt::net::TcpStream) -> Option<TcpStream> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        stream.as_fd().try_clone_to_owned().ok().map(TcpStream::from)
    }
    #[cfg(windows)]
    {
        use std::os::windows::io::AsSocket as _;
        stream.as_socket().try_clone_to_owned().ok().map(TcpStream::from)
    }
}

async fn look_after(line: Weak<Line>) {
    loop {
        rt::time::sleep(LOOKS).await;
        let Some(line) = line.upgrade() else { return };
        if line.is_over() {
            tracing::warn!("a caller takes an answer too slowly and is cut off");
            _ = line.socket.shutdown(Shutdown::Both);
            return;
        }
    }
}

/// An answer's body that must be taken within a time, or at its pace.
pub struct Taken {
    inner: BoxBody,
    line: Arc<Line>,
    end: Instant,
    /// Since when the server itself is slow.
    waits: Option<Instant>,
}

impl Taken {
    /// So much time for a small body; large ones have longer as long as they are taken.
    pub fn new(inner: BoxBody, line: Arc<Line>, base: Duration) -> Self {
        let end = Instant::now() + base;
        line.until(end);
        Self { inner, line, end, waits: None }
    }
}

impl MessageBody for Taken {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.inner.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_next(context);
        let now = Instant::now();
        match &polled {
            Poll::Ready(Some(Ok(bytes))) => {
                let waited = self.waits.take().map_or(Duration::ZERO, |since| now - since);
                self.end += waited + Duration::from_secs_f64(bytes.len() as f64 / EVERY_SECOND);
                self.line.until(self.end);
            }
            Poll::Pending => {
                self.waits.get_or_insert(now);
                self.line.wait();
            }
            Poll::Ready(_) => {}
        }
        polled
    }
}

impl Drop for Taken {
    /// All is handed over; the last of it may still be on its way.
    fn drop(&mut self) {
        self.line.until(self.end.max(Instant::now() + REST));
    }
}
