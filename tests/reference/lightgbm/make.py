"""Small LightGBM models with rows, and the probabilities LightGBM gives them. Writes models.json beside this file."""
import json, os
import lightgbm, numpy as np

rng = np.random.default_rng(5)


def table(rows):
    x = rng.normal(size=(rows, 5)).astype(np.float32)
    x[rng.random(x.shape) < 0.15] = np.nan
    x[rng.random(x.shape) < 0.15] = 0
    return x


def case(name, classes, **params):
    x = table(600)
    score = np.nan_to_num(x[:, 0], nan=0.7) + np.nan_to_num(x[:, 1], nan=-0.5) * np.where(x[:, 2] > 0, 1, -1)
    y = np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))
    fit = np.nan_to_num(x) if params.get("use_missing") is False else x
    params = dict(dict(n_estimators=4, num_leaves=7, min_child_samples=10, verbose=-1), **params)
    model = lightgbm.LGBMClassifier(**params).fit(fit, y, feature_name=[f"NDRE@2022-0{i + 1}-05" for i in range(5)]).booster_
    text = model.model_to_string(importance_type="split").split("\nfeature_importances:")[0] + "\n"
    rows = table(40)
    rows[0] = np.nan
    rows[1] = 0
    p = model.predict(rows)
    if classes == 2:
        p = np.stack([1 - p, p], 1)
    values = [[None if np.isnan(v) else float(v) for v in row] for row in rows]
    return {"name": name, "params": params, "model": text, "rows": values, "probabilities": [[round(float(v), 9) for v in r] for r in p]}


cases = [
    case("three classes", 3),
    case("two classes", 2),
    case("two classes with sigmoid 0.7", 2, sigmoid=0.7),
    case("missing values read as 0", 3, use_missing=False),
    case("a random forest", 3, boosting_type="rf", subsample=0.6, subsample_freq=1),
    case("one leaf a tree", 3, min_child_samples=400),
]
document = {"tool": "lightgbm", "version": lightgbm.__version__, "command": "python tests/reference/lightgbm/make.py", "cases": cases}
with open(os.path.join(os.path.dirname(__file__), "models.json"), "w") as out:
    json.dump(document, out, indent=None, separators=(",", ":"))
    out.write("\n")
