#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the zip that QGIS installs: ``package.py FILE``. The same files make the same bytes."""

import sys
import zipfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "rededge"
ENDINGS = (".py", ".svg", ".txt")
#: The first moment that a zip can tell.
MOMENT = (1980, 1, 1, 0, 0, 0)


def main(target):
    """Writes the zip."""
    target.parent.mkdir(parents=True, exist_ok=True)
    chosen = [path for path in FOLDER.iterdir() if path.suffix in ENDINGS or path.name == "LICENSE"]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(chosen):
            entry = zipfile.ZipInfo(f"rededge/{path.name}", MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    print(f"{target}: {len(chosen)} files, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
