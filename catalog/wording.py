"""Words for people: gettext, English in the code, `zh_CN` beside it (catalog/locale/zh_CN.po, read by Babel)."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files

LANGUAGES = ("zh", "en")


@cache
def translations(language: str) -> NullTranslations:
    """The translations of a language; English is what the code says."""
    if not language.lower().startswith("zh"):
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    source = files("catalog").joinpath("locale/zh_CN.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(source), locale="zh_CN"))
    compiled.seek(0)
    return GNUTranslations(compiled)


def wording(language: str) -> Callable[[str], str]:
    """The translating function of a language."""
    return translations(language).gettext


def sentences(language: str) -> list[str]:
    """Every text that has a translation."""
    catalog: dict[str, str] = getattr(translations(language), "_catalog", {})
    return sorted(text for text in catalog if isinstance(text, str) and text)
