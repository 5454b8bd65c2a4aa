"""The client of a CKAN against a server that fails in every way: errors are ours, quote nothing, and repeat no write."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from catalog.errors import PortalError
from pipelines.portals.ckan.client import Client, Denied, Invalid, NotThere


class Failing(BaseHTTPRequestHandler):
    """Answers each action with the next of the responses that are listed for it."""

    plans: ClassVar[dict[str, list[tuple[int, str, dict[str, str]]]]] = {}
    seen: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        action = self.path.rsplit("/", 1)[1]
        type(self).seen.append(action)
        self.rfile.read(int(self.headers["Content-Length"]))
        listed = type(self).plans[action]
        status, body, headers = listed.pop(0) if len(listed) > 1 else listed[0]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        pass


GOOD_ANSWER = (200, '{"success": true, "result": 7}', {"Content-Type": "application/json"})


@pytest.fixture
def failing() -> Iterator[str]:
    Failing.plans, Failing.seen = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Failing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def bad(status: int, body: str = "<html>canary77</html>", **headers: str) -> tuple[int, str, dict[str, str]]:
    return status, body, {name.replace("_", "-"): value for name, value in headers.items()}


ANSWERS = [
    (bad(400), PortalError), (bad(401), Denied), (bad(403), Denied), (bad(404), PortalError), (bad(413), PortalError), (bad(500), PortalError),
    (bad(301, Location="http://127.0.0.1:1/canary77"), PortalError), (bad(200, "<html>canary77"), PortalError), (bad(502), PortalError),
    (bad(200, '"canary77"'), PortalError), (bad(200, "[1]"), PortalError), (bad(400, '{"success": false, "error": "canary77"}'), PortalError),
    (bad(409, '{"success": false, "error": {"__type": "Validation Error", "name": ["canary77"], "canary77 x": []}}'), Invalid),
    (bad(404, '{"success": false, "error": {"__type": "Not Found Error", "message": "canary77"}}'), NotThere),
    (bad(403, '{"success": false, "error": {"__type": "Authorization Error", "message": "canary77"}}'), Denied),
    (bad(409, '{"success": false, "error": {"__type": "Search Index Error", "message": "canary77"}}'), PortalError),
]


@pytest.mark.parametrize(("answer", "kind"), ANSWERS)
def test_every_failure_is_ours_and_quotes_nothing(failing: str, answer: tuple[int, str, dict[str, str]], kind: type[PortalError]) -> None:
    Failing.plans = {"package_patch": [answer]}
    with pytest.raises(kind) as raised:
        Client(failing, "token77").call("package_patch", id="x")
    assert not {"canary77", "token77"} & set(str(raised.value).replace("/", " ").split())
    assert "canary77" not in str(raised.value)


def test_reads_are_tried_again_and_writes_are_not(failing: str) -> None:
    Failing.plans = {"package_show": [bad(500), GOOD_ANSWER], "package_patch": [bad(500), GOOD_ANSWER], "datastore_upsert": [bad(503), GOOD_ANSWER]}
    client = Client(failing)
    assert client.call("package_show") == 7
    for action in ("package_patch", "datastore_upsert"):
        with pytest.raises(PortalError, match="status 50"):
            client.call(action)
    assert Failing.seen == ["package_show", "package_show", "package_patch", "datastore_upsert"]
    assert client.calls == {"package_show": 2, "package_patch": 1, "datastore_upsert": 1}


def test_a_busy_server_is_asked_again_but_not_waited_for_as_long_as_it_likes(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.portals.ckan.client._WAIT", 0.1)
    busy = bad(429, Retry_After="3600")
    Failing.plans = {"package_patch": [busy, bad(503), GOOD_ANSWER], "datastore_upsert": [busy, GOOD_ANSWER]}
    assert Client(failing).call("package_patch") == 7
    assert Client(failing).call("datastore_upsert") == 7


def test_nobody_at_the_address() -> None:
    with pytest.raises(PortalError, match="cannot be reached"):
        Client("http://127.0.0.1:1", "x").look("/data/x")
