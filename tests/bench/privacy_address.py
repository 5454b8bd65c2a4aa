"""Addresses against labelled text: the share of an address's characters that is found, per component, alone and inside complaints, and
how much else is covered. Prints figures only, never a text. Run with
`PYTHONPATH=tests python -m bench.privacy_address`.

The corpora are for measuring; nothing here or in privacy/ was trained on them.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from bench.privacy_bars import Row, at_least, ratio, rows

from privacy.addresses import parse
from privacy.model import load

BAR, MOST = 0.95, 1_000_000
ALONE = ("{}",)
COMPLAINTS = (
    "市民反映{}附近有人占道经营,影响通行,请核实处理。", "来电人家住{},反映楼上邻居深夜噪音扰民。",
    "您好,我是{}的住户,小区电梯坏了三天没人修。", "地址:{},联系人稍后提供。",
    "请派人到{}查看漏水情况", "群众举报位于{}的一家店无证经营。", "{}门口垃圾成堆,无人清理。")
DOOR = {"roadno", "houseno", "cellno", "floorno", "roomno"}
BESIDE = {"person", "redundant", "assist", "country"}     # labelled, but no part of an address's levels


def covered(texts: Sequence[str], words: Sequence[Any]) -> Iterator[bytearray]:
    """For each text which of its characters lie in an address."""
    for text, tagged in zip(texts, words, strict=True):
        marks = bytearray(len(text))
        for found in parse(text, tagged):
            marks[found.start:found.end] = b"\x01" * (found.end - found.start)
        yield marks


def components(name: str, corpus: Sequence[Row], templates: Sequence[str], with_words: bool) -> float:
    """Prints the recall of each component; returns that over the whole of addresses that name a door."""
    used = [templates[at % len(templates)] for at in range(len(corpus))]
    texts = [template.format(row["text"]) for template, row in zip(used, corpus, strict=True)]
    words = load().words(texts) if with_words else [None] * len(texts)
    total, hit, whole, outside = Counter[str](), Counter[str](), 0, 0
    began = time.process_time()
    marked = list(covered(texts, words))
    spent = time.process_time() - began
    for row, template, marks in zip(corpus, used, marked, strict=True):
        offset, door = template.index("{"), any(span["raw"] in DOOR for span in row["spans"])
        missed = 0
        for span in row["spans"]:
            length, found = span["end"] - span["start"], sum(marks[offset + span["start"]:offset + span["end"]])
            groups = [span["raw"]] + ([] if span["raw"] in BESIDE else ["= all"] + (["= with a door"] if door else []))
            for group in groups:
                total[group] += length
                hit[group] += found
            missed += 0 if span["raw"] in BESIDE else length - found
        whole += missed == 0
        outside += sum(marks) - sum(marks[offset:offset + len(row["text"])])
    print(f"{name}: {ratio(len(corpus), spent):,.0f} addresses a CPU second; fully covered {whole / len(corpus):.3f}; "
          f"covered outside {outside / max(1, sum(map(sum, marked))):.3f}")
    print("   " + "  ".join(f"{group} {hit[group] / total[group]:.3f}" for group in sorted(total)), flush=True)
    return hit["= with a door"] / total["= with a door"]


def hotline(corpus: Sequence[Row]) -> float:
    """Prints recall, cover and precision on hotline text; returns the recall of addresses in characters."""
    texts = [row["text"] for row in corpus]
    total, hit, whole, spans, found, right = Counter[str](), Counter[str](), Counter[str](), Counter[str](), 0, 0
    for row, marks in zip(corpus, covered(texts, load().words(texts)), strict=True):
        found += sum(marks)
        for span in row["spans"]:
            label, length, seen = span["label"], span["end"] - span["start"], sum(marks[span["start"]:span["end"]])
            total[label] += length
            hit[label] += seen
            spans[label] += 1
            whole[label] += seen == length
            right += seen if label in ("ADDRESS", "LOC") else 0
    print(f"synth_hotline: address characters {hit['ADDRESS'] / total['ADDRESS']:.3f}, covered {whole['ADDRESS'] / spans['ADDRESS']:.3f}; "
          f"places covered {whole['LOC'] / spans['LOC']:.3f}; of the covered characters {right / found:.3f} are addresses or places, "
          f"of names {hit['PERSON'] / total['PERSON']:.3f} are covered, of orders {hit['NEG_ORDER'] / total['NEG_ORDER']:.3f}", flush=True)
    return hit["ADDRESS"] / total["ADDRESS"]


def main() -> int:
    corpus = rows("zjaddr_dev", MOST)
    figures = [components("zjaddr_dev alone", corpus, ALONE, True), components("zjaddr_dev in complaints", corpus, COMPLAINTS, True),
               components("zjaddr_dev as a column, no model", corpus, ALONE, False), hotline(rows("synth_hotline", MOST))]
    return 0 if at_least(min(figures), BAR, "door-level address characters, the least of these four") else 1


if __name__ == "__main__":
    sys.exit(main())
