"""A random confusion and scikit-learn's values of it. Writes accuracy.json beside this file."""
import json, os
import numpy as np, sklearn
from sklearn.metrics import accuracy_score, cohen_kappa_score, confusion_matrix, precision_recall_fscore_support

rng = np.random.default_rng(3)
reference = rng.integers(0, 4, 500)
mapped = np.where(rng.random(500) < 0.8, reference, rng.integers(0, 4, 500))
precision, recall, f1, _ = precision_recall_fscore_support(reference, mapped)
document = {
    "tool": "scikit-learn", "version": sklearn.__version__, "command": "python tests/reference/accuracy/make.py",
    "reference": reference.tolist(), "map": mapped.tolist(), "matrix": confusion_matrix(reference, mapped).tolist(),
    "overall": accuracy_score(reference, mapped), "kappa": cohen_kappa_score(reference, mapped),
    "producers": recall.tolist(), "users": precision.tolist(), "f1": f1.tolist(),
}
with open(os.path.join(os.path.dirname(__file__), "accuracy.json"), "w") as out:
    json.dump(document, out, separators=(",", ":"))
    out.write("\n")
