"""How to use an open product: commands and programs that run as they stand, once the site's address is in them. Pure.

`BASE` stands for that address; the page puts its own in its place where there is JavaScript. The tests run what is made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BASE = "https://SITE/"


def examples(page: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(tool, code) of an open product's newest files; none where it has neither CSV nor Parquet."""
    last = {file["format"]: file for file in sorted(page["files"], key=lambda file: file["period"] or "")}
    place = f"{BASE}data/{page['id']}/{page['release']}/"
    found = []
    if csv := last.get("csv"):
        url, name = place + csv["name"], csv["name"]
        found += [("curl", f'curl -f -O "{url}"\necho "{csv["sha256"]}  {name}" | sha256sum -c'),
                  ("Python", f'import pandas as pd\n\nrows = pd.read_csv("{url}", dtype=str)\nprint(len(rows), list(rows.columns))'),
                  ("R", f'rows <- read.csv("{url}", fileEncoding = "UTF-8-BOM", colClasses = "character")\nnrow(rows)')]
    if best := last.get("parquet") or last.get("csv"):
        read = "read_parquet" if best["format"] == "parquet" else "read_csv"
        more = "" if best["format"] == "parquet" else ", all_varchar = true"
        found.append(("DuckDB", f"-- curl -f -O \"{place}{best['name']}\"\nSELECT * FROM {read}('{best['name']}'{more}) LIMIT 5;"))
    order = ("curl", "Python", "DuckDB", "R")
    return sorted(found, key=lambda one: order.index(one[0]))
