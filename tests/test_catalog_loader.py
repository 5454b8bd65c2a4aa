"""The strict loader: every class of error once, with its file and line; all of them at once; and none for a city that is right."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.contract import LAYERS
from catalog.derivation import reads
from catalog.errors import DefinitionErrors
from catalog.loader import check_city, load_city
from catalog.naming import asset_key, contract_path, dataset_at, dataset_of
from catalog.yamlread import read_yaml
from pipelines.source_check import check_all

ROOT = Path(__file__).resolve().parents[1]
TREES, SUMS = "datasets/parks/trees.odcs.yaml", "datasets/parks/sums.odcs.yaml"
CITY = """\
id: tiny
name: {zh: 小城, en: Tiny}
title: {zh: 小城数据, en: Tiny data}
zone: Asia/Shanghai
departments:
  parks:
    name: {zh: 园林局, en: Parks}
systems:
  files:
    department: parks
    title: {zh: 文件, en: Files}
    root: parks
portals:
  site: {kind: folder, auto: true}
"""
PEOPLE = """\
people:
  - {id: ada, name: Ada, department: parks, roles: [steward]}
  - {id: bob, name: Bob, department: parks, roles: [bureau]}
"""
CALENDAR = """\
years:
  "2026":
    holidays: ["2026-01-01"]
    workdays: ["2026-01-04"]
"""
KINDS = """\
code,zh,en,valid_from,valid_to,parent
A,公园,park,2020-01-01,2024-12-31,
A,公园绿地,park land,2025-01-01,,
B,湿地,wetland,,,A
"""
POLICY = """\
version: 1
weak_rows: 2
collection_rules:
  - id: P1
    department: parks
    datasets: [parks.trees]
    purposes: [upkeep, open_data]
    kinds: [name, mobile, address]
    quantity: {rows_per_batch: 100}
    frequency: {min_interval_hours: 24}
    mode: [files]
    scope: {subjects: owners of trees}
    retention_days: 30
    valid_from: "2025-01-01"
    valid_to: "2030-12-31"
    legal_basis: 个人信息保护法第十三条
    verified: true
joins:
  - {id: JT1, elements: [树木数, planted], legal_basis: 保守国家秘密法第十三条, verified: true}
