"""Where things lie: in the checkout (CKAN's environment, Solr's jars, the extension) and below the root of one stack."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PORTAL = Path(__file__).resolve().parents[1]
CHECKOUT = PORTAL.parent


@dataclass(frozen=True)
class Layout:
    """Paths of one stack. `root` is private to its owner; `venv` and `jars` are shared by all stacks of a checkout."""

    root: Path
    venv: Path = Path(os.environ.get("CITYLAKE_CKAN_VENV", CHECKOUT / ".tools" / "ckan"))
    jars: Path = Path(os.environ.get("CITYLAKE_SOLR_JARS", CHECKOUT / ".tools" / "solr"))
    extension: Path = PORTAL / "ckanext-citylake"
    solr_files: Path = PORTAL / "solr"
    inside: Path = PORTAL / "inside"
    lock: Path = PORTAL / "requirements.lock"

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def ini(self) -> Path:
        return self.root / "ckan.ini"

    @property
    def access(self) -> Path:
        """What the publisher needs: {"url", "sysadmin_token", "database"}."""
        return self.root / "access.json"

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    def log_end(self, part: str, lines: int) -> list[str]:
        """The last lines of a part's log."""
        path = self.log(part)
        return path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:] if path.exists() else []
