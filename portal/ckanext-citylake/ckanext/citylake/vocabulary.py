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
THEMES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "economy": ("ECON", {"en": "Economy and finance", "zh": "经济与金融"}),
    "environment": ("ENVI", {"en": "Environment", "zh": "环境"}),
    "culture": ("EDUC", {"en": "Education, culture and sport", "zh": "教育、文化与体育"}),
    "health": ("HEAL", {"en": "Health", "zh": "卫生健康"}),
    "urban": ("REGI", {"en": "Regions and cities", "zh": "地区与城市"}),
}