"""
HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: parks.NAME
name: NAME
version: 1.0.0
status: active
domain: urban
description:
  purpose: For tests.
customProperties:
  - property: citylake
    value:
      department: parks
      title: {zh: 树, en: Trees}
      summary: {zh: 说明, en: Summary}
      field: urban
      licence: CC-BY-4.0
      rights_holder: 小城
      legal_basis: 浙江省公共数据条例
      contact: {name: 园林局, email: parks@example.org}
      author: ada
      update: {every: daily}
      purposes: [open_data, upkeep]
"""
TREES_TEXT = HEAD.replace("NAME", "trees") + """\
      sources:
        - id: main
          system: files
          connector: files
          options:
            path: trees.csv
          format:
            name: csv
          aliases: {Kind: kind}
          leave_out: [Secret]
      collection_rule: P1
      merge: upsert
      newest_by: planted
      period: {column: planted, grain: year}
      products:
        - name: main
          tier: unconditional
          purpose: open_data
          filter: height > 1
          columns:
            id: {do: keep}
            kind: {do: keep}
            height: {do: round, step: 0.5}
            planted: {do: generalise, to: month}
        - name: counts
          tier: unconditional
          purpose: open_data
          columns:
            kind: {do: keep}
          aggregate:
            by: [kind]
            measures:
              trees: count(*)
schema:
  - name: trees
    physicalType: table
    quality:
      - {id: enough, metric: rowCount, mustBeGreaterThan: 0, dimension: coverage}
      - id: spread
        type: sql
        query: SELECT max(height) FROM ${table}
        mustBeLessThan: 99
        dimension: accuracy
      - id: mean_height
        type: custom
        engine: greatExpectations
        implementation: {type: ExpectColumnMeanToBeBetween, column: height, min_value: 0}
        dimension: accuracy
    properties:
      - name: id
        businessName: 编号
        logicalType: string
        physicalType: text
        classification: L1
        required: true
        primaryKey: true
        primaryKeyPosition: 1
      - name: kind
        businessName: 类别
        logicalType: string
        physicalType: text
        classification: L1
        customProperties:
          - property: citylake
            value: {codes: kinds, codes_at: planted}
        quality:
          - {id: known, metric: invalidValues, arguments: {validValues: [A, B]}, mustBe: 0, dimension: conformity}
      - name: height
        businessName: 高度
        logicalType: number
        physicalType: decimal(6,2)
        classification: L1
        logicalTypeOptions: {minimum: 0}
        quality:
          - id: tall
            type: sql
            query: SELECT COUNT(*) FROM ${table} WHERE height > 150
            mustBeLessOrEqualTo: 1
            unit: percent
            severity: warning
            dimension: accuracy
      - name: planted
        businessName: 种植日期
        logicalType: date
        physicalType: date
        classification: L1
      - name: owner
        businessName: 认养人
        logicalType: string
        physicalType: text
        classification: L3
        logicalTypeOptions: {pattern: "[A-Z]+", maxLength: 40}
        customProperties:
          - property: citylake
            value: {person: true, identifies: mobile}
      - name: owner_at
        businessName: 认养人住址
        logicalType: string
        physicalType: text
        classification: L3
        customProperties:
          - property: citylake
            value: {person: true, quasi: true, identifies: address}
      - name: owner_door
        businessName: 认养人地址代码
        logicalType: string
        physicalType: text
        classification: L3
        customProperties:
          - property: citylake
            value: {from_address: {column: owner_at, part: code}, person: true, quasi: true, identifies: address}
"""
SUMS_TEXT = HEAD.replace("NAME", "sums") + """\
      inputs:
        - {dataset: parks.trees, name: trees}
      query: |
        SELECT kind, count(*) AS trees, max(owner) AS owner, max(owner_door) AS door FROM trees GROUP BY kind
      products:
        - name: main
          tier: unconditional
          purpose: open_data
          columns:
            kind: {do: keep}
            trees: {do: keep}
schema:
  - name: sums
    physicalType: table
    properties:
      - name: kind
        businessName: 类别
        logicalType: string
        physicalType: text
        classification: L1
      - name: trees
        businessName: 树木数
        logicalType: integer
        physicalType: bigint
        classification: L1
      - name: owner
        businessName: 认养人
        logicalType: string
        physicalType: text
        classification: L3
      - name: door
        businessName: 地址代码
        logicalType: string
        physicalType: text
        classification: L3
        customProperties:
          - property: citylake
            value: {identifies: address}
"""
OWN_DOOR = "        customProperties:\n          - property: citylake\n            value: {from_address"
FILES = {"city.yaml": CITY, "people.yaml": PEOPLE, "calendar.yaml": CALENDAR, "codes/kinds.csv": KINDS,
         "negative_list.yaml": POLICY, TREES: TREES_TEXT, SUMS: SUMS_TEXT}


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A small city that is right."""
    for name, text in FILES.items():
        path = tmp_path / "city" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "city"


@dataclass(frozen=True)
class Case:
    """In `file`, `old` becomes `new`; then `code` must be told of the line that holds `at` (by default, what is new)."""

    code: str
    file: str
    old: str
    new: str
    at: str | None = None


OWNER = "          - property: citylake\n            value: {person"
CASES = [
    # YAML itself
    Case("yaml.missing", "calendar.yaml", CALENDAR, ""),
    Case("yaml.encoding", "people.yaml", "Bob", "\udcff"),
    Case("yaml.syntax", "city.yaml", "name: {zh: 小城, en: Tiny}", "name: {zh: 小城, en: Tiny", "title: "),
    Case("yaml.syntax", "city.yaml", "zone: Asia/Shanghai", "zone: \x07", "id: tiny"),
    Case("yaml.empty", "people.yaml", PEOPLE, "# nobody\n"),
    Case("yaml.empty", "people.yaml", PEOPLE, "null\n"),
    Case("yaml.feature", "city.yaml", "root: parks", "root: &anchor parks"),
    Case("yaml.feature", "city.yaml", "zone: Asia/Shanghai", "zone: *name"),
    Case("yaml.feature", "city.yaml", "root: parks", "root: !!str parks"),
    Case("yaml.duplicate", TREES, "            id: {do: keep}\n", "            id: {do: drop}\n            id: {do: keep}\n", "id: {do: keep}"),
    Case("yaml.key", "city.yaml", "zone: Asia/Shanghai", "? [zone, time]\n: x\nzone: Asia/Shanghai", "? [zone"),
    Case("yaml.key", "city.yaml", "zone: Asia/Shanghai", "<<: {a: b}\nzone: Asia/Shanghai", "<<:"),
    Case("yaml.surprise", TREES, "        required: true", "        required: yes"),
    Case("yaml.surprise", TREES, "version: 1.0.0", "version: 1_000"),
    Case("yaml.surprise", TREES, "mustBeGreaterThan: 0,", "mustBeGreaterThan: 010,"),
    Case("yaml.surprise", "people.yaml", "name: Bob", "name: No"),
    Case("yaml.depth", "city.yaml", "root: parks", "root: " + "[" * 50 + "]" * 50),
    Case("yaml.depth", "city.yaml", CITY, "a: " + "[" * 5000 + "]" * 5000),
    # the head of a contract
    Case("odcs.form", TREES, TREES_TEXT, "- a list\n"),
    Case("odcs.form", TREES, "  - name: trees\n", "  - 7\n  - name: trees\n"),
    Case("odcs.unknown", TREES, "        classification: L3", "        clasification: L3"),
    Case("odcs.unknown", TREES, "status: active", "status: active\nowner: me", "owner: me"),
    Case("odcs.type", TREES, "        required: true", '        required: "true"'),
    Case("odcs.type", TREES, "status: active", "status: active\ntags: 5", "tags: 5"),
    Case("head.kind", TREES, "kind: DataContract", "kind: Contract"),
    Case("head.id", TREES, "id: parks.trees", "id: parks.tree"),
    Case("head.name", TREES, "name: trees\nversion", "name: tree\nversion", "name: tree"),
    Case("head.api_version", TREES, "apiVersion: v3.1.0", "apiVersion: v2.2.0"),
    Case("head.status", TREES, "status: active", "status: finished"),
    Case("head.version", TREES, "version: 1.0.0", "version: one"),
    Case("contract.undecided", TREES, "version: 1.0.0", "version: DECIDE  # which"),
    Case("head.purpose", TREES, "  purpose: For tests.", "  usage: For tests.", "description:"),
    Case("head.domain", TREES, "domain: urban", "domain: health"),
    # our property
    Case("citylake.missing", TREES, "  - property: citylake\n    value:\n      department", "  - property: other\n    value:\n      department",
         "customProperties:"),
    Case("citylake.twice", TREES, "schema:\n", "  - property: citylake\n    value: {}\nschema:\n", "    value: {}"),
    Case("citylake.missing", TREES, "            value: {codes: kinds, codes_at: planted}", "            value: null"),
    Case("citylake.spelled", TREES, OWNER, OWNER.replace("citylake", "citylakes"), "property: citylakes"),
    Case("odcs.type", TREES, OWNER, OWNER.replace("citylake", "# nothing"), "property: # nothing"),
    Case("citylake.department", TREES, "      department: parks", "      department: park"),
    Case("field.unknown", TREES, "      merge: upsert", "      merge: upsert\n      colour: green", "colour"),
    Case("field.unknown", TREES, "            height: {do: round, step: 0.5}", "            height: {do: round, step: 0.5, by: 2}"),
    Case("field.missing", TREES, "            height: {do: round, step: 0.5}", "            height: {do: round}"),
    Case("field.type", TREES, "      merge: upsert", "      merge: replace"),
    Case("field.type", TREES, "            height: {do: round, step: 0.5}", "            height: {do: burn}"),
    Case("missing.licence", TREES, "      licence: CC-BY-4.0\n", "", "    value:"),
    Case("missing.licence", TREES, "      licence: CC-BY-4.0", '      licence: ""'),
    Case("missing.licence", TREES, "      licence: CC-BY-4.0", "      licence:"),
    Case("missing.rights_holder", TREES, "      rights_holder: 小城\n", "", "    value:"),
    Case("missing.legal_basis", TREES, "      legal_basis: 浙江省公共数据条例\n", "", "    value:"),
    Case("missing.contact", TREES, "      contact: {name: 园林局, email: parks@example.org}\n", "", "    value:"),
    Case("missing.purposes", TREES, "      purposes: [open_data, upkeep]\n", "", "    value:"),
    Case("missing.purposes", TREES, "      purposes: [open_data, upkeep]", "      purposes: []"),
    # the table and its columns
    Case("schema.one", TREES, "schema:\n", "schema: []\nother:\n", "schema: []"),
    Case("schema.table", TREES, "  - name: trees\n    physicalType: table", "  - name: trees\n    physicalType: view", "physicalType: view"),
    Case("schema.empty", SUMS, SUMS_TEXT[SUMS_TEXT.index("    properties:"):], "    properties: []\n"),
    Case("column.name", TREES, "      - name: owner", "      - name: Owner"),
    Case("column.type", TREES, "        physicalType: decimal(6,2)", "        physicalType: decimal(6,9)"),
    Case("column.logical", TREES, "        logicalType: number", "        logicalType: integer"),
    Case("column.level", TREES, "        classification: L3", "        classification: L9"),
    Case("column.label", TREES, "        businessName: 认养人\n", "", "      - name: owner"),
    Case("column.key", TREES, "        primaryKey: true\n        primaryKeyPosition: 1", "        primaryKey: true"),
    Case("column.key", TREES, "        primaryKeyPosition: 1", "        primaryKeyPosition: 2", "  - name: trees"),
    Case("column.header", TREES, "        businessName: 认养人", "        businessName: 高度", "      - name: owner"),
    Case("column.twice", TREES, "      - name: owner", "      - name: height", None),
    Case("column.option", TREES, "        logicalTypeOptions: {minimum: 0}", "        logicalTypeOptions: {minimun: 0}"),
    Case("column.option", TREES, "        logicalTypeOptions: {minimum: 0}", "        logicalTypeOptions: {minimum: low}"),
    Case("column.option", TREES, "maxLength: 40}", "maxLength: -1}"),
    # rules
    Case("rule.dimension", TREES, "mustBeGreaterThan: 0, dimension: coverage}", "mustBeGreaterThan: 0, dimension: beauty}"),
    Case("rule.severity", TREES, "            severity: warning", "            severity: fatal"),
    Case("rule.bound", TREES, "            mustBeLessOrEqualTo: 1", "            mustBeBetween: [1]"),
    Case("rule.bound", TREES, "            mustBeLessOrEqualTo: 1", "            mustBe: few"),
    Case("rule.id", TREES, "{id: enough,", "{id: Enough!,"),
    Case("rule.twice", TREES, "          - id: tall", "          - id: spread"),
    Case("rule.kind", TREES, "{id: enough, metric: rowCount,", "{id: enough, metric: beauty,"),
    Case("rule.kind", TREES, "{id: enough, metric: rowCount,", "{id: enough, metric: nullValues,"),
    Case("rule.expectation", TREES, "{type: ExpectColumnMeanToBeBetween,", "{type: ExpectColumnValuesToMatchRegex,", "id: mean_height"),
    Case("rule.arguments", TREES, "column: height, min_value: 0}", "column: height, mostly: 0.5}"),
    Case("rule.arguments", TREES, "{id: enough, metric: rowCount,", "{id: enough, metric: rowCount, arguments: {of: all},"),
    Case("rule.arguments", TREES, "validValues: [A, B]", "validValues: [A, [B]]"),
    Case("rule.arguments", TREES, "validValues: [A, B]", "validValue: [A, B]"),
    # contracts against the city
    Case("cross.department", "city.yaml", "  parks:\n    name", "  park:\n    name", None),
    Case("cross.author", TREES, "      author: ada", "      author: eve"),
    Case("cross.origin", TREES, TREES_TEXT[TREES_TEXT.index("      sources:"):TREES_TEXT.index("      collection_rule")], "", "    value:"),
    Case("cross.query", SUMS, SUMS_TEXT[SUMS_TEXT.index("      query:"):SUMS_TEXT.index("      products")], "", "    value:"),
    Case("cross.system", TREES, "          system: files", "          system: files2"),
    Case("cross.source", TREES, "        - id: main\n", "        - id: corrections\n"),
    Case("cross.leave_out", TREES, "          leave_out: [Secret]", "          leave_out: [认养人]"),
    Case("cross.alias", TREES, "          aliases: {Kind: kind}", "          aliases: {Kind: sort}"),
    Case("cross.input", SUMS, "        - {dataset: parks.trees, name: trees}", "        - {dataset: parks.bushes, name: trees}"),
    Case("cross.input", SUMS, "        - {dataset: parks.trees, name: trees}\n",
         "        - {dataset: parks.trees, name: trees}\n        - {dataset: parks.trees , name: trees}\n", "parks.trees ,"),
    Case("cross.cycle", SUMS, "        - {dataset: parks.trees, name: trees}", "        - {dataset: parks.sums, name: trees}", "      inputs:"),
    Case("cross.query_sql", SUMS, "count(*) AS trees, max(owner)", "count(*) AS tree, max(owner)", "query: |"),
    Case("cross.query_sql", SUMS, "count(*) AS trees, max(owner)", "getenv('HOME') AS trees, max(owner)", "query: |"),
    Case("cross.derived_level", SUMS, "        classification: L3", "        classification: L2", "      - name: owner"),
    Case("cross.derived_address", SUMS, "value: {identifies: address}", "value: {label_en: Door}", "      - name: door"),
    Case("address.column", TREES, "{column: owner_at, part: code}", "{column: planted, part: code}", "      - name: owner_door"),
    Case("address.column", TREES, "{column: owner_at, part: code}", "{column: owner_door, part: code}", "      - name: owner_door"),
    Case("address.given", TREES, "part: code}, person: true", "part: code}, aliases: [D], person: true", "      - name: owner_door"),
    Case("address.level", TREES, f"        classification: L3\n{OWN_DOOR}", f"        classification: L2\n{OWN_DOOR}", "      - name: owner_door"),
    Case("address.identifies", TREES, "part: code}, person: true, quasi: true, identifies: address}", "part: code}, person: true, quasi: true}",
         "      - name: owner_door"),
    Case("address.person", TREES, "part: code}, person: true, quasi", "part: code}, quasi", "      - name: owner_door"),
    Case("address.person", TREES, "part: code}, person: true, quasi: true", "part: code}, person: true", "      - name: owner_door"),
    Case("product.door", TREES, "            id: {do: keep}", "            owner_door: {do: mask, left: 20}"),
    Case("product.door", TREES, "            id: {do: keep}", "            owner_door: {do: generalise, prefix: 13}"),
    Case("product.door", TREES, "            id: {do: keep}", "            owner_door: {do: keep}"),
    Case("product.door", SUMS, "            kind: {do: keep}", "            door: {do: mask, left: 20}"),
    Case("cross.alias", TREES, "aliases: {Kind: kind}", "aliases: {Kind: owner_door}"),
    Case("cross.codes", TREES, "codes: kinds,", "codes: sorts,", "      - name: kind"),
    Case("cross.codes_at", TREES, "codes_at: planted}", "codes_at: height}", "      - name: kind"),
    Case("cross.collection_rule", TREES, "      collection_rule: P1\n", "", "      - name: owner"),
    Case("cross.pattern", TREES, '{pattern: "[A-Z]+"', '{pattern: "(?=a)"', "      - name: owner"),
    Case("cross.rule_sql", TREES, "WHERE height > 150", "WHERE hight > 150", "          - id: tall"),
    Case("cross.rule_sql", TREES, "SELECT max(height) FROM", "SELECT max(height), min(height) FROM", "      - id: spread"),
    Case("cross.rule_column", TREES, "column: height, min_value", "column: hight, min_value", "      - id: mean_height"),
    Case("cross.rule_values", TREES, "validValues: [A, B]", "validValues: [A, 7]"),
    Case("cross.key", TREES, "        primaryKey: true\n        primaryKeyPosition: 1\n", "", "      merge: upsert"),
    Case("cross.newest_by", TREES, "      newest_by: planted", "      newest_by: grown"),
    Case("cross.period", TREES, "      period: {column: planted, grain: year}", "      period: {column: height, grain: year}"),
    # products
    Case("product.twice", TREES, "        - name: counts", "        - name: main", None),
    Case("product.purpose", TREES, "          purpose: open_data\n          columns", "          purpose: profit\n          columns", "profit"),
    Case("product.column", TREES, "            id: {do: keep}", "            ids: {do: keep}"),
    Case("product.token", TREES, "            id: {do: keep}", "            id: {do: token}"),
    Case("product.treatment", TREES, "            height: {do: round, step: 0.5}", "            height: {do: mask}"),
    Case("product.treatment", TREES, "            planted: {do: generalise, to: month}", "            planted: {do: generalise}"),
    Case("product.coarse", TREES, "            planted: {do: generalise, to: month}", "            planted: {do: generalise, to: day}"),
    Case("product.coarse", TREES, "            id: {do: keep}", "            owner: {do: generalise, prefix: 10}"),
    Case("product.mask", TREES, "            id: {do: keep}", "            owner: {do: mask, left: 3, right: 8}"),
    Case("product.identifier", TREES, "            id: {do: keep}", "            owner: {do: keep}"),
    Case("product.filter", TREES, "          filter: height > 1", "          filter: owner = 'x'"),
    Case("product.empty", SUMS, "            kind: {do: keep}\n            trees: {do: keep}", "            kind: {do: drop}", "          columns:"),
    Case("product.aggregate", TREES, "            by: [kind]", "            by: [id]"),
    Case("product.aggregate", TREES, "              trees: count(*)", "              kind: count(*)", "          aggregate:"),
    Case("product.measure", TREES, "              trees: count(*)", "              trees: owner"),
    Case("product.reveals", TREES, "              trees: count(*)", "              trees: max(owner)"),
    Case("product.reveals", TREES, "              trees: count(*)", "              trees: max(height) - min(height)"),
    Case("product.partial", TREES, "              trees: count(*)", "              trees: sum(CASE WHEN height > 99 THEN 1 ELSE 0 END)"),
    Case("product.partial", TREES, "              trees: count(*)", "              trees: count(owner)"),
    Case("product.partial", TREES, "              trees: count(*)", "              trees: sum(greatest(height - 99, 0))"),
    # the city's other files
    Case("city.zone", "city.yaml", "zone: Asia/Shanghai", "zone: Mars/Olympus"),
    Case("city.system", "city.yaml", "    department: parks", "    department: roads"),
    Case("city.root", "city.yaml", "    root: parks", "    root: ../parks"),
    Case("people.twice", "people.yaml", "{id: bob,", "{id: ada,", "name: Bob"),
    Case("people.department", "people.yaml", "name: Bob, department: parks", "name: Bob, department: roads"),
    Case("calendar.date", "calendar.yaml", 'holidays: ["2026-01-01"]', 'holidays: ["2026-02-30"]'),
    Case("calendar.date", "calendar.yaml", 'workdays: ["2026-01-04"]', 'workdays: ["2025-01-04"]'),
    Case("calendar.year", "calendar.yaml", '"2026":', '"next":'),
    Case("datasets.stray", "datasets/parks/notes.txt", "", "x"),
    Case("datasets.stray", "datasets/parks/a.b.odcs.yaml", "", "x: y"),
    Case("datasets.stray", "datasets/parks/deep/er.odcs.yaml", "", "x: y"),
    Case("codes.stray", "codes/kinds.xlsx", "", "x"),
    Case("codes.columns", "codes/kinds.csv", "code,zh,en,", "code,zh,de,"),
    Case("codes.encoding", "codes/kinds.csv", "公园绿地", "\udcff", "code,zh"),
    Case("codes.fields", "codes/kinds.csv", "B,湿地,wetland,,,A", "B,湿地,wetland"),
    Case("codes.date", "codes/kinds.csv", "2025-01-01", "2025-1-1"),
    Case("codes.date", "codes/kinds.csv", "2020-01-01,2024-12-31", "2024-12-31,2020-01-01"),
    Case("codes.empty", "codes/kinds.csv", "B,湿地,wetland", "B,湿地,"),
    Case("codes.space", "codes/kinds.csv", "B,湿地,wetland", "B,湿地 ,wetland"),
    Case("codes.overlap", "codes/kinds.csv", "2025-01-01", "2024-01-01"),
    Case("codes.parent", "codes/kinds.csv", "wetland,,,A", "wetland,,,Z"),
    # policy
    Case("policy.field", "negative_list.yaml", "    verified: true", "    verified: perhaps"),
    Case("policy.loosened", "negative_list.yaml", "weak_rows: 2", "weak_rows: 99", "version: 1"),
    Case("policy.redefined", "negative_list.yaml", "  - id: P1", "  - id: X1", "version: 1"),
    Case("policy.date", "negative_list.yaml", 'valid_to: "2030-12-31"', 'valid_to: "2030-2-30"'),
    Case("policy.date", "negative_list.yaml", 'valid_to: "2030-12-31"', 'valid_to: "2024-12-31"'),
    Case("collection.unknown", TREES, "      collection_rule: P1", "      collection_rule: P7"),
    Case("collection.scope", SUMS, "      inputs:", "      collection_rule: P1\n      inputs:", "collection_rule"),
    Case("collection.purposes", TREES, "      purposes: [open_data, upkeep]", "      purposes: [open_data, upkeep, profit]"),
    # elements that may be secret together
    Case("joins.undeclared", SUMS, "max(owner) AS owner", "max(planted) AS owner", "      query: |"),
    Case("joins.undeclared", SUMS, "count(*) AS trees", "count(planted) AS trees", "      query: |"),
    Case("joins.needless", SUMS, "      inputs:", "      joins: [JT1]\n      inputs:"),
    Case("joins.needless", TREES, "      purposes: [open_data, upkeep]", "      joins: [P1]\n      purposes: [open_data, upkeep]"),
    # what connectors and formats say
    Case("source.connector", TREES, "          connector: files", "          connector: pigeon"),
    Case("source.options", TREES, "            path: trees.csv", "            path: trees.csv\n            colour: green", "colour"),
    Case("source.options", TREES, "            path: trees.csv", "            path: /etc/passwd"),
    Case("source.options", TREES, "            path: trees.csv", "            pfad: trees.csv"),
    Case("source.options", TREES, "            path: trees.csv", "            path: trees.csv\n            time_format: week", "          options:"),
    Case("source.format", TREES, "            name: csv", "            name: parchment", "          format:"),
]


def mutate(city: Path, case: Case) -> int:
    """Applies a case and returns the line where its problem must be."""
    path = city / case.file
    if not case.new and case.old == FILES[case.file]:
        path.unlink()
        return 1
    if case.file not in FILES:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(case.new)
        return 1
    text = FILES[case.file]
    assert text.count(case.old) >= 1, "the case no longer fits the city"
    changed = text.replace(case.old, case.new, 1) if not case.old.startswith("            planted") else text.replace(case.old, case.new)
    path.write_bytes(changed.encode("utf-8", "surrogateescape"))
    at = case.at or case.new.strip("\n").split("\n")[0]
    return next(number for number, line in enumerate(changed.split("\n"), start=1) if at.strip("\n") in line)


def ids() -> Iterator[str]:
    for number, case in enumerate(CASES):
        yield f"{case.code}-{number}"


@pytest.mark.parametrize("case", CASES, ids=list(ids()))
def test_every_error_has_its_code_file_and_line(case: Case, city: Path) -> None:
    line = mutate(city, case)
    problems = check_all(city)[1]
    found = [problem for problem in problems if problem.code == case.code]
    assert found, [str(problem) for problem in problems]
    assert all(problem.what and problem.remedy for problem in problems)
    if case.code in ELSEWHERE:
        assert {problem.file for problem in found} == ELSEWHERE[case.code]
        return
    assert case.file in {problem.file for problem in found}
    if case.at != "":
        assert line in {problem.line for problem in found if problem.file == case.file}, [str(problem) for problem in found]


ELSEWHERE = {"cross.department": {TREES, SUMS}}


def test_every_code_in_the_sources_has_a_row() -> None:
    """Codes are literals in the loader's modules; the few that are put together are named here."""
    sources = [*(ROOT / "catalog").glob("*.py"), ROOT / "privacy" / "negative_list.py", ROOT / "pipelines" / "source_check.py"]
    prefixes = {case.code.split(".")[0] for case in CASES}
    pattern = re.compile(r"(?:Problem|problem|say|of_column|expression)\(([^\n]*(?:\n[^\n]*)?)")
    codes = {code for path in sources for call in pattern.findall(path.read_text(encoding="utf-8"))
             for code in re.findall(r'(?<!f)"([a-z]+\.[a-z_]+)"', call) if not code.endswith((".yaml", ".csv"))}
    made = {"head.kind", "head.id", "head.name", *(f"missing.{name}" for name in ("licence", "rights_holder", "legal_basis", "contact", "purposes"))}
    assert {code.split(".")[0] for code in codes} <= prefixes
    assert codes | made == {case.code for case in CASES}


