"""Two hundred random kills, at a boundary or at any moment, one after the other in the same city: the same end. `make soak`."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from killing import Came, Reader, differences, picture, torn
from test_pipelines_kill import Story, Teller, stories

from pipelines.audit import verify

KILLS = int(os.environ.get("CITYLAKE_SOAK_KILLS", "200"))


@pytest.fixture(scope="module")
def teller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Teller]:
    found = Teller(tmp_path_factory.mktemp("soak"))
    yield found
    found.killer.close()


def struck(teller: Teller, story: Story, root: Path, chance: random.Random) -> tuple[Came, str]:
    """One act that dies at a random boundary or moment, or gets through."""
    if chance.random() < 0.5:
        at = chance.randrange(len(story.seen))
        return teller.killer.act(root, story.act, kill_at=at), f"boundary {at}"
    after = chance.uniform(0.0, 1.5)
    return teller.killer.act(root, story.act, after=after), f"{after:.3f} s"


def told_again(teller: Teller, story: Story, reader: Reader, chance: random.Random) -> tuple[int, list[str]]:
    """The story with up to four kills in a row; how many there were, and what differs in the end."""
    reader.site = None
    root = teller.copied(story.before, "killed")
    reader.site = root / "site"
    blows, wrong, kills = list[str](), list[str](), 0
    for _ in range(chance.randint(1, 4)):
        came, how = struck(teller, story, root, chance)
        wrong += torn(root / "site")
        blows.append(how)
        kills += came.killed
        if not came.killed:
            break
    last = teller.killer.act(root, story.act) if came.killed else came
    wrong += [] if last.code == 0 else [f"then failed: {last.said[-500:]}"]
    wrong += differences(story.after, picture(root))
    wrong += [f"{item.place}: {item.what}" for item in verify(teller.city(root).way())]
    return kills, [f"{story.act} killed at {', '.join(blows)}: {text}" for text in wrong]


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_random_kills(teller: Teller) -> None:
    seed = int(os.environ.get("CITYLAKE_SOAK_SEED", str(random.SystemRandom().randrange(10**6))))
    chance, wrong, kills = random.Random(seed), list[str](), 0
    known = list(stories(teller))
    with Reader()() as reader:
        while kills < KILLS:
            more, found = told_again(teller, chance.choice(known), reader, chance)
            kills, wrong = kills + more, wrong + found
        reader.site = None
    assert not wrong, f"seed {seed}\n" + "\n".join(wrong)
    assert reader.faults == []
