"""The portal's files for Docker and nginx, which no test runs whole: what can be said without them is said here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

PORTAL = Path(__file__).resolve().parents[1] / "portal"
COMPOSE = PORTAL / "compose"
SERVICES = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (COMPOSE / "Dockerfile").read_text(encoding="utf-8")
EXAMPLE = dict(line.split("=", 1) for line in (COMPOSE / "env.example").read_text(encoding="utf-8").splitlines() if "=" in line and line[0] != "#")


@pytest.mark.parametrize("name", SERVICES["services"])
def test_each_service_can_be_built_and_reached_as_it_says(name: str) -> None:
    service = SERVICES["services"][name]
    if "build" in service:
        context = (COMPOSE / service["build"]["context"]).resolve()
        assert context == PORTAL
        assert (context / service["build"]["dockerfile"]).is_file()
        assert re.search(rf"^FROM \S+ AS {service['build']['target']}$", DOCKERFILE, re.MULTILINE)
    else:
        assert re.fullmatch(r"[a-z]+:\d[\d.]*", service["image"])
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert set(service["networks"]) <= set(SERVICES["networks"])
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert source in SERVICES["volumes"] or (COMPOSE / source).exists()
    for other, how in service.get("depends_on", {}).items():
        assert how["condition"] == "service_healthy"
        assert SERVICES["services"][other]["healthcheck"]["test"]


def test_only_the_web_reaches_out_and_is_reached() -> None:
    assert SERVICES["networks"]["inside"]["internal"] is True
    assert [name for name, service in SERVICES["services"].items() if "outside" in service["networks"] or service.get("ports")] == ["ckan"]


def test_every_variable_is_in_the_example_and_none_has_a_secret() -> None:
    asked = re.findall(r"\$\{(\w+)(?::[-?][^}]*)?\}", (COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
    assert set(asked) == set(EXAMPLE)
    assert all(not value for name, value in EXAMPLE.items() if name.endswith(("PASSWORD", "KEY")))


def test_what_the_images_copy_is_there() -> None:
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        assert all((PORTAL / source).exists() for source in sources.split())


def test_containers_are_configured_as_plain_processes_are() -> None:
    """Beside addresses, secrets and names, the settings are the same; over TLS cookies are for TLS only."""
    settings = _settings({**EXAMPLE, **{name: "x" for name in EXAMPLE if name.endswith(("PASSWORD", "KEY"))}})
    local = _local()
    own = {"secret_key", "sqlalchemy.url", "solr_url", "session_cookie_secure", "remember_cookie_secure"}
    shared = {name for name in local if name not in own and not name.startswith(("ckan.datastore.", "ckan.redis.", "ckan.site_", "ckan.storage"))}
    assert {name: settings[name] for name in shared} == {name: local[name] for name in shared}
    assert settings["ckan.site_title"] == "公共数据开放平台"
    assert settings["session_cookie_secure"] == settings["remember_cookie_secure"] == "true"
    assert _settings({**dict.fromkeys(EXAMPLE, "x"), "SITE_URL": "http://x"})["session_cookie_secure"] == "false"


@pytest.mark.postgres
def test_the_roles_of_the_image_are_those_of_the_local_portal(cluster: dict[str, str]) -> None:
    passwords = {"CKAN_PASSWORD": "a'b", "READER_PASSWORD": "r", "LOADER_PASSWORD": "l", "POSTGRES_USER": "postgres"}
    subprocess.run(["sh", str(COMPOSE / "initdb" / "10-roles.sh")], check=True, env={**cluster, **passwords})
    roles = "SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper ORDER BY 1"
    databases = "SELECT datname FROM pg_database WHERE datname !~ '^(template|postgres)' ORDER BY 1"
    asked = ["psql", "-X", "-qAt", "-U", "postgres", "-c", roles, "-c", databases]
    said = subprocess.run(asked, check=True, env=cluster, capture_output=True, text=True).stdout.split()
    assert said == ["citylake_loader", "ckan", "datastore_ro", "ckan", "datastore"]
    postgres = (PORTAL / "local" / "postgres.py").read_text(encoding="utf-8")
    assert all(f'"{role}"' in postgres for role in said)


@pytest.fixture
def cluster() -> Iterator[dict[str, str]]:
    """Environment of programs that reach a small PostgreSQL, on a socket of its own."""
    bin = max(Path("/usr/lib/postgresql").glob("*/bin"))
    user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o777)
        ran: dict[str, Any] = {"check": True, "capture_output": True, "cwd": folder, **user}
        subprocess.run([bin / "initdb", "-D", f"{folder}/d", "-U", "postgres", "--auth=trust"], **ran)
        options = f"-c listen_addresses='' -c fsync=off -k {folder}"
        subprocess.run([bin / "pg_ctl", "-D", f"{folder}/d", "-w", "-l", f"{folder}/log", "-o", options, "start"], **ran)
        yield {"PATH": os.environ["PATH"], "PGHOST": folder}
        subprocess.run([bin / "pg_ctl", "-D", f"{folder}/d", "-m", "immediate", "stop"], **ran)


def test_nginx_lets_the_publisher_through_and_caches_nothing() -> None:
    from pipelines.portals.ckan.files import CHUNK

    text = (PORTAL / "nginx.conf").read_text(encoding="utf-8")
    sizes = {found[1]: int(found[2]) for found in re.finditer(r"location [^{]*action/(\S+) \{[^}]*client_max_body_size (\d+)m", text)}
    assert min(sizes.values()) * 2**20 >= CHUNK + 2**20
    assert len(sizes) == 2
    assert re.findall(r"proxy_cache\s+(\w+);", text) == ["off"]
    assert "proxy_cache_path" not in text


def _settings(env: dict[str, str]) -> dict[str, str]:
    return _ini("import start, os, json; print(start.settings(dict(os.environ)))", COMPOSE, env)


def _local() -> dict[str, str]:
    return _ini("import ini; print(ini.text({}))", PORTAL / "local", {})


def _ini(code: str, folder: Path, env: dict[str, str]) -> dict[str, str]:
    """[app:main] of what the code prints, run apart: these modules are flat and are none of ours."""
    ran = subprocess.run([sys.executable, "-c", code], cwd=folder, env={"PATH": os.environ["PATH"], "PYTHONUTF8": "1", **env},
                         capture_output=True, text=True, check=True)
    parser = RawConfigParser()
    parser.read_string(ran.stdout)
    return dict(parser["app:main"])
