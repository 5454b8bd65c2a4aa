"""Whether this machine has the cluster engine's parts, the settings of a small Spark for tests, and how keys would look in what it tells."""

from __future__ import annotations

import base64
import hmac
import os
import shutil
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.settings import Settings

JARS = Path(__file__).parents[1] / ".tools" / "spark"
MASTER = "local[2]"
# A test's JVM lives for some minutes: its second compiler never pays.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")


@lru_cache(maxsize=1)
def spark_there() -> bool:
    from catalog.errors import EngineFailure
    from pipelines.engines.spark.jars import jars

    if find_spec("pyspark") is None or shutil.which("java") is None:
        return False
    try:
        return bool(jars(JARS))
    except EngineFailure:
        return False


def local(state: Path) -> Settings:
    """A Spark of two threads whose spill lies below `state`."""
    from pipelines.settings import settings

    return settings({"CITYLAKE_STATE": str(state), "CITYLAKE_SPARK": MASTER, "CITYLAKE_SPARK_JARS": str(JARS)})


def key_marks(secrets: Path, product: str) -> set[bytes]:
    """How the keys of a folder, those made of them for a product, or their pads would stand in a text: beginnings suffice, texts are cut."""
    keys = [path.read_bytes() for path in secrets.iterdir() if path.is_file()]
    assert keys
    keys += [hmac.digest(key, product.encode(), "sha256") for key in keys]
    pads = [bytes(byte ^ mask for byte in key.ljust(64, b"\0"))[:32] for key in keys for mask in (0x36, 0x5C)]
    found = set()
    for one in (*keys, *pads):
        escaped = _in_octal(one[:16])
        found |= {one, one[:16].hex().encode(), one[:16].hex().upper().encode(), base64.b64encode(one[:15]), repr(one[:16])[2:-1].encode(),
                  escaped, escaped.replace(b"\\", b"\\\\")}
    return found


def _in_octal(data: bytes) -> bytes:
    """As protocol buffers are printed."""
    return "".join(chr(byte) if 32 <= byte < 127 and chr(byte) not in "\"'\\" else f"\\{byte:03o}" for byte in data).encode()


def told(places: Iterable[tuple[str, bytes]], marks: Iterable[bytes]) -> list[str]:
    """The places whose bytes hold one of the marks."""
    wanted = list(marks)
    return sorted({name for name, data in places if any(mark in data for mark in wanted)})
