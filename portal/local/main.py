"""A whole CKAN on this machine as plain processes on loopback: PostgreSQL, Redis, Solr, CKAN and its worker. No Docker.

    python portal/local/main.py up|down|status|restart|kill|reset|logs --root DIR
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from layout import Layout
from stack import Stack, alone
from state import PARTS, StackError


def main(arguments: list[str]) -> int:
    os.umask(0o077)
    options = parser().parse_args(arguments)
    layout = Layout(options.root.resolve())
    try:
        if options.command not in ("up", "reset") and not (layout.root / "state.json").exists():
            raise StackError("There is no portal here yet.", "Build one with `up`.")
        with alone(layout.root):
            return run(options, Stack(layout, say))
    except StackError as error:
        print(f"portal: {error.sentence}", file=sys.stderr)
        if error.remedy:
            print(error.remedy, file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="portal/local/main.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = found.add_subparsers(dest="command", required=True)
    for name in ("up", "down", "status", "restart", "kill", "reset", "logs"):
        command = commands.add_parser(name)
        command.add_argument("--root", type=Path, required=True)
        if name in ("restart", "kill", "logs"):
            command.add_argument("part", nargs="?" if name != "kill" else None, choices=PARTS)
        if name == "up":
            command.add_argument("--workers", type=int)
            command.add_argument("--title")
        if name == "status":
            command.add_argument("--json", action="store_true")
        if name == "logs":
            command.add_argument("--lines", type=int, default=30)
    return found


def run(options: argparse.Namespace, stack: Stack) -> int:
    match options.command:
        case "up":
            print(stack.up(options.workers, options.title))
        case "down":
            print(" ".join(stack.down()))
        case "status":
            show(stack.status(), options.json)
        case "restart":
            for part in [options.part] if options.part else PARTS:
                stack.processes.stop(part)
            print(stack.up())
        case "kill":
            stack.kill(options.part)
        case "reset":
            stack.reset()
        case "logs":
            logs(stack.layout, options.part, options.lines)
    return 0


def show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        state = f"pid {row['pid']:<8} {row['memory'] / 2**20:6.0f} MB" if row["running"] else "down"
        print(f"{row['part']:<10} {row['port'] or '-':<6} {state}")


def logs(layout: Layout, part: str | None, lines: int) -> None:
    for name in [part] if part else PARTS:
        path = layout.log(name)
        if path.exists():
            print(f"== {path}")
            print("\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]))


def say(what: str, **facts: Any) -> None:
    print(f"{what}: {facts['seconds']} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
