"""scikit-learn's random forest, per pixel: the peer of a smartcore forest in rededge's scorer.

usage: forest.py [PIXELS 200000] [DATES 20] [THREADS 2]     100 trees on 1500 made-up seasons, as `examples/series_methods.rs`"""
import sys
import time

import numpy as np
from sklearn.ensemble import RandomForestClassifier

pixels, dates, threads = (int(a) for a in (sys.argv[1:] + ["200000", "20", "2"][len(sys.argv) - 1 :])[:3])
rng = np.random.default_rng(0)
day = np.linspace(100, 300, dates)


def season(up, down):
    return 1 / (1 + np.exp(-0.08 * (day - up))) / (1 + np.exp(0.08 * (day - down)))


def draw(count):
    label, j = rng.integers(0, 3, count), rng.normal(0, 6, (count, 1))
    covers = [season(165 + j, 270 + j), season(120 + j, 195 + j) + season(215 + j, 290 + j), season(140 + 2 * j, 250 + j)]
    cover = np.choose(label[:, None], covers)
    return (0.15 + 0.5 * cover + rng.normal(0, 0.04, (count, dates))).astype(np.float32), label


forest = RandomForestClassifier(100, n_jobs=threads, random_state=0).fit(*draw(1500))
series, label = draw(pixels)
start = time.perf_counter()
found = forest.predict(series)
seconds = time.perf_counter() - start
print(f"forest: scikit-learn         {seconds / pixels * 1e6:9.3f} us/pixel   accuracy {(found == label).mean():.3f}")
