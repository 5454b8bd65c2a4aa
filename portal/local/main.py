"""A whole CKAN on this machine as plain processes on loopback: PostgreSQL, Redis, Solr, CKAN and its worker. No Docker.

    python portal/local/main.py up|down|status|restart|kill|logs|reset --root DIR

With --json it says what it does as one JSON document a line. An error ends it with 1: {"error": sentence, "remedy": what to do}.
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
    tell = tell_machines if options.json else tell_people
    layout = Layout(options.root.resolve())
    try:
        if options.command not in ("up", "reset") and not (layout.root / "state.json").exists():
            raise StackError("There is no portal here yet.", "Build it with `citylake portal up`.")
        if options.command in ("status", "logs"):       # these only look, also while another command works
            return run(options, Stack(layout, tell), tell)
        with alone(layout.root):
            return run(options, Stack(layout, tell), tell)
    except StackError as error:
        tell(error=error.sentence, remedy=error.remedy)
        return 1


def parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--root", type=Path, required=True, help="folder of this portal's state and data")
    common.add_argument("--json", action="store_true", help="one JSON document a line")
    found = argparse.ArgumentParser(prog="portal/local/main.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = found.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", parents=[common], help="start what is not there")
    up.add_argument("--workers", type=int, help="web processes (2)")
    up.add_argument("--title", help="the site's name")
    up.add_argument("--title-en", help="its name on English pages")
    up.add_argument("--port", type=int, help="of the web; a free one by default, and then always that")
    commands.add_parser("down", parents=[common], help="end everything; data stay")
    commands.add_parser("status", parents=[common], help="each part, its port, its memory")
    for name, about in (("restart", "end parts and start them"), ("kill", "kill -9, for tests"), ("logs", "the ends of the logs")):
        command = commands.add_parser(name, parents=[common], help=about)
        command.add_argument("part", nargs=None if name == "kill" else "?", choices=PARTS)
        if name == "logs":
            command.add_argument("--lines", type=int, default=30)
    reset = commands.add_parser("reset", parents=[common], help="end everything and remove all data")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    return found


def run(options: argparse.Namespace, stack: Stack, tell: Any) -> int:
    match options.command:
        case "up":
            tell(url=stack.up({"workers": options.workers, "title": options.title, "title_en": options.title_en}, options.port))
        case "down":
            tell(ended=stack.down())
        case "status":
            tell(parts=stack.status())
        case "restart":
            for part in chosen(options):
                stack.stop(part)
            tell(url=stack.up())
        case "kill":
            stack.kill(options.part)
        case "logs":
            logs(options, stack.layout, tell)
        case "reset":
            reset(options, stack, tell)
    return 0


def chosen(options: argparse.Namespace) -> tuple[str, ...]:
    return (options.part,) if options.part else PARTS


def logs(options: argparse.Namespace, layout: Layout, tell: Any) -> None:
    for part in chosen(options):
        if layout.log(part).exists():
            tell(log=str(layout.log(part)), lines=layout.log_end(part, options.lines))


def reset(options: argparse.Namespace, stack: Stack, tell: Any) -> None:
    if not options.yes and input(f"Remove the portal in {stack.layout.root} with all its data? Type yes: ") != "yes":
        raise StackError("Nothing was removed.")
    stack.reset()
    tell(removed=str(stack.layout.root))


def tell_machines(**facts: Any) -> None:
    print(json.dumps(facts, ensure_ascii=False), flush=True)


def tell_people(**facts: Any) -> None:
    match facts:
        case {"error": sentence, "remedy": remedy}:
            print(f"portal: {sentence}\n{remedy}".strip(), file=sys.stderr)
        case {"done": what, "seconds": seconds}:
            print(f"{what}: {seconds} s", file=sys.stderr, flush=True)
        case {"url": url}:
            print(url)
        case {"ended": parts}:
            print(" ".join(parts))
        case {"log": path, "lines": lines}:
            print(f"== {path}", *lines, sep="\n")
        case {"parts": rows}:
            for row in rows:
                state = f"pid {row['pid']:<8} {row['memory'] / 2**20:6.0f} MB" if row["running"] else "down"
                print(f"{row['part']:<10} {row['port'] or '-':<6} {state}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
