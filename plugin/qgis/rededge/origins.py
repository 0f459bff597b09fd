# SPDX-License-Identifier: GPL-2.0-or-later
"""Which result of a server a file on this machine is: it need not be sent back there."""

import json
import os

#: Custom property of layers that show a result.
ORIGIN = "rededge/origin"

_known = {}


def remember(path, href):
    """Notes that a file holds what is behind a link."""
    _known[os.path.abspath(path)] = [href, *_stamp(path)]


def note_of(path):
    """What a layer should keep of where its file came from; empty where nothing is known."""
    known = _known.get(os.path.abspath(path))
    return json.dumps(known) if known else ""


def origin_of(path, note=None):
    """The link that a file came from, unless it has changed since."""
    known = _known.get(os.path.abspath(path))
    if known is None and note:
        try:
            known = json.loads(note)
        except ValueError:
            return None
    if not known:
        return None
    # What is looked at on the server has no file here that could have changed.
    same = len(known) == 1 or (os.path.isfile(path) and known[1:] == list(_stamp(path)))
    return known[0] if same else None


def _stamp(path):
    """Size and time of a file."""
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns
