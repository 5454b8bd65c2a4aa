"""The local portal: built from nothing, kept as it should be, closed to others, and whole after a part was killed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stacking import CHECKOUT, JARS, PARTS, PortalStack

pytestmark = pytest.mark.portal


def test_every_part_runs_and_the_second_up_does_nothing(portal_stack: PortalStack) -> None:
    before = portal_stack.status()
    assert all(before[part]["running"] and before[part]["memory"] > 2**20 for part in PARTS)
    assert portal_stack.up() == []
    assert {part: row["pid"] for part, row in portal_stack.status().items()} == {part: row["pid"] for part, row in before.items()}


def test_the_portal_is_ours_and_chinese(portal_stack: PortalStack) -> None:
    status = portal_stack.call("status_show", token="")
    assert {"citylake", "scheming_datasets", "datastore", "dcat"} <= set(status["extensions"])
    assert status["locale_default"] == "zh_Hans_CN"
    assert portal_stack.get("/")[0] == portal_stack.get("/en/dataset/")[0] == 200


@pytest.mark.parametrize("action", ["user_create", "organization_create", "group_create", "package_create", "user_list"])
def test_what_ckan_leaves_open_is_closed(portal_stack: PortalStack, action: str) -> None:
    visitor = portal_stack.call("user_create", {"name": f"visitor-{action}", "email": f"{action}@example.org", "password": "a-long-password-1"})
    token = portal_stack.call("api_token_create", {"user": visitor["name"], "name": "t"})["token"]
    given = {"name": f"new-{action}", "title": "x", "email": "x@example.org", "password": "a-long-password-2"}
    for whose in ("", token):
        with pytest.raises(urllib.error.HTTPError) as refused:
            portal_stack.call(action, given, whose)
        assert refused.value.code == 403


def test_ports_are_on_loopback_only(portal_stack: PortalStack) -> None:
    ports = {row["port"] for row in portal_stack.status().values() if row["port"]}
    assert len(ports) == 4
    assert _listening(ports) == {(address, port) for address in ("127.0.0.1",) for port in ports}


def test_what_holds_a_secret_is_for_its_owner_only(portal_stack: PortalStack) -> None:
    state = json.loads((portal_stack.root / "state.json").read_text())
    secrets = [state["token"], *state["passwords"].values()]
    holding = [path for path in portal_stack.root.rglob("*") if path.is_file() and path.suffix in (".json", ".conf", ".ini", ".xml", ".log")]
    found = [path for path in holding if any(secret.encode() in path.read_bytes() for secret in secrets)]
    assert {path.name for path in found} == {"state.json", "access.json", "ckan.ini", "redis.conf"}
    open_to_others = [path for path in [*holding, portal_stack.root / "solr/security.json"] if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_to_others == []
    lines = [Path(f"/proc/{row['pid']}/cmdline").read_bytes() for row in portal_stack.status().values()]
    assert not any(secret.encode() in line for secret in secrets for line in lines)


@pytest.mark.parametrize("path", ["select?q=*:*", "update?commit=true", "schema", "admin/ping"])
def test_solr_refuses_without_its_password(portal_stack: PortalStack, path: str) -> None:
    assert _solr(portal_stack, path, password=None)[0] == 401
    assert _solr(portal_stack, path, password="wrong")[0] == 401
    assert _solr(portal_stack, path)[0] == 200


def test_redis_refuses_without_its_password(portal_stack: PortalStack) -> None:
    with socket.create_connection(("127.0.0.1", portal_stack.status()["redis"]["port"]), 5) as line:
        line.sendall(b"KEYS *\r\n")
        assert line.recv(100).startswith(b"-NOAUTH")


def test_the_loader_may_insert_and_nothing_else(portal_stack: PortalStack) -> None:
    resource = _package(portal_stack, "loader", resources=[{"name": "t", "format": "CSV"}])["resources"][0]["id"]
    portal_stack.call("datastore_create", {"resource_id": resource, "force": True, "fields": [{"id": "名称", "type": "text"}]})
    assert _psql(portal_stack, f"""INSERT INTO "{resource}" ("名称") VALUES ('站')""") == ""
    assert portal_stack.call("datastore_search", {"resource_id": resource})["records"][0]["名称"] == "站"
    for refused in (f'SELECT * FROM "{resource}"', f'DELETE FROM "{resource}"', f'DROP TABLE "{resource}"', "CREATE TABLE x (a int)"):
        assert "permission denied" in _psql(portal_stack, refused) or "must be owner" in _psql(portal_stack, refused)


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_is_brought_back(portal_stack: PortalStack, part: str) -> None:
    name = _package(portal_stack, f"before-{part}")["name"]
    before = portal_stack.status()[part]["pid"]
    portal_stack.kill(part)
    _until(lambda: not portal_stack.status()[part]["running"])
    assert portal_stack.up() == (["ckan"] if part == "worker" else [part])
    after = portal_stack.status()
    assert after[part]["running"]
    assert after[part]["pid"] != before
    assert portal_stack.call("package_show", {"id": name}, token="")["name"] == name
    _until(lambda: _found(portal_stack, f"name:{name}") == 1)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_a_kill_left_unrecorded_is_ended_first(portal_stack: PortalStack, part: str) -> None:
    """As when `up` was killed after it started a part and before it wrote that down."""
    file = portal_stack.root / "state.json"
    state = json.loads(file.read_text())
    lost = state["processes"].pop(part)["pid"]
    file.write_text(json.dumps(state))
    assert portal_stack.up() == (["ckan"] if part == "worker" else [part])
    assert json.loads(file.read_text())["ports"] == state["ports"]
    assert not Path(f"/proc/{lost}/exe").exists()
    log = portal_stack.root / "log" / f"{part}.log"
    writers = {path.parent.parent.name for path in Path("/proc").glob("[0-9]*/fd/2") if _leads_to(path, log)}
    assert str(portal_stack.status()[part]["pid"]) in writers


def test_acknowledged_updates_survive_a_killed_solr(portal_stack: PortalStack) -> None:
    names = [_package(portal_stack, f"kept-{number}")["name"] for number in range(15)]
    for name in names:
        portal_stack.call("package_patch", {"id": name, "title": "更新以后"})
    portal_stack.kill("solr")
    portal_stack.up()
    _until(lambda: _found(portal_stack, 'name:kept-* AND title:"更新以后"') == len(names))


def test_down_and_up_keep_everything(portal_stack: PortalStack) -> None:
    name = _package(portal_stack, "kept")["name"]
    token, ports = portal_stack.token, {part: row["port"] for part, row in portal_stack.status().items()}
    portal_stack.down()
    assert not any(row["running"] for row in portal_stack.status().values())
    assert "tables" not in portal_stack.up()
    assert portal_stack.token == token
    assert {part: row["port"] for part, row in portal_stack.status().items()} == ports
    assert portal_stack.call("package_show", {"id": name}, token="")["title"] == "数据 kept"
    assert _found(portal_stack, "name:kept") == 1


@pytest.mark.parametrize(("words", "finds"), [("自行车", 1), ("公共自行车 站点", 1), ("车", 1), ("公共厕所", 0), ("pm2.5", 1), ("２０２４年", 1)])
def test_chinese_is_found_by_its_parts(portal_stack: PortalStack, words: str, finds: int) -> None:
    _package(portal_stack, "words", title="海淀区公共自行车站点", notes="2024年，含PM2.5监测")
    assert portal_stack.call("package_search", {"q": words, "fq": "name:words"}, token="")["count"] == finds


def test_titles_are_ordered_by_pinyin(portal_stack: PortalStack) -> None:
    titles = ["自行车", "北京", "地铁", "车站", "公共"]
    for number, title in enumerate(titles):
        _package(portal_stack, f"order-{number}", title=title)
    found = portal_stack.call("package_search", {"fq": "name:order-*", "sort": "title_string asc"}, token="")["results"]
    assert [each["title"] for each in found] == ["北京", "车站", "地铁", "公共", "自行车"]


@pytest.fixture
def other() -> Iterator[PortalStack]:
    """A stack of its own, not built yet, where any user may pass through."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)
    stack = PortalStack(folder / "stack")
    yield stack
    stack.reset()
    assert not stack.root.exists()
    shutil.rmtree(folder)


