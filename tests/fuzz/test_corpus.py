"""Every input that a fuzzer kept, what hypothesis thinks of besides, and very long ones, through each target."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import CORPUS, PRODUCT, TARGETS, corpus_of, target

if TYPE_CHECKING:
    from pathlib import Path

MOST_FILES = 250
MOST_BYTES = 500_000
LONG_BYTES = 100_000
MOST_CPU_SECONDS = 20.0
"""For an input of :data:`LONG_BYTES`: ten times what the slowest takes here. What grows with the square takes minutes."""
MUTANTS = 60

CASES = [(name, path) for name in TARGETS for path in corpus_of(name)]


@pytest.mark.parametrize(("name", "path"), CASES, ids=[f"{name}-{path.name}" for name, path in CASES])
def test_what_was_kept_is_no_fault(name: str, path: Path) -> None:
    target(name)(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_seeds_are_no_fault(name: str) -> None:
    """Deterministic: a piece of one input in another, a cut, a flipped bit."""
    one, inputs, dice = target(name), [path.read_bytes() for path in corpus_of(name)], random.Random(name)
    for _ in range(MUTANTS):
        one(_mutant(inputs, dice))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)))
@example(data=b"")
@example(data=b"\xef\xbb\xbf\xff\xfe\0")
def test_any_bytes_are_no_fault(name: str, data: bytes) -> None:
    target(name)(data)


@pytest.mark.parametrize("name", TARGETS)
def test_the_time_grows_with_the_length(name: str) -> None:
    """The lines and pieces of the first seeds, over and over."""
    one, pieces = target(name), _pieces(name)
    for piece in pieces:
        began = time.process_time()
        one(piece * (LONG_BYTES // len(piece)))
        assert time.process_time() - began < MOST_CPU_SECONDS, piece[:80]


def test_every_folder_is_a_target_and_small() -> None:
    files = [path for _, path in CASES]
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS) == set(PRODUCT)
    assert len(files) <= MOST_FILES
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES


def _mutant(inputs: list[bytes], dice: random.Random) -> bytes:
    data = bytearray(dice.choice(inputs))
    for _ in range(dice.randint(1, 4)):
        at = dice.randint(0, len(data))
        match dice.randrange(4):
            case 0:
                other = dice.choice(inputs)
                start = dice.randint(0, len(other))
                data[at:at] = other[start : start + dice.randint(1, 40)]
            case 1:
                del data[at : at + dice.randint(1, 20)]
            case 2:
                data[at : at + 1] = dice.randbytes(1)
            case _:
                data[at:at] = data[at : at + 30] * dice.randint(1, 5)
    return bytes(data)


def _pieces(name: str) -> list[bytes]:
    """Whole seeds, their lines, and signs that begin something."""
    seeds = [path.read_bytes() for path in corpus_of(name) if path.name.startswith("seed")][:3]
    lines = {line for seed in seeds[:1] for line in seed.splitlines(keepends=True)}
    return [piece for piece in (*seeds, *sorted(lines)[:4], b"<", b"{", b"(", b" ", b"1", b"a b ") if piece]
