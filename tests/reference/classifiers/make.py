"""What pyts and scikit-learn answer on made-up seasons, with the trees and samples they answer from. Writes classifiers.json
beside this file.

usage: make.py     needs numpy, scikit-learn and pyts"""
import json
import os

import numpy as np
import pyts
import sklearn
from pyts.classification import TimeSeriesForest
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

STEPS = 20
rng = np.random.default_rng(3)
day = np.linspace(100, 300, STEPS)


def season(up, down):
    return 1 / (1 + np.exp(-0.08 * (day - up))) / (1 + np.exp(0.08 * (day - down)))


def draw(count):
    y, j = np.arange(count) % 3, rng.normal(0, 8, (count, 1))
    covers = [season(165 + j, 270 + j), season(120 + j, 195 + j) + season(215 + j, 290 + j), season(140 + 2 * j, 250 + j)]
    x = 0.15 + 0.5 * np.choose(y[:, None], covers) + rng.normal(0, 0.07, (count, STEPS))
    return x.round(4).astype(np.float32), y


def tree(fitted, scale=None):
    """Inner nodes and leaves numbered apart, as the project's trees are; a child below 0 is leaf `!child`."""
    inner = np.flatnonzero(fitted.children_left >= 0)
    leaves = np.flatnonzero(fitted.children_left < 0)
    number = {int(n): i for i, n in enumerate(inner)} | {int(n): -1 - i for i, n in enumerate(leaves)}
    threshold = fitted.threshold[inner] * (1 if scale is None else scale[fitted.feature[inner]])
    # The largest float at or below: a float32 value is then sent as scikit-learn sends it.
    single = threshold.astype(np.float32)
    single = np.where(single > threshold, np.nextafter(single, np.float32(-np.inf)), single)
    share = fitted.value[leaves, 0] / fitted.value[leaves, 0].sum(1, keepdims=True)
    return {
        "feature": fitted.feature[inner].tolist(),
        "threshold": [float(v) for v in single],
        "defaultLeft": [True] * len(inner),
        "left": [number[int(n)] for n in fitted.children_left[inner]],
        "right": [number[int(n)] for n in fitted.children_right[inner]],
        "leaf": share.ravel().round(9).tolist(),
    }


def probabilities(model, x):
    return model.predict_proba(x).round(9).tolist()


def accuracy(model, x, y):
    return float((model.predict(x) == y).mean())


x, y = draw(150)
z, truth = draw(150)
tsrf = TimeSeriesForest(n_estimators=10, min_window_size=3, max_leaf_nodes=12, random_state=0).fit(x, y)
# pyts divides the variance of n values by n, [J] eq. 3 by n - 1.
lengths = tsrf.indices_[:, 1] - tsrf.indices_[:, 0]
scale = np.column_stack([np.ones(len(lengths)), np.sqrt(lengths / (lengths - 1)), np.ones(len(lengths))]).ravel()
forest = RandomForestClassifier(10, max_leaf_nodes=16, random_state=0).fit(x, y)
neighbours = KNeighborsClassifier(5).fit(x, y)
machine = SVC(C=1, gamma=1 / STEPS).fit((x - 0.35) / 0.2, y)
full_tsrf = TimeSeriesForest(n_estimators=100, min_window_size=3, random_state=0).fit(x, y)
full_forest = RandomForestClassifier(100, random_state=0).fit(x, y)
values = lambda a: [[float(f"{v:.4f}") for v in row] for row in a]
document = {
    "tool": "pyts and scikit-learn",
    "version": f"{pyts.__version__}, {sklearn.__version__}",
    "command": "make.py",
    "train": values(x),
    "labels": y.tolist(),
    "test": values(z),
    "truth": truth.tolist(),
    "tsrf": {
        "intervals": tsrf.indices_.tolist(),
        "trees": [tree(t.tree_, scale) for t in tsrf.estimators_],
        "probabilities": probabilities(tsrf, z),
        "accuracyOf100": accuracy(full_tsrf, z, truth),
    },
    "forest": {
        "trees": [tree(t.tree_) for t in forest.estimators_],
        "probabilities": probabilities(forest, z),
        "accuracyOf100": accuracy(full_forest, z, truth),
    },
    "neighbours": {"k": 5, "probabilities": probabilities(neighbours, z)},
    "machine": {"labels": machine.predict((z - 0.35) / 0.2).tolist()},
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "classifiers.json"), "w") as out:
    json.dump(document, out, separators=(",", ":"))
    out.write("\n")
print({k: document[k]["accuracyOf100"] for k in ("tsrf", "forest")}, accuracy(neighbours, z, truth))
