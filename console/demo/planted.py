"""Every defect that the generator plants, as data: what is wrong, where, and what must come of it.

Counts hold at any scale. tests/test_console_demo.py compares them with the journal of a run, both ways: whatever is
quarantined, held, refused or skipped in the demo stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal[
    "standardised", "null", "dedup", "updated", "late", "vanished",       # rows that go on
    "quarantined",                                                       # rows with the rules that they fail
    "skipped", "held", "refused", "dataset_held", "release_held",        # batches, refinements and releases
    "forbidden",                                                         # datasets of which no byte is fetched
    "erased", "masked", "widened",                 # batches over their time; persons in words that leave; rows that too few are like
]


@dataclass(frozen=True)
class Planted:
    """`count` rows, batches or releases with one defect. `day`: the run in which the outcome shows first.

    `rule` is what the record must name: the rules of quarantined rows (joined by `;`), or the finding that holds or
    refuses. `check` is a condition on silver after the second run that exactly `count` rows must meet, where there is one.
    """

    kind: str
    dataset: str
    where: str
    outcome: Outcome
    rule: str = ""
    count: int = 1
    day: int = 1
    check: str = ""


_WEATHER, _AIR, _ENTERPRISES = "meteorology.station_hours", "ecology_environment.air_hourly", "market_regulation.enterprises"
_TAX, _STOPS, _WASTE, _VENUES = "tax.a_rated_taxpayers", "transport.bus_stops", "urban_management.waste_sites", "culture.venues"
_DOORS = "planning_resources.address_book"
_REPORTS, _CASES, _DIVISIONS = "health.infectious_reports", "letters_calls.hotline_cases", "civil_affairs.divisions"
_ALLOWANCES, _CHECKUPS, _DONORS = "civil_affairs.elder_allowances", "health.elder_checkups", "health.blood_donors"
_REVISITS, _LOST, _SIGNS = "letters_calls.revisits", "transport.lost_items", "urban_management.sign_permits"
_SHOWS, _COURSES, _READERS = "culture.show_bookings", "culture.course_signups", "culture.library_readers"
_DEPOTS = "data_bureau.granary_overview"
_NEWEST = "observed_at >= TIMESTAMPTZ '2026-11-21 00:00:00+08' AND observed_at < TIMESTAMPTZ '2026-11-22 00:00:00+08'"

_ALL = (
    Planted("null words", _WEATHER, "temperature and humidity: NaN, -, --, 999999 and nothing", "null", count=5,
            check=f"station = 'K1001' AND {_NEWEST} AND (temperature IS NULL OR humidity IS NULL)"),
    Planted("full-width digits", _WEATHER, "temperature １２．５, pressure １０１９．３", "standardised", count=2,
            check=f"station = 'K1001' AND {_NEWEST} AND (hour(observed_at) = 21 AND temperature = 12.5 "
                  "OR hour(observed_at) = 22 AND pressure = 1019.3)"),
    Planted("units in values", _WEATHER, "temperature ℃, humidity %, wind speed m/s, rain 毫米", "standardised", count=4),
    Planted("padded spaces", _WEATHER, "station and temperature, with U+3000 and U+00A0", "standardised", count=2),
    Planted("duplicate rows", _WEATHER, "three hours twice in the newest file", "dedup", count=3),
    Planted("wrong type", _WEATHER, "a word as temperature", "quarantined", "type.temperature"),
    Planted("out of range", _WEATHER, "a humidity above 100", "quarantined", "maximum.humidity"),
    Planted("unknown code", _WEATHER, "a station that is in no list", "quarantined", "code.station"),
    Planted("ragged line", _WEATHER, "a line with a field too many", "quarantined", "format.record"),
    Planted("late file", _WEATHER, "a day that was missing in the first drop", "late", count=192, day=2,
            check="observed_at >= TIMESTAMPTZ '2026-11-19 00:00:00+08' AND observed_at < TIMESTAMPTZ '2026-11-20 00:00:00+08'"),
    Planted("repeated file", _WEATHER, "a day dropped again, the same bytes", "skipped", "same content", day=2),

    Planted("null words", _AIR, "PM2.5, O3 and NO2: NaN, — and nothing", "null", count=3),
    Planted("line break in a field", _AIR, "station", "standardised"),
    Planted("unit and full-width digits", _AIR, "CO with mg/m³, PM10 ６２", "standardised", count=2),
    Planted("duplicate rows", _AIR, "five hours twice in the newest day", "dedup", count=5),
    Planted("wrong type", _AIR, "a word as index", "quarantined", "type.aqi"),
    Planted("unknown code", _AIR, "level 7", "quarantined", "code.level"),
    Planted("out of range", _AIR, "SO2 below zero", "quarantined", "minimum.so2"),
    Planted("ragged lines", _AIR, "a line with two fields too many, one with two too few", "quarantined", "format.record", count=2),
    Planted("unreadable archive", _AIR, "a zip that was cut short", "held", "format.unreadable"),
    Planted("corrected day", _AIR, "a day sent again with higher PM10", "updated", count=0, day=2),
    Planted("renamed column", _AIR, "PM2.5 became PM2.5(新)", "held", "columns.unknown", day=2),

    Planted("lower case and padding", _ENTERPRISES, "credit codes", "standardised", count=2),
    Planted("null word", _ENTERPRISES, "capital -", "null", check="capital IS NULL"),
    Planted("full-width digits and units", _ENTERPRISES, "capital １００．００, 1,000.00 and 5000万元", "standardised", count=3),
    Planted("three spellings of a date", _ENTERPRISES, "2023/5/7, 2023年5月7日, 20230507", "standardised", count=3,
            check="founded_on = DATE '2023-05-07' AND approved_on = DATE '2024-05-06'"),
    Planted("code of its time", _ENTERPRISES, "下城区 approved in 2019, when it was a district", "standardised", check="district = '330103'"),
    Planted("code expired at the row's date", _ENTERPRISES, "下城区 and 江干区 approved after 2021, 临平区 before it was made",
            "quarantined", "code.district", count=3),
    Planted("wrong form", _ENTERPRISES, "a credit code of fifteen characters", "quarantined", "pattern.credit_code"),
    Planted("wrong type", _ENTERPRISES, "面议 as capital", "quarantined", "type.capital"),
    Planted("unknown code", _ENTERPRISES, "industry Z", "quarantined", "code.industry"),
    Planted("unknown state", _ENTERPRISES, "营业中", "quarantined", "status_known"),
    Planted("missing name", _ENTERPRISES, "an enterprise without a name", "quarantined", "required.name"),
    Planted("duplicate rows", _ENTERPRISES, "four enterprises twice", "dedup", count=4),
    Planted("wrong encoding", _ENTERPRISES, "UTF-16 where GB18030 is declared", "held", "format.unreadable"),
    Planted("no rows", _ENTERPRISES, "a file with a header only", "held", "volume.min_rows"),

    Planted("wrong form", _TAX, "a taxpayer number of seventeen characters", "quarantined", "pattern.taxpayer"),
    Planted("unknown code", _TAX, "industry 9", "quarantined", "code.industry"),
    Planted("wrong type", _TAX, "a year in Chinese numerals", "quarantined", "type.year;required.year"),
    Planted("another list of codes", _TAX, "all additions use another list of industries: too many bad rows", "dataset_held", "code.industry", day=2),

    Planted("full-width digits", _STOPS, "lines", "standardised"),
    Planted("null word", _STOPS, "shelter -", "null"),
    Planted("unknown code", _STOPS, "a district that is none", "quarantined", "code.district"),
    Planted("place at sea", _STOPS, "a stop at 0°, 0°", "quarantined", "inside_city"),
    Planted("no position", _STOPS, "a feature without geometry", "quarantined", "required.longitude;required.latitude"),
    Planted("wrong type", _STOPS, "待建 as shelter", "quarantined", "type.shelter"),
    Planted("duplicate feature", _STOPS, "a stop twice", "dedup"),
    Planted("vanished keys", _STOPS, "stops that are not in the second snapshot", "vanished", count=6, day=2),
    Planted("shrunken source", _STOPS, "a snapshot with a dozen stops", "held", "volume.shrunken", day=2),

    Planted("unit, full width and lower case", _WASTE, "bins 6只 and ４, a site's number", "standardised", count=3),
    Planted("bit mask out of range", _WASTE, "kinds 64", "quarantined", "maximum.kinds"),
    Planted("empty bit mask", _WASTE, "kinds 0", "quarantined", "minimum.kinds"),
    Planted("name instead of a code", _WASTE, "district 杭州", "quarantined", "code.district"),
    Planted("wrong type", _WASTE, "maybe as truth value", "quarantined", "type.is_open;required.is_open"),
    Planted("unknown code", _WASTE, "main kind 3, which is a mask", "quarantined", "code.main_kind"),
    Planted("undeclared personal data", _WASTE, "mobile numbers in the remarks of a district's file", "refused", "collection.rule"),
    Planted("secrecy cue", _WASTE, "notes that point to a military site", "held", "secrecy.strong"),

    Planted("spaces inside names", _VENUES, "name and English name", "standardised", count=2),
    Planted("units and thousands", _VENUES, "area 12,500.5 and visits 35.2万", "standardised", count=2),
    Planted("null word", _VENUES, "area —", "null", check="area IS NULL"),
    Planted("full-width phone", _VENUES, "０５７１－８７００１２３４", "standardised", check="phone = '0571-87001234'"),
    Planted("null word", _VENUES, "free 无", "null", check="free IS NULL"),
    Planted("number for a code", _VENUES, "330106.0 where a spreadsheet kept a number", "standardised", count=0, check="district LIKE '%.%'"),
    Planted("unknown code", _VENUES, "kind OPERA", "quarantined", "code.kind"),
    Planted("broken code", _VENUES, "district 330104.5", "quarantined", "code.district"),
    Planted("out of range", _VENUES, "a floor area of 0", "quarantined", "above.area"),
    Planted("wrong type", _VENUES, "若干 as visits", "quarantined", "type.visits"),
    Planted("duplicate rows", _VENUES, "three venues twice", "dedup", count=3),
    Planted("missing sheet", _VENUES, "a workbook without the declared sheet", "held", "format.unreadable"),
    Planted("changed rows", _VENUES, "new hours", "updated", count=20, day=2, check="hours = '09:00-16:30,周一闭馆'"),
    Planted("unknown column", _VENUES, "a workbook with one column more, of names", "held", "columns.unknown", day=2),
    Planted("identifier in an open column", _VENUES, "credit codes inside addresses", "release_held", "screen.social_credit_code.address", day=2),

    Planted("unit and full-width digits", _REPORTS, "age 36岁 and ２７", "standardised", count=2),
    Planted("null word", _REPORTS, "age -", "null", check="age IS NULL"),
    Planted("out of range", _REPORTS, "age 230", "quarantined", "maximum.age"),
    Planted("unknown value", _REPORTS, "sex 不详", "quarantined", "sex_known"),
    Planted("unknown code", _REPORTS, "disease X99", "quarantined", "code.disease"),
    Planted("missing district", _REPORTS, "no district", "quarantined", "required.district"),
    Planted("no date", _REPORTS, "month 13", "quarantined", "type.onset_on"),
    Planted("duplicate rows", _REPORTS, "two cards twice", "dedup", count=2),
    Planted("too much", _REPORTS, "more rows than the collection rule permits", "refused", "collection.quantity"),
    Planted("corrected cards", _REPORTS, "ten cards with another disease", "updated", count=10, day=2,
            check="reported_on = DATE '2026-11-22' AND card LIKE 'R20261121%' AND disease = 'C01'"),

    Planted("wrong type", _CASES, "一般 as truth value", "quarantined", "type.satisfied"),
    Planted("unknown state", _CASES, "已归档", "quarantined", "status_known"),
    Planted("unknown code", _CASES, "category 9999", "quarantined", "code.category"),
    Planted("missing district", _CASES, "no district", "quarantined", "required.district"),
    Planted("no time", _CASES, "昨天下午", "quarantined", "type.received_at;required.received_at"),
    Planted("broken record", _CASES, "a line of JSON that was cut short", "quarantined", "format.record"),
    Planted("duplicate rows", _CASES, "three cases twice", "dedup", count=3),
    Planted("empty file", _CASES, "a file without a byte", "held", "format.unreadable"),
    Planted("numbers in titles", _CASES, "mobile numbers that the agent wrote into the title", "release_held", "screen.mobile.title"),

    Planted("kinds beyond the rule", _CASES, "ID numbers in the words of a day's cases", "refused", "collection.kinds"),

    Planted("too soon", _ALLOWANCES, "a file six hours after another one", "refused", "collection.frequency"),
    Planted("too much within a month", _ALLOWANCES, "a file that would make more than 500 elders within 31 days", "refused", "collection.window"),
    Planted("outside the scope", _ALLOWANCES, "elders from another city", "refused", "collection.scope"),
    Planted("by another way", _SHOWS, "bookings as files, where the rule permits a database only", "refused", "collection.mode"),
    Planted("after the rule's end", _COURSES, "sign-ups after the last day of the rule", "refused", "collection.validity"),
    Planted("harmless alone", _CHECKUPS, "the same elders by other columns", "release_held", "exposure.joint"),
    Planted("excluded element", _DONORS, "a blood group in the contract", "forbidden", "HX1"),
    Planted("persons in words", _REVISITS, "names, numbers and addresses in what callers said", "masked"),
    Planted("few alike", _READERS, "birth years that hardly anybody shares in a district", "widened"),
    Planted("over its time", _LOST, "a batch of forty days before", "erased", "HZ-P6"),
    Planted("collected twice", _SIGNS, "legal representatives under another name", "refused", "shared.values"),
    Planted("joining combination", _DEPOTS, "places and stocks of grain depots in one query", "dataset_held", "joins.dataset"),

    Planted("place that nobody can tell", _CASES, "不详 and 小区南门附近 as locations", "null", count=2,
            check="location IN ('不详', '小区南门附近') AND location_key IS NULL AND location_street IS NULL"),

    Planted("many spellings", _DOORS, "doors with full-width digits, spaces, 栋 and 号楼 for 幢, or without the city", "standardised", count=0,
            check="standard NOT LIKE '浙江省杭州市%' OR standard LIKE '% %' OR door_key IS NULL"),
    Planted("place that nobody can tell", _DOORS, "不详, no district, two doors in one cell", "quarantined", "required.street", count=3),
    Planted("unknown use", _DOORS, "仓库", "quarantined", "use_known"),
    Planted("wrong date", _DOORS, "month 13", "quarantined", "type.registered_on"),
    Planted("duplicate rows", _DOORS, "three doors twice", "dedup", count=3),

    Planted("padded spaces", _DIVISIONS, "a name and a level", "standardised", count=2),
    Planted("duplicate rows", _DIVISIONS, "a street twice", "dedup"),
    Planted("vanished keys", _DIVISIONS, "five units that are no divisions", "vanished", count=5, day=2),
)


def planted() -> list[Planted]:
    """All of them, by dataset."""
    return list(_ALL)
