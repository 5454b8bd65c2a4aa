"""Dagster's definitions asked what they are: keys, groups, lineage, checks, jobs, schedules, sensors. Nothing is run here."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest
from tiny import Tiny, column, contract

from assets import ui
from assets.build import definitions
from assets.jobs import keys_of
from assets.keys import REGISTER, Layer, check_names, layer_of, layers
from catalog.naming import asset_key, dataset_of
from pipelines.choice import chosen
from pipelines.conduct import steps_of
from pipelines.portals.listed import portals_of
from pipelines.settings import Settings, settings, shipped_city
from pipelines.way import Way, open_way
from quality.specs import specs

HEAVY = {"duckdb", "deltalake", "great_expectations", "presidio_analyzer", "pyspark", "pyarrow", "obstore"}


def shipped(tmp_path: Path) -> Way:
    """The city that comes with the program, over empty folders."""
    return open_way(Settings(shipped_city(), *(tmp_path / name for name in ("state", "lake", "site", "secrets", "sources")), "duckdb", 2**31, 2))


def derived(name: str = "weather.indicator", inputs: tuple[str, ...] = ("parks.trees",)) -> dict[str, object]:
    """A dataset made of others."""
    return contract(name, [column("kind", "text", "类别", key=1, required=True), column("trees", "bigint", "棵数")], sources=None, merge="snapshot",
                    inputs=[{"dataset": item, "name": f"i{at}"} for at, item in enumerate(inputs)], refresh="weekly",
                    query="SELECT kind, count(*) AS trees FROM i0 GROUP BY kind")


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    city = Tiny(tmp_path)
    city.declare(derived())
    return city


def names(keys: object) -> set[str]:
    return {key.to_user_string() for key in keys}       # type: ignore[attr-defined]


def test_the_shipped_city_has_an_asset_for_every_layer_of_every_dataset(tmp_path: Path) -> None:
    way = shipped(tmp_path)
    defs = definitions(way)
    dg.Definitions.validate_loadable(defs)
    graph = defs.resolve_asset_graph()
    wanted = {REGISTER} | {layer.key for item in way.city.contracts.values() for layer in layers(item, publishing=True)}
    assert set(graph.get_all_asset_keys()) == wanted
    assert len(wanted) > 3 * len(way.city.contracts)
    for item in way.city.contracts.values():
        for layer in layers(item, publishing=True):
            node = graph.get(layer.key)
            assert node.group_name == item.department
            assert f"team:{item.department}" in node.owners
            assert node.metadata["contract"] == dg.MetadataValue.path(item.source_file)
            assert item.title.zh in node.description
            assert item.title.en in node.description
            assert node.tags["level"].startswith("L")


def test_keys_are_those_of_the_design_and_lead_back_to_their_dataset(tiny: Tiny) -> None:
    way = tiny.way()
    graph = definitions(way).resolve_asset_graph()
    assert names(graph.get_all_asset_keys()) == {
        "bronze/parks/trees", "silver/parks/trees", "gold/parks/trees/main", "portal/parks/trees/main",
        "silver/weather/indicator", "gold/weather/indicator/main", "portal/weather/indicator/main", "register/city/catalog",
    }
    for item in way.city.contracts.values():
        for layer in layers(item, publishing=True):
            assert tuple(layer.key.path) == asset_key(layer.layer, item.id, layer.product or None)
            assert dataset_of(layer.key.path) == item.id


def test_every_step_of_the_conductor_belongs_to_exactly_one_asset(tiny: Tiny) -> None:
    way = tiny.way()
    for item in way.city.contracts.values():
        made = [layer_of(item.id, planned.name, planned.target) for planned in steps_of(item, portals_of(way))]
        assert made == layers(item, publishing=True)


def test_lineage_goes_up_the_layers_and_from_the_silver_of_inputs(tiny: Tiny) -> None:
    graph = definitions(tiny.way()).resolve_asset_graph()

    def parents(*key: str) -> set[str]:
        return names(graph.get(dg.AssetKey(list(key))).parent_keys)

    assert parents("bronze", "parks", "trees") == set()
    assert parents("silver", "parks", "trees") == {"bronze/parks/trees"}
    assert parents("silver", "weather", "indicator") == {"silver/parks/trees"}
    assert parents("gold", "parks", "trees", "main") == {"silver/parks/trees"}
    assert parents("portal", "parks", "trees", "main") == {"gold/parks/trees/main"}
    assert parents(*REGISTER.path) == {"gold/parks/trees/main", "gold/weather/indicator/main"}


def test_checks_are_the_contracts_rules_and_the_gates_and_block_nothing(tiny: Tiny) -> None:
    way = tiny.way()
    graph = definitions(way).resolve_asset_graph()
    item = way.contract("parks.trees")
    found = {(key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys if "trees" in key.asset_key.path}
    rules = check_names(spec.id for spec in specs(item, way.city.codes))
    assert found == {("silver/parks/trees", name) for name in rules.values()} | {
        ("bronze/parks/trees", "admission"), ("gold/parks/trees/main", "screening"), ("gold/parks/trees/main", "tier")}
    assert {"type_height", "required_id", "code_kind", "unique_key"} <= set(rules.values())
    assert not any(graph.get_check_spec(key).blocking for key in graph.asset_check_keys)     # gates are in the steps


def test_check_names_are_valid_and_never_the_same() -> None:
    found = check_names(["type.a", "type_a", "类型", "型类", "a-b"])
    assert found == {"type.a": "type_a", "type_a": "type_a_2", "类型": "rule", "型类": "rule_2", "a-b": "a_b"}


def test_jobs_hold_what_the_conductor_would_run(tiny: Tiny) -> None:
    way = tiny.way()
    defs = definitions(way)
    graph = defs.resolve_asset_graph()
    jobs = {job.name: names(job.asset_layer.executable_asset_keys) for job in defs.resolve_all_job_defs() if not job.name.startswith("__")}
    assert set(jobs) == {"city", "department_parks", "department_weather", "refresh_daily", "refresh_weekly", "retain"}
    assert jobs["city"] == names(graph.get_all_asset_keys())
    assert jobs["department_parks"] == names(keys_of(way, chosen(way, department="parks"), True)) == jobs["city"]    # what is derived follows
    assert jobs["department_weather"] == {key for key in jobs["city"] if "trees" not in key}
    assert jobs["refresh_weekly"] == jobs["department_weather"]
    assert all(job.executor_def.name == "in_process" for job in defs.resolve_all_job_defs())


def test_inputs_come_before_what_is_derived_from_them(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    tiny.declare(derived("parks.aaa", ("parks.zzz",)))
    tiny.declare(contract("parks.zzz"))
    defs = definitions(tiny.way())
    order = {node.name: int(node.tags.get("dagster/priority", 0)) for node in defs.resolve_job_def("city").nodes}
    assert order["parks__zzz"] > order["parks__aaa"] > order["register"] == 0


def test_schedules_are_in_the_citys_zone_and_off_until_switched_on(tiny: Tiny) -> None:
    found = {item.name: item for item in definitions(tiny.way()).schedules or ()}
    assert set(found) == {"daily", "weekly", "retain"}
    for item in found.values():
        assert isinstance(item, dg.ScheduleDefinition)
        assert item.execution_timezone == "Asia/Shanghai"
        assert item.default_status == dg.DefaultScheduleStatus.STOPPED
        assert item.job_name == ("retain" if item.name == "retain" else f"refresh_{item.name}")


def test_sensors_that_start_work_by_themselves_are_off(tiny: Tiny) -> None:
    found = {item.name: item for item in definitions(tiny.way()).sensors or ()}
    on = {name for name, item in found.items() if item.default_status == dg.DefaultSensorStatus.RUNNING}
    assert set(found) == {"new_drops", "decisions", "journal"}
    assert on == {"decisions", "journal"}


def test_overrides_replace_a_part(tiny: Tiny) -> None:
    assert definitions(tiny.way(), sensors=[]).sensors == []


def test_a_portal_that_waits_for_a_person_has_its_assets_too(tmp_path: Path) -> None:
    """Runs publish nothing there, but they take off what may be shown no more."""
    tiny = Tiny(tmp_path)
    tiny.write("city.yaml", (tiny.city / "city.yaml").read_text(encoding="utf-8").replace("auto: true", "auto: false"))
    graph = definitions(tiny.way()).resolve_asset_graph()
    assert "portal" in {key.path[0] for key in graph.get_all_asset_keys()}


def test_columns_are_shown_with_type_label_and_level(tiny: Tiny) -> None:
    graph = definitions(tiny.way()).resolve_asset_graph()

    def schema(*key: str) -> dict[str, dg.TableColumn]:
        return {item.name: item for item in graph.get(dg.AssetKey(list(key))).metadata["dagster/column_schema"].columns}

    assert schema("bronze", "parks", "trees")["height"].type == "text"
    silver = schema("silver", "parks", "trees")
    assert silver["height"].type == "decimal(6,2)"
    assert silver["note"].tags == {"level": "L2"}
    assert "高度" in silver["height"].description
    assert "note" not in schema("gold", "parks", "trees", "main")


def test_importing_any_module_of_assets_loads_nothing_heavy() -> None:
    modules = [f"assets.{path.stem}" for path in Path(ui.__file__).parent.glob("*.py") if path.stem != "__init__"]
    code = f"import sys\nfor name in {modules!r}: __import__(name)\nprint(sorted({HEAVY!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_ui_can_be_asked_for_without_dagster(tiny: Tiny) -> None:
    code = "import sys, assets.ui; print('dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
    argv, env = ui.command(tiny.settings, "127.0.0.1", 3999)
    assert argv[:6] == [sys.executable, "-W", "ignore", "-m", "dagster", "dev"]
    assert argv[-2:] == ["--port", "3999"]
    assert settings(env) == tiny.settings                      # its processes see the same city
    assert env["PYTHONSAFEPATH"] == "1"                        # modules of the folder where it is started do not shadow ours
    home = Path(env["DAGSTER_HOME"])
    assert home == tiny.settings.state / "dagster"
    assert home.stat().st_mode & 0o077 == 0
    assert (home / "dagster.yaml").read_bytes() == (ui.ROOT / "dagster.yaml").read_bytes()


def test_an_operators_own_instance_file_is_kept(tiny: Tiny) -> None:
    home = ui.prepare(tiny.settings)
    (home / "dagster.yaml").unlink()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    ui.prepare(tiny.settings)
    assert (home / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


@pytest.mark.slow
def test_five_hundred_contracts_build(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    for number in range(500):
        tiny.declare(contract(f"parks.d{number:03d}"))
    started = time.perf_counter()
    way = tiny.way()
    loaded = time.perf_counter()
    defs = definitions(way)
    keys = defs.resolve_asset_graph().get_all_asset_keys()
    jobs = [job for job in defs.resolve_all_job_defs() if not job.name.startswith("__")]
    print(f"501 contracts: load {loaded - started:.1f} s, definitions {time.perf_counter() - loaded:.1f} s")
    assert len(keys) == 501 * 4 + 1
    assert len(jobs) == 4
    assert Layer("parks.d499", "silver").key in keys
