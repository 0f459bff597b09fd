//! The threads on which tiles are drawn: a fixed number, and a bounded queue before them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// As much waits as may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{waiting} tiles wait to be drawn; try again in a moment")]
pub struct PoolFull {
    /// How many wait.
    pub waiting: usize,
}

/// Threads that draw.
pub struct Pool {
    threads: rayon::ThreadPool,
    most: usize,
    waiting: Arc<AtomicUsize>,
}

impl Pool {
    /// A pool of so many threads before which so many calls may wait.
    ///
    /// # Errors
    /// The system's, where it has no threads to give.
    pub fn new(threads: usize, most: usize) -> Result<Self, String> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|k| format!("tile-{k}"))
            .panic_handler(|_| tracing::error!("a tile could not be drawn: its thread panicked"))
            .build()
            .map_err(|e| e.to_string())?;
        Ok(Self { threads: pool, most, waiting: Arc::default() })
    }

    /// Does the work on one of the threads, in the order of calls.
    ///
    /// # Errors
    /// [`PoolFull`]; then it is not done.
    pub fn spawn(&self, work: impl FnOnce() + Send + 'static) -> Result<(), PoolFull> {
        let waiting = self.waiting.clone();
        if waiting.fetch_add(1, Ordering::Relaxed) >= self.most {
            waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(PoolFull { waiting: self.most });
        }
        self.threads.spawn_fifo(move || {
            let _left = Left(waiting);
            work();
        });
        Ok(())
    }
}

/// Counts a call out, even where its work panics.
struct Left(Arc<AtomicUsize>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn more_than_may_wait_is_refused() {
        let pool = Pool::new(1, 2).unwrap();
        let (go, wait) = mpsc::channel::<()>();
        let (done, told) = mpsc::channel();
        let first = done.clone();
        pool.spawn(move || {
            let _ = wait.recv();
            let _ = first.send(1);
        })
        .unwrap();
        pool.spawn(move || done.send(2).unwrap()).unwrap();
        assert_eq!(pool.spawn(|| {}), Err(PoolFull { waiting: 2 }));
        go.send(()).unwrap();
        assert_eq!((told.recv(), told.recv()), (Ok(1), Ok(2)));
    }
}