def test_from_nothing_to_nothing(other: PortalStack, portal_stack: PortalStack) -> None:
    """Beside another stack, reset leaves that alone; another schema makes the index anew; taken ports are left to those who took them."""
    assert other.up("--title", "天城开放数据") == ["postgres", "redis", "solr", "tables", "ckan"]
    assert "天城开放数据" in other.get("/")[1].decode()
    _package(other, "again")
    other.down()
    taken = {part: row["port"] for part, row in other.status().items()}
    state = json.loads((other.root / "state.json").read_text())
    (other.root / "state.json").write_text(json.dumps({**state, "schema": "of another version"}))
    with socket.create_server(("127.0.0.1", taken["redis"])):
        assert other.up() == ["postgres", "redis", "solr", "ckan", "search"]
    assert other.status()["redis"]["port"] != taken["redis"]
    assert _found(other, "name:again") == 1
    processes = [row["pid"] for row in other.status().values()]
    homes = [other.root, Path(state["postgres"])]
    other.reset()
    assert not any(path.exists() for path in homes)
    assert not any(Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in processes)
    assert portal_stack.up() == []


def test_a_start_that_fails_says_why_at_once(other: PortalStack) -> None:
    """The web's address is the portal's: its port is never moved. What ran stays, and the next `up` goes on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ran = other.command("up", "--port", str(port), check=False)
    assert ran.returncode == 1
    assert f"Port {port}" in json.loads(ran.stdout.splitlines()[-1])["error"]
    assert other.status()["solr"]["running"]
    (other.root / "redis.conf").write_text("nonsense 1\n")
    other.kill("redis")
    (other.root / "redis" / "appendonlydir").rename(other.root / "redis" / "kept")
    (other.root / "redis" / "appendonlydir").write_text("not a folder")
    ran = other.command("up", check=False)
    said = json.loads(ran.stdout.splitlines()[-1])
    assert said["error"] == "redis ended while starting."
    assert str(other.root / "log" / "redis.log") in said["remedy"]
    assert "appendonlydir" in said["remedy"]


def test_missing_packages_are_named_with_the_line_that_installs_them(tmp_path: Path) -> None:
    ran = PortalStack(tmp_path / "stack").command("up", check=False, PATH=str(tmp_path))
    said = json.loads(ran.stdout)
    assert "redis-server" in said["error"]
    assert "apt-get install -y --no-install-recommends redis-server openjdk-17-jre-headless" in said["remedy"]


@pytest.mark.parametrize("wrong", ["missing", "extra", "changed"])
def test_jars_that_are_not_as_locked_are_refused(tmp_path: Path, wrong: str) -> None:
    jars = tmp_path / "jars"
    jars.mkdir()
    for jar in JARS.glob("*.jar"):
        os.link(jar, jars / jar.name)
    assert _jars("check", jars).returncode == 0
    jar = next(jars.glob("log4j-core-*.jar"))
    if wrong == "extra":
        (jars / "more.jar").write_bytes(b"PK")
        jar = jars / "more.jar"
    else:
        data = bytearray(jar.read_bytes())
        jar.unlink()
        data[-1] ^= 1
        if wrong == "changed":
            jar.write_bytes(data)
    ran = _jars("check", jars)
    assert ran.returncode == 1
    assert f"{wrong} {jar.name}" in ran.stderr
    up = PortalStack(tmp_path / "stack").command("up", check=False, CITYLAKE_SOLR_JARS=str(jars))
    assert f"{wrong} {jar.name}" in json.loads(up.stdout.splitlines()[-1])["error"]


def test_two_commands_do_not_work_on_one_portal(portal_stack: PortalStack) -> None:
    import fcntl

    with open(portal_stack.root / "lock") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ran = portal_stack.command("up", check=False)
    assert "Another command" in json.loads(ran.stdout)["error"]


def test_the_command_shows_it_in_the_reader_s_language(portal_stack: PortalStack) -> None:
    def said(*words: str) -> str:
        variables = {**os.environ, "CITYLAKE_STATE": str(portal_stack.root.parent)}
        ran = subprocess.run([sys.executable, "-c", "from console.main import main; main()", *words], capture_output=True, text=True,
                             check=False, cwd=CHECKOUT, env=variables)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    assert {row["part"] for row in json.loads(said("portal", "status", "--json"))["parts"]} == set(PARTS)
    assert said("--lang", "zh", "portal", "status").count("运行中") == len(PARTS)
    assert said("portal", "logs", "postgres", "--lines", "3").splitlines()[0] == f"== {portal_stack.root / 'log' / 'postgres.log'}"
    token = portal_stack.root.parent / "secrets" / "platform.token"
    said("portal", "setup", "platform")
    kept = token.read_text()
    said("portal", "setup")
    assert token.read_text() == kept
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    account = portal_stack.call("user_show", token=kept.strip())
    assert (account["name"], account["sysadmin"]) == ("citylake-publisher", False)


def test_errors_are_said_in_the_reader_s_language(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", "from console.main import main; main()", "--lang", "zh", "portal", "down"],
                         capture_output=True, text=True, check=False, cwd=CHECKOUT, env={**os.environ, "CITYLAKE_STATE": str(tmp_path)})
    assert ran.returncode == 1
    assert ran.stderr == "citylake: 这里还没有门户。 请用 `citylake portal up` 建立。\n"
    assert list(tmp_path.iterdir()) == []


def _leads_to(link: Path, target: Path) -> bool:
    try:
        return link.readlink() == target
    except OSError:
        return False


def _package(stack: PortalStack, name: str, title: str | None = None, **more: Any) -> dict[str, Any]:
    """A dataset in the test's organisation, made unless it is there."""
    try:
        stack.call("organization_show", {"id": "stack-tests"})
    except urllib.error.HTTPError:
        stack.call("organization_create", {"name": "stack-tests", "title": "测试"})
    try:
        found: dict[str, Any] = stack.call("package_show", {"id": name})
    except urllib.error.HTTPError:
        facts = {"citylake_id": f"tests.{name}.main", "dataset_id": f"tests.{name}", "product": "main", "shown": "open", "page": "{}"}
        found = stack.call("package_create", {"name": name, "title": title or f"数据 {name}", "owner_org": "stack-tests", **facts, **more})
    return found


