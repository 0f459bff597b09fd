//! The pace at which answers are taken: who reads one too slowly is cut off. The counterpart of `pace.rs`.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;

use super::connections::Busy;
use super::pace::EVERY_SECOND;

/// What is left behind an answer is given so long: longer than an idle connection is kept.
const REST: Duration = Duration::from_secs(10);

/// An answer's body that must be taken within a time, or at its pace.
pub struct Taken {
    inner: BoxBody,
    line: Busy,
    end: Instant,
    /// Since when the server itself is slow.
    waits: Option<Instant>,
}

impl Taken {
    /// So much time for a small body; large ones have longer as long as they are taken.
    pub fn new(inner: BoxBody, line: Busy, base: Duration) -> Self {
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
