"""Boosted-tree training against LightGBM: same tables, rounds and leaves, two threads each, runs interleaved.

usage: train.py BINARY [--scene FOLDER --peers FOLDER] [--runs 5] [--keep FOLDER]
BINARY is target/release/examples/train_table; --scene is a simulated scene with samples-rice.geojson and
truth-rice.tif, read by `scene.py` of --peers; without it that table is left out. Prints ratios of medians."""
import argparse, json, os, statistics, subprocess, sys, tempfile, time
import lightgbm, numpy as np

THREADS, ROUNDS, LEAVES = 2, 100, 31


def synthetic():
    """50,000 x 60, three classes by smooth, interacting functions of twelve columns, 5 % wrong labels."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(62_500, 60)).astype(np.float32)
    scores = np.stack([np.sin(1.5 * x[:, 4 * k]) + x[:, 4 * k + 1] * x[:, 4 * k + 2] + 0.5 * x[:, 4 * k + 3] ** 2 for k in range(3)], 1)
    y = (scores + rng.normal(scale=0.3, size=scores.shape)).argmax(1)
    wrong = rng.random(len(y)) < 0.05
    y[wrong] = rng.integers(0, 3, wrong.sum())
    return x, y, 50_000


def missing():
    """20,000 x 30, two classes, a tenth missing at random and one column missing by class."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=(30_000, 30)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] * x[:, 2] + np.abs(x[:, 3]) + rng.normal(scale=0.5, size=len(x)) > 0.8).astype(int)
    x[rng.random(x.shape) < 0.1] = np.nan
    x[(rng.random(len(x)) < np.where(y == 1, 0.5, 0.2)), 4] = np.nan
    return x, y, 20_000


def rice(scene, peers):
    """Interval and Fourier predictors of NDRE at the samples of a scene; the test is its other half of parcels."""
    sys.path.insert(0, peers)
    import rasterio
    from rasterio.windows import Window
    from scene import Scene, fill
    s = Scene(scene)
    window = Window(0, 0, s.width, s.height)
    nir, red_edge = s.read("B08", window), s.read("B05", window)
    v = (nir - red_edge) / (nir + red_edge)
    v[s.cloudy(window)] = np.nan
    series = np.nan_to_num(fill(v)).reshape(s.dates, -1).T
    rows, cols, classes = s.samples(f"{scene}/samples-rice.geojson")
    truth = rasterio.open(f"{scene}/truth-rice.tif").read(1).ravel()
    test = np.flatnonzero(rasterio.open(f"{scene}/truth-testmask.tif").read(1).ravel() == 1)
    test = np.random.default_rng(0).permutation(test)[:20_000]
    at = rows * s.width + cols
    rng, intervals = np.random.default_rng(0), []
    while len(intervals) < s.dates:
        a, b = sorted(rng.integers(0, s.dates, 2))
        if b - a >= 2: intervals.append((a, b))
    x = series[np.concatenate([at, test])]
    columns = []
    for a, b in intervals:
        w, t = x[:, a:b + 1], np.arange(a, b + 1, dtype=np.float32) - (a + b) / 2
        columns += [w.mean(1), w.std(1, ddof=1), w @ t / (t @ t)]
    f = np.fft.rfft(x, axis=1)[:, :6]
    x = np.column_stack(columns + [f.real, f.imag[:, 1:]]).astype(np.float32)
    codes = {name: code for name, code in zip(classes, truth[at])}
    y = np.concatenate([[codes[c] for c in classes], truth[test]])
    return x, y, len(at)


def write(path, x, y):
    with open(path, "w") as out:
        out.write("class," + ",".join(f"x{i}" for i in range(x.shape[1])) + "\n")
        for row, k in zip(x.astype(str), y):
            out.write(f"{k}," + ",".join("" if v == "nan" else v for v in row) + "\n")


def train_lightgbm(x, y, n):
    clock = time.perf_counter()
    model = lightgbm.LGBMClassifier(n_estimators=ROUNDS, num_leaves=LEAVES, n_jobs=THREADS, verbose=-1).fit(x[:n], y[:n])
    seconds = time.perf_counter() - clock
    return seconds, float((model.predict(x[n:]) == y[n:]).mean())


def main():
    args = argparse.ArgumentParser()
    args.add_argument("binary"); args.add_argument("--scene"); args.add_argument("--peers"); args.add_argument("--keep")
    args.add_argument("--runs", type=int, default=5)
    args = args.parse_args()
    tables = {"synthetic 50,000 x 60, 3 classes": synthetic(), "missing values 20,000 x 30, 2 classes": missing()}
    if args.scene and args.peers:
        x, y, n = rice(args.scene, args.peers)
        tables = {f"rice {n:,} x {x.shape[1]}, {len(set(y))} classes": (x, y, n)} | tables
    folder = args.keep or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    env = dict(os.environ, RAYON_NUM_THREADS=str(THREADS))
    print(f"LightGBM {lightgbm.__version__}, {ROUNDS} rounds, {LEAVES} leaves, {THREADS} threads, medians of {args.runs} interleaved runs\n")
    print("| table | rededge s | LightGBM s | ratio | rededge accuracy | LightGBM accuracy |\n|---|---|---|---|---|---|")
    for i, (name, (x, y, n)) in enumerate(tables.items()):
        paths = [f"{folder}/{i}-train.csv", f"{folder}/{i}-test.csv"]
        write(paths[0], x[:n], y[:n]); write(paths[1], x[n:], y[n:])
        ours, theirs = [], []
        for _ in range(args.runs):
            command = [args.binary, *paths, "--rounds", str(ROUNDS), "--leaves", str(LEAVES)]
            result = json.loads(subprocess.run(command, env=env, check=True, capture_output=True).stdout)
            ours.append(result["seconds"][0])
            seconds, accuracy = train_lightgbm(x, y, n)
            theirs.append(seconds)
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"| {name} | {a:.3f} | {b:.3f} | {b / a:.2f} | {result['accuracy']:.4f} | {accuracy:.4f} |", flush=True)


main()