def _found(stack: PortalStack, query: str) -> int:
    return int(stack.call("package_search", {"fq": query, "rows": 0}, token="")["count"])


def _solr(stack: PortalStack, path: str, password: str | None = "") -> tuple[int, bytes]:
    state = json.loads((stack.root / "state.json").read_text())
    login = base64.b64encode(f"ckan:{password or state['passwords']['solr']}".encode()).decode()
    there = PortalStack(stack.root, url=f"http://127.0.0.1:{state['ports']['solr']}/solr/ckan/")
    return there.get(path, **({} if password is None else {"Authorization": f"Basic {login}"}))


def _psql(stack: PortalStack, sql: str) -> str:
    """What PostgreSQL complains about when the loader says this; empty when nothing."""
    ran = subprocess.run(["psql", "-X", stack.database, "-v", "ON_ERROR_STOP=1", "-qAt", "-c", sql], capture_output=True, text=True, check=False)
    return ran.stderr


def _listening(ports: set[int]) -> set[tuple[str, int]]:
    """(address, port) of the listening sockets on these ports, from the kernel's tables."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            address, port = fields[1].rsplit(":", 1)
            if fields[3] == "0A" and int(port, 16) in ports:
                found.add((_address(address), int(port, 16)))
    return found


def _address(text: str) -> str:
    if len(text) == 8:
        return socket.inet_ntop(socket.AF_INET, bytes.fromhex(text)[::-1])
    words = b"".join(bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, 32, 8))
    whole = socket.inet_ntop(socket.AF_INET6, words)
    return whole.removeprefix("::ffff:")      # a loopback-only Java socket may be of the newer family


def _jars(*words: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(CHECKOUT / "portal/local/jars.py"), *map(str, words)], capture_output=True, text=True, check=False)


def _until(true: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "did not come true"
        time.sleep(0.3)
