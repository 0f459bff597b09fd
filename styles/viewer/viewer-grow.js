// Collections that are computed while they are looked at.
import { KeyWanted } from "./viewer-dom.js";
import { again } from "./viewer-layers.js";

const [SOON, LATE] = [1500, 5000];

/**
 * Looks again and again until a collection is done. `told` hears of each change: whether it can be drawn for the
 * first time, whether there is more of it, and why it came to nothing.
 */
export async function follow(collection, told) {
  for (let wait = SOON; collection.growing; ) {
    await new Promise((done) => setTimeout(done, wait));
    if (document.hidden) continue;
    const before = { drawable: collection.drawable, ...collection.growing, count: collection.count };
    try {
      await again(collection);
    } catch (error) {
      // A server that is away for a moment comes back; a job that has failed does not.
      if (error instanceof TypeError) continue;
      collection.growing = null;
      return void told(collection, { fault: error instanceof KeyWanted ? "Sign in again to see it." : error.message });
    }
    const now = collection.growing;
    const more = !now || now.progress !== before.progress || now.status !== before.status || collection.count !== before.count;
    wait = more ? SOON : Math.min(wait * 1.3, LATE);
    told(collection, { first: collection.drawable && !before.drawable, more });
  }
}
