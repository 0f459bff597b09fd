# SPDX-License-Identifier: GPL-2.0-or-later
"""QGIS 4 is QGIS on Qt 6, where enumerations have no flat names. Every attribute of Qt that the plugin
uses is looked up in PyQt6, and every one of QGIS in this QGIS and in the stubs of a newer one.

``REDEDGE_QT6`` names a Python with PyQt6 and qgis-stubs; ``plugin/qgis/setup.sh`` makes one.
"""

import ast
import json
import os
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "rededge"
PYTHON = os.environ.get("REDEDGE_QT6")

#: Run by the other Python: which of the chains lead nowhere.
LOOK = """
import ast, importlib, importlib.util, json, sys
from pathlib import Path
chains = json.load(sys.stdin)
lost = []
for module, names in chains["qt"]:
    found = importlib.import_module("PyQt6." + module)
    try:
        for name in names:
            found = getattr(found, name)
    except AttributeError:
        lost.append(".".join([module, *names]))
root = Path(next(p for p in sys.path if (Path(p) / "qgis-stubs").is_dir())) / "qgis-stubs"
trees = {}
for part in ("core", "gui"):
    tree = ast.parse((root / f"_{part}.pyi").read_text())
    trees[part] = {n.name: n for n in tree.body if isinstance(n, ast.ClassDef)}
    for n in tree.body:
        if isinstance(n, (ast.Assign, ast.AnnAssign)):
            for t in n.targets if isinstance(n, ast.Assign) else [n.target]:
                if isinstance(t, ast.Name):
                    trees[part].setdefault(t.id, n)
for part, names in chains["qgis"]:
    if names[0] not in trees[part]:
        lost.append(".".join([part, names[0]]))
print(json.dumps({"lost": lost, "qt": importlib.import_module("PyQt6.QtCore").PYQT_VERSION_STR}))
"""


def chain(node):
    """``QFrame.Shape.Box`` as names, where a node is such a chain."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else None


def used(prefix):
    """Chains that begin with what is imported from below a module: (module, names, file)."""
    found = []
    for path in sorted(FOLDER.glob("*.py")):
        tree = ast.parse(path.read_text())
        imported = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(prefix):
                for alias in node.names:
                    imported[alias.asname or alias.name] = node.module.removeprefix(prefix)
        for node in ast.walk(tree):
            names = chain(node) if isinstance(node, ast.Attribute) else None
            if names and names[0] in imported and not names[-1].startswith("__"):
                found.append((imported[names[0]], names, path.name))
        found.extend((module, [name], path.name) for name, module in imported.items())
    return found


def test_qt_is_imported_through_qgis_alone():
    for path in FOLDER.glob("*.py"):
        text = path.read_text()
        assert "PyQt5" not in text and "PyQt6" not in text and "exec_(" not in text, path.name


def test_every_attribute_is_there_in_this_qgis():
    import importlib

    for prefix in ("qgis.PyQt.", "qgis."):
        for module, names, file in used(prefix):
            if prefix == "qgis." and module not in ("core", "gui"):
                continue
            found = importlib.import_module(prefix + module)
            for name in names:
                found = getattr(found, name)
            assert found is not None, f"{file}: {names}"


def test_enumerations_are_named_in_full():
    import enum

    from qgis import PyQt, core, gui  # noqa: F401

    for prefix, modules in (("qgis.", ("core", "gui")), ("qgis.PyQt.", None)):
        for module, names, file in used(prefix):
            if (modules and module not in modules) or len(names) < 2:
                continue
            owner = __import__(prefix + module, fromlist=["_"])
            for name in names[:-1]:
                owner = getattr(owner, name)
            value = getattr(owner, names[-1])
            flat = isinstance(value, (int, enum.Enum)) and not isinstance(value, (bool, type))
            scoped = isinstance(owner, type) and issubclass(owner, (int, enum.Enum))
            constant = type(value) is int and not scoped
            assert not flat or scoped or constant, f"{file}: {'.'.join(names)} is gone in Qt 6"


@pytest.mark.skipif(not PYTHON, reason="REDEDGE_QT6 names no Python with PyQt6 and qgis-stubs")
def test_every_attribute_is_there_in_qt6_and_newer_qgis():
    from qgis import core

    # The stubs leave exceptions out.
    wrong = core.QgsProcessingException.__name__
    chains = {
        "qt": [(module, names) for module, names, _ in used("qgis.PyQt.")],
        "qgis": [(m, names) for m, names, _ in used("qgis.") if m in ("core", "gui") and names[0] != wrong],
    }
    assert len(chains["qt"]) > 30 and len(chains["qgis"]) > 60
    done = subprocess.run(
        [PYTHON, "-c", LOOK], input=json.dumps(chains), capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert told["qt"].startswith("6.") and told["lost"] == []