def test_the_city_that_is_right_has_no_problem(city: Path) -> None:
    assert [str(problem) for problem in check_all(city)[1]] == []
    loaded = load_city(city)
    assert loaded.order() == ["parks.trees", "parks.sums"]
    assert loaded.contracts["parks.trees"].keys == ("id",)


@pytest.mark.parametrize("folder", ["catalog/cities/hangzhou", "tests/cities/real"])
def test_every_city_of_the_project_is_right(folder: str) -> None:
    assert [str(problem) for problem in check_all(ROOT / folder)[1]] == []


def test_what_says_that_its_elements_meet_loads(city: Path) -> None:
    """The secrecy officer decides then, at each run: test_pipelines_clauses."""
    text = SUMS_TEXT.replace("max(owner) AS owner", "max(planted) AS owner").replace("      inputs:", "      joins: [JT1]\n      inputs:")
    (city / SUMS).write_text(text, encoding="utf-8")
    assert [str(problem) for problem in check_all(city)[1] if problem.code.startswith("joins.")] == []


def test_all_problems_of_all_files_come_at_once(city: Path) -> None:
    chosen = ["city.zone", "people.twice", "calendar.date", "codes.overlap", "missing.licence", "cross.derived_level", "datasets.stray",
              "policy.loosened"]
    for code in chosen:
        mutate(city, next(case for case in CASES if case.code == code))
    problems = check_all(city)[1]
    assert {problem.code for problem in problems} >= set(chosen) - {"cross.derived_level"}
    assert problems == sorted(problems, key=lambda item: (item.file, item.line, item.code))
    with pytest.raises(DefinitionErrors) as found:
        load_city(city)
    assert len(found.value.problems) >= len(chosen) - 2
    assert f"{TREES}:" in str(found.value)


