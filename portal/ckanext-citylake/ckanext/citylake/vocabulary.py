"""The words of the European vocabularies that DCAT-AP uses, for ours. Names only: nothing is fetched from these addresses."""

from __future__ import annotations

from collections.abc import Mapping

EU = "http://publications.europa.eu/resource/authority"
IANA = "https://www.iana.org/assignments/media-types"
WITHDRAWN = f"{EU}/dataset-status/WITHDRAWN"
LANGUAGES = ("ZHO", "ENG")       # of the descriptions; the data themselves are in the first
ACCESS: Mapping[str, str] = {"unconditional": "PUBLIC", "restricted": "RESTRICTED", "prohibited": "NON_PUBLIC"}
FREQUENCY: Mapping[str, str] = {"hourly": "HOURLY", "daily": "DAILY", "weekly": "WEEKLY", "monthly": "MONTHLY",
                                "quarterly": "QUARTERLY", "yearly": "ANNUAL", "irregular": "IRREG"}
FILE_TYPE: Mapping[str, str] = {"csv": "CSV", "parquet": "PARQUET", "jsonl": "JSONL", "json": "JSON", "xlsx": "XLSX", "geojson": "GEOJSON"}
LICENCES: Mapping[str, str] = {"CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
                               "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
                               "ODbL-1.0": "https://opendatacommons.org/licenses/odbl/1-0/"}
THEMES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "economy": ("ECON", {"en": "Economy and finance", "zh": "经济与金融"}),
    "environment": ("ENVI", {"en": "Environment", "zh": "环境"}),
    "culture": ("EDUC", {"en": "Education, culture and sport", "zh": "教育、文化与体育"}),
    "health": ("HEAL", {"en": "Health", "zh": "卫生健康"}),
    "urban": ("REGI", {"en": "Regions and cities", "zh": "地区与城市"}),
}
