//! The pace at which bodies come: who sends too slowly is cut off.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::rt::time::{Sleep, sleep_until};
use actix_web::web::Bytes;
use futures_util::Stream;

/// Bytes that earn a body another second.
pub const EVERY_SECOND: f64 = 16.0 * 1024.0;

/// A body that must be whole within a time, or keep its pace.
pub struct Paced {
    inner: Payload,
    start: Instant,
    base: Duration,
    read: u64,
    end: Pin<Box<Sleep>>,
}

impl Paced {
    /// So much time for a small body; large ones have longer as long as they come.
    pub fn new(inner: Payload, base: Duration) -> Self {
        let start = Instant::now();
        Self { inner, start, base, read: 0, end: Box::pin(sleep_until((start + base).into())) }
    }

    /// As a body.
    pub fn into_payload(self) -> Payload {
        Payload::Stream { payload: Box::pin(self) }
    }
}

impl Stream for Paced {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.inner).poll_next(context);
        match &polled {
            Poll::Ready(Some(Ok(bytes))) => {
                self.read += bytes.len() as u64;
                let earned = Duration::from_secs_f64(self.read as f64 / EVERY_SECOND);
                let end = self.start + self.base + earned;
                self.end.as_mut().reset(end.into());
            }
            Poll::Pending if self.end.as_mut().poll(context).is_ready() => {
                let slow = std::io::Error::new(std::io::ErrorKind::TimedOut, "the body comes too slowly");
                return Poll::Ready(Some(Err(PayloadError::Io(slow))));
            }
            _ => {}
        }
        polled
    }
}