def test_several_problems_of_one_file_come_at_once(city: Path) -> None:
    text = TREES_TEXT.replace("licence: CC-BY-4.0", "licence:").replace("classification: L3", "classification: L7")
    text = text.replace("dimension: coverage", "dimension: beauty").replace("domain: urban", "domain: economy").replace("{do: keep}", "{do: burn}")
    (city / TREES).write_text(text, encoding="utf-8")
    codes = {problem.code for problem in check_city(city)[1] if problem.file == TREES}
    assert codes >= {"missing.licence", "column.level", "rule.dimension", "field.type"}


def test_a_wrong_contract_is_not_called_missing_by_what_is_derived_from_it(city: Path) -> None:
    mutate(city, next(case for case in CASES if case.code == "missing.licence"))
    assert {problem.file for problem in check_all(city)[1]} == {TREES}


def test_a_missing_city_is_told_file_by_file(tmp_path: Path) -> None:
    assert {problem.code for problem in check_all(tmp_path / "none")[1]} == {"yaml.missing"}


def test_problems_quote_no_value(city: Path) -> None:
    """A value under a typed field may be anything, so it stands in no message."""
    (city / TREES).write_text(TREES_TEXT.replace("within", "x").replace("update: {every: daily}", "update: {every: SECRET1}")
                              .replace("minimum: 0", "minimum: SECRET2").replace("path: trees.csv", "path: [SECRET3]"), encoding="utf-8")
    problems = check_all(city)[1]
    assert len(problems) >= 2
    assert "SECRET" not in "".join(map(str, problems))


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*at, key))


