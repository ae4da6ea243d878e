# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that run-tests unpacks below build/tools, since their packages would set up the machine's own network."""

import os

FOLDER = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../../build/tools/neighbours"))


def fetched(path):
    """Where the program is."""
    if not os.path.exists(f"{FOLDER}/{path}"):
        raise FileNotFoundError(f"{FOLDER}/{path}: run-tests fetches it, or bash -c '. scripts/common.sh; fetch_neighbours'")
    return f"{FOLDER}/{path}"
