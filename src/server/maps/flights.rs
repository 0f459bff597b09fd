//! Tiles on their way: each is drawn once for all who ask for it meanwhile, and no further once none
//! of them waits any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::watch;

use crate::tiles::{GoOn, PoolFull, TileError, TileKey};

/// What became of a tile; nothing yet.
pub type Outcome = Option<Result<Bytes, Arc<TileError>>>;

/// A tile that is being drawn. Whoever waits for it holds it.
pub struct Flight(watch::Receiver<Outcome>);

impl Flight {
    /// What became of it, once it is drawn; `None` where it never is: whoever asked first was refused,
    /// or its thread panicked, which the log tells.
    pub async fn wait(&self) -> Outcome {
        let mut told = self.0.clone();
        let outcome = told.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }
}

/// All that are on their way.
#[derive(Clone, Default)]
pub struct Flights(Arc<Mutex<HashMap<TileKey, Weak<Flight>>>>);

impl Flights {
    fn under_way(&self) -> MutexGuard<'_, HashMap<TileKey, Weak<Flight>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The flight of a tile. Where there is none, `spawn` is handed what draws it.
    ///
    /// # Errors
    /// Those of `spawn`.
    pub fn join(
        &self,
        key: &TileKey,
        draw: impl FnOnce(GoOn<'_>) -> Result<Bytes, TileError> + Send + 'static,
        spawn: impl FnOnce(Box<dyn FnOnce() + Send>) -> Result<(), PoolFull>,
    ) -> Result<Arc<Flight>, PoolFull> {
        let mut under_way = self.under_way();
        if let Some(flight) = under_way.get(key).and_then(Weak::upgrade) {
            return Ok(flight);
        }
        let (tell, told) = watch::channel(None);
        let flight = Arc::new(Flight(told));
        let waited_for = Arc::downgrade(&flight);
        under_way.insert(key.clone(), waited_for.clone());
        // Let go: work that is refused takes itself off the list.
        drop(under_way);
        let landing = Landing { flights: self.clone(), key: key.clone(), flight: waited_for };
        spawn(Box::new(move || {
            let landing = landing;
            let go_on = || landing.flight.strong_count() > 0;
            let drawn = if go_on() { draw(&go_on) } else { Err(TileError::Cancelled) };
            tell.send_replace(Some(drawn.map_err(Arc::new)));
        }))?;
        Ok(flight)
    }
}

/// Takes a flight off the list, however it ends.
struct Landing {
    flights: Flights,
    key: TileKey,
    flight: Weak<Flight>,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut under_way = self.flights.under_way();
        if under_way.get(&self.key).is_some_and(|known| known.ptr_eq(&self.flight)) {
            under_way.remove(&self.key);
        }
    }
}
