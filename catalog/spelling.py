"""How Chinese texts are spelled in pinyin, for searches on a keyboard without Chinese. Pure; the dictionary is pypinyin's."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_PIECE = re.compile(r"[a-z]+|[0-9]+")


@lru_cache(maxsize=2**14)
def spelled(text: str) -> str:
    """A text's syllables in small letters with blanks between: 公共自行车（2024） → `gong gong zi xing che 2024`.

    Words in Latin letters and numbers stand as they are; ü is v, as it is typed. Readings come with the words around them (银行 is
    `yin hang`). Empty where the text has no Chinese.
    """
    from pypinyin import lazy_pinyin  # its dictionary takes half a second to load

    plain = unicodedata.normalize("NFKC", text)
    syllables = lazy_pinyin(plain)
    if syllables == [plain]:
        return ""
    return " ".join(piece for syllable in syllables for piece in _PIECE.findall(syllable.lower()))