DOCUMENTS = {name: yaml.safe_load(text) for name, text in FILES.items() if name.endswith(".yaml")}
PLACES = [(name, path) for name, document in DOCUMENTS.items() for path in paths(document) if path]
JUNK = st.sampled_from([None, 5, -1.5, True, "", "x", "张三", [], [1], [[]], {}, {"a": 1}, [None], {"a": {"b": []}}, "a.b", "[", "*/"])


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), junk=JUNK)
def test_junk_anywhere_is_told_and_never_raises(place: tuple[str, tuple[Any, ...]], junk: Any, city: Path) -> None:
    name, path = place
    document = copy.deepcopy(DOCUMENTS[name])
    holder = document
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = junk
    (city / name).write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    loaded, problems = check_all(city)
    assert problems or loaded is not None
    (city / name).write_text(FILES[name], encoding="utf-8")


PLAIN = st.none() | st.booleans() | st.integers(-9, 999) | st.text("ab张 :-#'\"\n", max_size=9)
TREE = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3),
                    max_leaves=9)


@settings(max_examples=60, deadline=None)
@given(TREE.filter(lambda value: value is not None))
def test_yaml_that_others_write_is_read_alike(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = tmp_path_factory.mktemp("yaml") / "a.yaml"
    path.write_text(yaml.safe_dump(value, allow_unicode=True), encoding="utf-8")
    document = read_yaml(path, "a.yaml")
    assert not document.problems
    assert document.data == value


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)


