"""Where Dagster looks: `dagster dev -m assets.definitions`. Nothing is loaded before Dagster asks."""

from __future__ import annotations

import os

import dagster as dg

from assets.build import definitions


@dg.definitions
def defs() -> dg.Definitions:
    os.umask(0o077)         # runs write private data, whoever started Dagster
    return definitions()
