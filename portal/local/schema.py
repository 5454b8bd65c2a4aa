"""Solr's schema for a Chinese portal, made at run time from the one in the installed CKAN (which is AGPL: never commit the result).

Three changes: text is found by its two-character pieces, titles are ordered by pinyin, and `_version_` is a number. CKAN ships that as a
string, with which Solr cannot replay its update log: a kill then loses acknowledged updates.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from state import StackError

# Phrases from what stands without spaces: without them 公共自行车 would find every 公共 something.
TEXT = """<fieldType name="{name}" class="solr.TextField" positionIncrementGap="100" autoGeneratePhraseQueries="true">
        <analyzer type="index">{before}
            <filter class="solr.CJKBigramFilterFactory" outputUnigrams="true"/>{after}
        </analyzer>
        <analyzer type="query">{before}
            <filter class="solr.CJKBigramFilterFactory"/>{after}
        </analyzer>
    </fieldType>"""
BEFORE = """
            <tokenizer class="solr.StandardTokenizerFactory"/>
            <filter class="solr.CJKWidthFilterFactory"/>
            <filter class="solr.LowerCaseFilterFactory"/>"""
AFTER = """
            <filter class="solr.ASCIIFoldingFilterFactory"/>
            <filter class="solr.SnowballPorterFilterFactory" language="English" protected="protwords.txt"/>"""
# The JDK's own Chinese order is pinyin: no ICU jar.
PINYIN = '<fieldType name="zh_sort" class="solr.CollationField" language="zh" country="CN" strength="tertiary"/>\n    '


def chinese(schema: str) -> str:
    """The schema with our changes. Raises StackError when CKAN's schema no longer has what they replace."""
    for name in ("text", "text_general"):
        schema = _once(rf'<fieldType name="{name}" class.*?</fieldType>', TEXT.format(name=name, before=BEFORE, after=AFTER), schema)
    schema = _once(r'<field name="_version_"[^>]*/>',
                   '<field name="_version_" type="plong" indexed="false" stored="false" docValues="true"/>', schema)
    schema = _once(r'<field name="title_string"[^>]*/>', '<field name="title_string" type="zh_sort" indexed="true" stored="false"/>', schema)
    return _once(r'(?=<fieldType name="string")', PINYIN, schema)


def shipped(venv: Path) -> Path:
    """CKAN's schema in an environment."""
    found = next(venv.glob("lib/python3*/site-packages/ckan/config/solr/schema.xml"), None)
    if found is None:
        raise StackError("CKAN is not installed.", "Run `make portal-parts`.")
    return found


def _once(pattern: str, new: str, schema: str) -> str:
    changed, count = re.subn(pattern, lambda _: new, schema, flags=re.DOTALL)
    if count != 1:
        raise StackError(f"CKAN's schema has {count} places like {pattern}, not one.", "This CKAN is another one than the lock names.")
    return changed


if __name__ == "__main__":
    sys.stdout.write(chinese(shipped(Path(sys.argv[1])).read_text(encoding="utf-8")))
