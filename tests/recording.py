"""A proxy before a CKAN that writes down which actions were called: what reads, what writes, and through which address."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from stacking import DIRECT

READS = ("_show", "_list", "_search", "_status", "_info")      # how CKAN names actions that change nothing


class Recorder:
    """Passes everything on to `target`; `calls` are the actions and addresses asked for, in order."""

    def __init__(self, target: str) -> None:
        self.calls: list[str] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
                recorder.calls.append(f"{self.command} {self.path}")
                headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection", "accept-encoding")}
                asked = urllib.request.Request(target + self.path, data=body, headers=headers, method=self.command)
                try:
                    with DIRECT.open(asked, timeout=300) as answer:
                        self._answer(answer.status, answer.headers, answer.read())
                except urllib.error.HTTPError as error:
                    self._answer(error.code, error.headers, error.read())

            def _answer(self, status: int, headers: Any, body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = _pass

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def take(self) -> tuple[list[str], list[str]]:
        """(reads, writes) since the last time."""
        calls, self.calls = self.calls, []
        actions = [call.split("/")[-1].split("?")[0] for call in calls]
        reads = [one for one, call in zip(actions, calls, strict=True) if call.startswith(("GET", "HEAD")) or one.endswith(READS)]
        return reads, [one for one, call in zip(actions, calls, strict=True) if not (call.startswith(("GET", "HEAD")) or one.endswith(READS))]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
