"""Runs rededge and the Python peer of its rice map on the same scene, in turn, and prints ratios of medians.

usage: compare.py [--peers ../shared/peers] [--runs 3] [--width 2508 --height 2979 --dates 20] [--threads 2] [--write]

The scene is [J]'s job (2508 x 2979 pixels, 20 dates), simulated once below target/bench-peers. The
peers' virtual environment is made there too, from their requirements.txt. --write puts the table
into docs/benchmarks.md. Machines differ and are noisy: only the ratios mean something."""
import argparse
import datetime
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/benchmarks.md"
BEGIN, END = "<!-- bench-peers: begin -->", "<!-- bench-peers: end -->"


def arguments():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--peers", type=Path, default=ROOT / "../shared/peers")
    a.add_argument("--runs", type=int, default=3)
    a.add_argument("--width", type=int, default=2508)
    a.add_argument("--height", type=int, default=2979)
    a.add_argument("--dates", type=int, default=20)
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--work", type=Path, help="folder of scene and environment (default: target/bench-peers)")
    a.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    return a.parse_args()


def run(command, threads):
    """Seconds, peak MiB and output of a command; the peak is of its largest process."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "GDAL_NUM_THREADS": str(threads)}
    start = time.perf_counter()
    child = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command[0]} ended with {child.returncode}:\n{output}")
    return seconds, usage.ru_maxrss / 1024, output


def target_folder():
    metadata = subprocess.run(["cargo", "metadata", "--format-version=1", "--no-deps"], cwd=ROOT, capture_output=True, text=True, check=True)
    return Path(json.loads(metadata.stdout)["target_directory"])


def cpu():
    try:
        return re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text()).group(1)
    except (OSError, AttributeError):
        return platform.processor() or platform.machine()


def median(values):
    return statistics.median(values)


def main():
    args = arguments()
    if not (args.peers / "itsgbt.py").exists():
        sys.exit(f"{args.peers} has no itsgbt.py: pass --peers FOLDER (or make bench-peers PEERS=FOLDER)")
    work = args.work or target_folder() / "bench-peers"
    work.mkdir(parents=True, exist_ok=True)
    rededge = target_folder() / "release/rededge"
    python = work / "venv/bin/python"
    if not python.exists():
        print("making the peers' environment", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", work / "venv"], check=True)
        # Only what this comparison needs of the peers' list; tile servers and the like stay out.
        wanted = [line for line in (args.peers / "requirements.txt").read_text().split() if re.match(r"numpy|scipy|scikit-learn|lightgbm|rasterio", line)]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
    scene = work / f"county-{args.width}x{args.height}x{args.dates}"
    if not scene.exists():
        print(f"simulating {scene}", file=sys.stderr)
        subprocess.run([rededge, "simulate", scene, "--width", str(args.width), "--height", str(args.height), "--dates", str(args.dates), "--bands", "ndre", "--quiet"], check=True)

    def inputs(name, extra):
        path = work / f"{name}.json"
        # The same work as the peer: every date, as many rounds and leaves, no search, no validation.
        common = {"cube": str(scene / "items.json"), "maxCloudCover": 100}
        path.write_text(json.dumps({"inputs": common | extra, "outputs": {"classMap": {}, **({"model": {}} if "samples" in extra else {})}}))
        return path

    parameters = {"rounds": 100, "leaves": 31, "predictors": ["intervals", "coefficients"], "intervals": args.dates, "harmonics": 5, "rowFraction": 1, "columnFraction": 1}
    whole = inputs("whole", {"samples": str(scene / "samples-rice.geojson"), "timeGrid": "acquisitions", "despike": False, "parameters": parameters})
    results = {"rededge whole": [], "rededge map": [], "peer whole": [], "peer train": [], "peer map": [], "peer predictors and predict": []}
    peaks = {"rededge": [], "peer": []}
    for k in range(args.runs):
        print(f"run {k + 1} of {args.runs}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
        out = work / "out-whole"
        shutil.rmtree(out, ignore_errors=True)
        seconds, peak, _ = run([rededge, "run", "rice-map", whole, "--out", out, "--threads", args.threads], args.threads)
        results["rededge whole"].append(seconds)
        peaks["rededge"].append(peak)
        model = next(out.glob("model.*"))
        out = work / "out-map"
        shutil.rmtree(out, ignore_errors=True)
        mapping = inputs("map", {"model": str(model)})
        seconds, peak, _ = run([rededge, "run", "rice-map", mapping, "--out", out, "--threads", args.threads], args.threads)
        results["rededge map"].append(seconds)
        seconds, peak, output = run([python, args.peers / "itsgbt.py", scene, scene / "samples-rice.geojson", work / "peer.tif", "--threads", args.threads], args.threads)
        results["peer whole"].append(seconds)
        peaks["peer"].append(peak)
        told = {name: float(value) for name, value in re.findall(r"(train|predictors|predict|map total) ([\d.]+)", output)}
        results["peer train"].append(told["train"])
        results["peer map"].append(told["map total"])
        results["peer predictors and predict"].append(told["predictors"] + told["predict"])
        print("  " + "  ".join(f"{name} {values[-1]:.2f} s" for name, values in results.items()), file=sys.stderr)

    pixels = args.width * args.height
    rows = [
        ("train and map, GeoTIFFs to class map", "rededge whole", "peer whole"),
        ("map alone, with a trained model", "rededge map", "peer map"),
    ]
    lines = [
        f"{datetime.date.today()}, {cpu()}, {args.threads} threads, {args.runs} interleaved runs; {args.width} x {args.height} pixels, {args.dates} dates, medians.",
        "",
        "| job | rededge | numpy + LightGBM | ratio |",
        "|---|---|---|---|",
    ]
    for name, ours, theirs in rows:
        a, b = median(results[ours]), median(results[theirs])
        lines.append(f"| {name} | {a:.2f} s | {b:.2f} s | **{b / a:.1f}** |")
    lines.append(f"| map, per pixel | {median(results['rededge map']) / pixels * 1e6:.3f} us | {median(results['peer map']) / pixels * 1e6:.3f} us | |")
    lines.append(f"| peak memory | {median(peaks['rededge']):.0f} MiB | {median(peaks['peer']):.0f} MiB | {median(peaks['peer']) / median(peaks['rededge']):.1f} |")
    lines += ["", f"Of the peer's map, predictors and prediction take {median(results['peer predictors and predict']):.2f} s."]
    table = "\n".join(lines)
    print(table)
    if args.write:
        page = PAGE.read_text()
        if BEGIN not in page or END not in page:
            sys.exit(f"{PAGE} has no place for the table ({BEGIN} .. {END})")
        head, rest = page.split(BEGIN, 1)
        PAGE.write_text(head + BEGIN + "\n" + table + "\n" + END + rest.split(END, 1)[1])


main()