@given(NAMES, NAMES, st.sampled_from(LAYERS), NAMES)
def test_ids_paths_and_asset_keys_follow_from_each_other(department: str, name: str, layer: str, product: str) -> None:
    dataset = f"{department}.{name}"
    assert dataset_at(contract_path(dataset)) == dataset
    assert dataset_of(asset_key(layer, dataset)) == dataset
    assert dataset_of(asset_key("gold", dataset, product)) == dataset
    assert asset_key("gold", dataset, product) == ("gold", department, name, product)
    assert contract_path(dataset) == f"datasets/{department}/{name}.odcs.yaml"


VIEWS = {"a": ["x", "y", "k"], "b": ["z", "k"]}
EVERYTHING = {"a/x", "a/y", "a/k", "b/z", "b/k"}
LINEAGE: list[tuple[str, dict[str, set[str]]]] = [
    ("SELECT a.x AS p, count(*) AS n, max(b.z) AS m FROM a JOIN b ON a.k = b.k GROUP BY a.x", {"p": {"a/x"}, "n": set(), "m": {"b/z"}}),
    ("WITH c AS (SELECT x || y AS s, k FROM a) SELECT c.s AS s, k AS k FROM c", {"s": {"a/x", "a/y"}, "k": {"a/k"}}),
    ("WITH c(s) AS (SELECT x FROM a) SELECT s FROM c", {"s": {"a/x"}}),
    ("SELECT x AS u FROM a UNION ALL SELECT z AS u FROM b", {"u": {"a/x", "b/z"}}),
    ("SELECT q.u AS u FROM (SELECT x AS u FROM a UNION SELECT z FROM b) AS q", {"u": {"a/x", "b/z"}}),
    ("SELECT CASE WHEN y = '1' THEN 1 ELSE 0 END AS f FROM a", {"f": {"a/y"}}),
    ("SELECT sum(x) FILTER (WHERE y > 1) AS s FROM a", {"s": {"a/x", "a/y"}}),
    ("SELECT x AS x FROM a WHERE y = '1'", {"x": {"a/x"}}),
    ("SELECT a.k AS k FROM a AS b JOIN b AS a ON a.z = b.x", {"k": {"b/k"}}),
    ("SELECT k AS k FROM a JOIN b USING (k)", {"k": {"a/k", "b/k"}}),
    ("SELECT (SELECT max(z) FROM b) AS q, k AS k FROM a", {"q": EVERYTHING, "k": {"a/k"}}),
    ("SELECT nope AS n FROM a", {"n": EVERYTHING}),
    ("SELECT k AS n FROM a, b", {"n": EVERYTHING}),
    ("WITH RECURSIVE r AS (SELECT x FROM a UNION ALL SELECT x FROM r) SELECT x FROM r", {"x": EVERYTHING}),
]


@pytest.mark.parametrize(("query", "expected"), LINEAGE)
def test_what_an_output_is_computed_from(query: str, expected: dict[str, set[str]]) -> None:
    assert {name: {"/".join(pair) for pair in found} for name, found in reads(query, VIEWS).items()} == expected
