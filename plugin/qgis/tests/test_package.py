# SPDX-License-Identifier: GPL-2.0-or-later
"""The zip that QGIS installs."""

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1]
FOLDER = HERE / "rededge"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The zip, made twice."""
    made = [tmp_path_factory.mktemp("zip") / "rededge.zip" for _ in range(2)]
    for path in made:
        subprocess.run([sys.executable, HERE / "package.py", path], check=True, capture_output=True)
    assert made[0].read_bytes() == made[1].read_bytes(), "the same files make the same bytes"
    return made[0]


def test_the_zip_holds_one_folder_with_what_qgis_asks_for(package):
    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert {name.split("/")[0] for name in names} == {"rededge"}
        needed = ("__init__.py", "metadata.txt", "LICENSE", "icon.svg", "provider.py")
        assert {f"rededge/{name}" for name in needed} <= set(names)
        for name in names:
            assert name.endswith((".py", ".txt", ".svg", "LICENSE")), f"{name} is no source"
            archive.read(name).decode("utf-8")
        assert "GNU GENERAL PUBLIC LICENSE" in archive.read("rededge/LICENSE").decode()


def test_the_metadata_say_what_qgis_and_its_repository_ask_for(package):
    told = configparser.ConfigParser(interpolation=None)
    told.read(FOLDER / "metadata.txt", encoding="utf-8")
    general = told["general"]
    for key in (
        "name",
        "description",
        "about",
        "version",
        "author",
        "email",
        "homepage",
        "tracker",
        "repository",
    ):
        assert general[key].strip(), key
    assert general["qgisMinimumVersion"] == "3.22" and general["qgisMaximumVersion"].startswith("4.")
    assert general["supportsQt6"] == "yes" and general["hasProcessingProvider"] == "yes"
    assert (FOLDER / general["icon"]).is_file()
    cargo = (HERE.parents[1] / "Cargo.toml").read_text()
    assert f'version = "{general["version"]}"' in cargo, "plugin and server have one version"


def test_every_file_says_its_licence():
    for path in FOLDER.glob("*.py"):
        assert path.read_text().startswith("# SPDX-License-Identifier: GPL-2.0-or-later\n"), path.name
        assert len(path.read_text().splitlines()) < 300, path.name


def test_the_plugin_loads_from_the_zip(package, tmp_path):
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path)
    look = "import rededge.plugin, rededge.options, rededge.provider; print(rededge.__file__)"
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:rededge", "-c", look],
        cwd=tmp_path,
        env={"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert str(tmp_path) in done.stdout, done.stderr
