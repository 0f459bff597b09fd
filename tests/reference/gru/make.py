"""Scores, loss and gradients of the network of Zhang et al. 2022 by PyTorch, on fixed weights.

usage: make.py > gru.json        needs torch

torch.nn.GRU applies the reset gate after the recurrent product; eq. 3 applies it before, so the
steps are written out and PyTorch differentiates them."""
import json

import torch

torch.manual_seed(3)
series, hidden, dense, classes, steps, batch = 3, 5, 4, 3, 6, 7
shapes = {
    "input": (series, 3 * hidden), "recurrent": (hidden, 3 * hidden), "bias": (3 * hidden,),
    "dense": (2 * hidden, dense), "denseBias": (dense,), "output": (dense, classes), "outputBias": (classes,),
}
weights = {name: (0.8 * torch.randn(shape)).double().requires_grad_() for name, shape in shapes.items()}
x = torch.randn(steps, batch, series).double()
labels = torch.arange(batch) % classes
class_weights = torch.tensor([1.0, 2.0, 0.5]).double()

state, total = torch.zeros(batch, hidden).double(), torch.zeros(batch, hidden).double()
for step in x:
    z_in, r_in, n_in = (step @ weights["input"] + weights["bias"]).split(hidden, 1)
    z_u, r_u, n_u = weights["recurrent"].split(hidden, 1)
    z, r = torch.sigmoid(z_in + state @ z_u), torch.sigmoid(r_in + state @ r_u)
    n = torch.tanh(n_in + (r * state) @ n_u)
    state = (1 - z) * n + z * state
    total = total + state
read = torch.cat([state, total / steps], 1)
scores = torch.relu(read @ weights["dense"] + weights["denseBias"]) @ weights["output"] + weights["outputBias"]
loss = torch.nn.functional.cross_entropy(scores, labels, weight=class_weights)
loss.backward()

flat = lambda tensor: [round(v, 9) for v in tensor.detach().flatten().tolist()]
print(json.dumps({
    "tool": "PyTorch", "version": torch.__version__.split("+")[0], "command": "python3 make.py > gru.json",
    "series": series, "hidden": hidden, "steps": steps, "batch": batch, "classes": classes,
    "x": flat(x), "labels": labels.tolist(), "classWeights": class_weights.tolist(),
    "weights": {name: flat(w) for name, w in weights.items()},
    "scores": flat(scores), "loss": round(loss.item(), 9),
    "gradients": {name: flat(w.grad) for name, w in weights.items()},
}))
