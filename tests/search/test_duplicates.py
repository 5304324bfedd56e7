"""Duplicates are found among thousands, with evidence; what is another recording stays apart, and owners too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.core.analysis import Analysis
from reprise.core.fingerprints import WORDS_PER_SECOND, written
from reprise.core.items import InputState
from reprise.core.job import JobRequest, JobState
from reprise.core.plan import Selection, Wanted
from reprise.core.records import Completed
from reprise.search.candidates import Tracks, candidates
from reprise.search.duplicates import (
    Duplicates,
    Kind,
    evidence_facts,
    find_duplicates,
    format_of,
    in_folder,
    kbps_of,
)
from tests.search.shelf import Shelf, random_rows, unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from reprise.core.items import Item

    Words = NDArray[np.uint16]
    Row = NDArray[np.float32]

MINUTE = 60.0
DIMENSION = 16


def words(seed: int, seconds: float = 3 * MINUTE) -> Words:
    count = round(seconds * WORDS_PER_SECOND)
    return np.random.default_rng(seed).integers(1, 65536, count).astype(np.uint16)


def coded(original: Words, share: float = 0.08, seed: int = 99) -> Words:
    """So many of the bits come out otherwise."""
    wrong = np.random.default_rng(seed).random((len(original), 16)) < share
    return np.asarray(original ^ (wrong @ (1 << np.arange(16))).astype(np.uint16), np.uint16)


def late(original: Words, seconds: float) -> Words:
    """After so much silence."""
    return np.concatenate([np.zeros(round(seconds * WORDS_PER_SECOND), np.uint16), original])


def row(seed: int) -> Row:
    rows = random_rows(1, DIMENSION, seed)
    return np.asarray(rows[0], np.float32)


def near(other: Row, cosine: float, aside_seed: int = 77) -> Row:
    """A unit vector at this cosine from ``other``."""
    aside = row(aside_seed)
    aside = unit(aside - (aside @ other) * other)
    return np.asarray(cosine * other + np.sqrt(1 - cosine**2) * aside, np.float32)


@dataclass
class Heard:
    """One track: its words, its vector if it has one, and how long it is if that is not what the words say."""

    words: Words
    row: Row | None = None
    seconds: float | None = None

    @property
    def analysis(self) -> Analysis:
        seconds = len(self.words) / WORDS_PER_SECOND if self.seconds is None else self.seconds
        return Analysis(seconds, True, None, None, None, 0.0, 0.0, 0.0, fingerprint=written(self.words))


def hear(shelf: Shelf, tracks: Mapping[str, Heard]) -> dict[str, Item]:
    """The shelf gets these tracks as `reprise analyze` would leave them: by a job, the store and the ledger's commit."""
    items = dict(zip(tracks, shelf.put(*tracks, duration=180.0), strict=True))
    with_row = [name for name, heard in tracks.items() if heard.row is not None]
    rows = [tracks[name].row for name in with_row]
    space = shelf.embed(
        "analysis",
        [items[name] for name in with_row],
        np.stack([one for one in rows if one is not None]) if rows else np.zeros((0, DIMENSION), np.float32),
        active=False,
    )
    catalogue = shelf.app.catalogue()
    selection = Selection(shelf.owner, shelf.library.id, wanted=Wanted.ALL)
    job = catalogue.jobs.create(JobRequest(selection, ("analysis",)), "1", 1.0).id
    catalogue.ledger.plan(selection, job, [space], 1.0, resumed=False, alive=lambda _job: False)
    catalogue.ledger.lease(shelf.owner, job, space.id, 10_000, 9e9, 3)
    done = [
        Completed(items[name].id, InputState(1, 1, name.encode()[:32].ljust(32)), True, heard.analysis)
        for name, heard in tracks.items()
    ]
    catalogue.ledger.commit(shelf.owner, job, space.id, done, [], 2.0)
    catalogue.jobs.set_state(shelf.owner, job, JobState.COMPLETED, 2.0)
    return items


def found_in(shelf: Shelf, *, alike: bool = True) -> list[Duplicates]:
    return find_duplicates(shelf.ports(), alike=alike)


def kinds(found: Sequence[Duplicates]) -> list[tuple[str, list[str]]]:
    return [(group.kind.value, [item.display_path for item in group.items]) for group in found]


def test_the_same_recording_is_found_with_evidence(shelf: Shelf) -> None:
    song = words(1)
    hear(
        shelf,
        {
            "a.flac": Heard(song, row(1)),
            "b.mp3": Heard(late(coded(song), 2.0), near(row(1), 0.99)),
            "c.mp3": Heard(words(2), row(2)),
        },
    )
    (group,) = found_in(shelf)
    assert kinds([group]) == [("same_recording", ["a.flac", "b.mp3"])]
    (evidence,) = group.evidence
    assert evidence.similarity == pytest.approx(0.84, abs=0.01)
    assert evidence.offset_seconds == pytest.approx(2.0, abs=0.1)
    assert evidence.overlap_seconds == pytest.approx(180.0, abs=0.2)
    assert evidence.seconds_apart == pytest.approx(2.0, abs=0.1)
    assert evidence.cosine == pytest.approx(0.99, abs=1e-4)
    assert group.certainty == evidence.similarity


def test_copies_of_copies_are_one_group(shelf: Shelf) -> None:
    song = words(1)
    hear(shelf, {f"{number}.mp3": Heard(coded(song, 0.05, number)) for number in range(5)})
    (group,) = found_in(shelf)
    assert [item.id for item in group.items] == [1, 2, 3, 4, 5]
    assert len(group.evidence) == 10
    assert all(one.cosine is None for one in group.evidence)


def test_a_cover_and_a_live_version_stay_apart(shelf: Shelf) -> None:
    hear(
        shelf,
        {
            "song.mp3": Heard(words(1), row(1)),
            "cover.mp3": Heard(words(2), near(row(1), 0.9, 78)),
            "live.mp3": Heard(words(3, 181.0), near(row(1), 0.97)),
        },
    )
    found = found_in(shelf)
    assert kinds(found) == [("alike", ["song.mp3", "live.mp3"])]
    assert found[0].certainty < 0.5
    assert found_in(shelf, alike=False) == []


def test_what_sounds_alike_must_be_equally_long(shelf: Shelf) -> None:
    hear(shelf, {"a.mp3": Heard(words(1), row(1)), "b.mp3": Heard(words(2, 240.0), near(row(1), 0.99))})
    assert found_in(shelf) == []


def test_a_hard_coding_is_found_by_its_vector(shelf: Shelf) -> None:
    """So many bits are wrong that hardly a key is left; the vector says that it is worth comparing."""
    song = words(1)
    hear(shelf, {"a.mp3": Heard(song, row(1)), "b.mp3": Heard(coded(song, 0.115), near(row(1), 0.96))})
    assert kinds(found_in(shelf)) == [("same_recording", ["a.mp3", "b.mp3"])]


def test_a_part_of_a_recording_is_told_from_the_whole(shelf: Shelf) -> None:
    song, other = words(1), words(2)
    hear(
        shelf,
        {
            "whole.mp3": Heard(song),
            "again.mp3": Heard(coded(song, 0.04)),
            "ends early.mp3": Heard(coded(song[: len(song) // 2], 0.03)),
            "mix.mp3": Heard(np.concatenate([words(5), coded(other, 0.03), words(6)])),
            "in the mix.mp3": Heard(other),
        },
    )
    found = found_in(shelf)
    assert [group.kind for group in found] == [Kind.SAME_RECORDING, Kind.PART, Kind.PART]
    parts = {frozenset(names) for _, names in kinds(found)[1:]}
    assert frozenset({"mix.mp3", "in the mix.mp3"}) in parts
    assert any("ends early.mp3" in names and len(names) == 2 for names in parts)
    (mix,) = [group for group in found if any(item.path == b"mix.mp3" for item in group.items)]
    assert abs(mix.evidence[0].offset_seconds) == pytest.approx(180.0, abs=0.2)


def test_missing_files_are_left_out(shelf: Shelf) -> None:
    song = words(1)
    items = hear(shelf, {"a.mp3": Heard(song), "b.mp3": Heard(coded(song))})
    assert len(found_in(shelf)) == 1
    shelf.lose(items["a.mp3"])
    assert found_in(shelf) == []


def test_owners_stay_apart(tmp_path: Path, shelf: Shelf) -> None:
    song = words(1)
    other = Shelf(tmp_path, "other")
    hear(shelf, {"a.mp3": Heard(song)})
    hear(other, {"b.mp3": Heard(coded(song))})
    assert found_in(shelf) == found_in(other) == []
    other.app.close()


def test_nothing_is_found_where_nothing_was_heard(shelf: Shelf) -> None:
    assert found_in(shelf) == []
    hear(
        shelf, {"silent.mp3": Heard(np.zeros(2000, np.uint16)), "quiet.mp3": Heard(np.zeros(2000, np.uint16))}
    )
    assert found_in(shelf) == []


def test_another_content_than_was_heard_counts_no_more(shelf: Shelf) -> None:
    song = words(1)
    items = hear(shelf, {"a.mp3": Heard(song), "b.mp3": Heard(coded(song))})
    shelf.app.catalogue().items.learn_digests(shelf.owner, [(items["b.mp3"].id, b"another".ljust(32))])
    assert found_in(shelf) == []


def test_only_groups_with_a_track_in_the_folder(shelf: Shelf) -> None:
    one, two = words(1), words(2)
    hear(
        shelf,
        {
            "new/a.mp3": Heard(one),
            "old/a.mp3": Heard(coded(one)),
            "x.mp3": Heard(two),
            "y.mp3": Heard(coded(two)),
        },
    )
    found = found_in(shelf)
    assert len(found) == 2
    here = in_folder(found, shelf.library.id, b"new")
    assert kinds(here) == [("same_recording", ["new/a.mp3", "old/a.mp3"])]
    assert in_folder(found, shelf.library.id + 1, b"new") == []
    assert in_folder(found, shelf.library.id, b"ne") == []
    assert len(in_folder(found, shelf.library.id, b"")) == 2


def test_one_library_is_compared_with_itself(shelf: Shelf) -> None:
    song = words(1)
    hear(shelf, {"a.mp3": Heard(song), "b.mp3": Heard(coded(song))})
    assert len(find_duplicates(shelf.ports(), shelf.library.id)) == 1
    assert find_duplicates(shelf.ports(), shelf.library.id + 1) == []


def test_the_answer_is_the_same_every_time_the_surest_first(shelf: Shelf) -> None:
    tracks: dict[str, Heard] = {}
    for seed, share in ((1, 0.1), (2, 0.0), (3, 0.05)):
        tracks |= {f"{seed}.flac": Heard(words(seed)), f"{seed}.mp3": Heard(coded(words(seed), share))}
    hear(shelf, tracks)
    first, told = found_in(shelf), list[tuple[int, int]]()
    assert [group.items[0].path for group in first] == [b"2.flac", b"3.flac", b"1.flac"]
    assert first[0].certainty == 1.0
    assert find_duplicates(shelf.ports(), progress=lambda done, total: told.append((done, total))) == first
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_the_facts_of_the_evidence_tell_how_the_files_differ(shelf: Shelf) -> None:
    song = words(1)
    hear(shelf, {"a.FLAC": Heard(song, row(1)), "b.mp3": Heard(late(song, 1.0), row(1))})
    (group,) = found_in(shelf)
    first, second = group.items
    facts = evidence_facts(group.evidence[0], first, second)
    assert (facts["first"], facts["second"]) == (first.id, second.id)
    assert facts["formats"] == ["flac", "mp3"]
    assert (facts["bytes_apart"], facts["kbps_apart"], facts["cosine"]) == (0, 0, 1.0)
    assert facts["similarity"] == 1.0
    assert facts["seconds_apart"] == pytest.approx(1.0, abs=0.1)
    assert (format_of(first), kbps_of(first)) == ("flac", 0)


def read(heard: Sequence[Heard]) -> Tracks:
    tracks = Tracks.read(
        (number, one.analysis.seconds, one.analysis.fingerprint) for number, one in enumerate(heard, 1)
    )
    known = [(number, one.row) for number, one in enumerate(heard, 1) if one.row is not None]
    if known:
        tracks.add_vectors(
            [([number for number, _ in known], np.stack([one for _, one in known]))], DIMENSION
        )
    return tracks


def test_among_two_thousand_tracks_only_copies_are_compared() -> None:
    heard = [Heard(words(seed, 60.0 + seed % 120), row(seed)) for seed in range(2000)]
    heard += [Heard(coded(heard[seed].words), near(heard[seed].row, 0.98)) for seed in range(0, 2000, 40)]  # type: ignore[arg-type]
    pairs = candidates(read(heard))
    copies = {(seed, 2000 + place) for place, seed in enumerate(range(0, 2000, 40))}
    assert copies <= set(pairs)
    assert len(pairs) < 2 * len(copies)


def test_many_copies_of_one_track_need_few_comparisons() -> None:
    song = words(1, 60.0)
    heard = [Heard(coded(song, 0.02, seed), row(1)) for seed in range(300)]
    tracks = read(heard)
    pairs = candidates(tracks)
    assert len(pairs) < 300 * 299 // 2 // 4
    reached, waiting = {0}, [0]
    while waiting:
        one = waiting.pop()
        near_it = {b if a == one else a for a, b in pairs if one in (a, b)} - reached
        reached |= near_it
        waiting += near_it
    assert len(reached) == 300


def test_pairs_by_vectors_are_those_of_the_plain_way() -> None:
    chance = np.random.default_rng(5)
    centres = random_rows(20, DIMENSION, 3)
    heard = [
        Heard(
            np.zeros(0, np.uint16), near(centres[seed % 20], float(chance.uniform(0.9, 1.0))), float(length)
        )
        for seed, length in enumerate(chance.uniform(100, 140, 600))
    ]
    tracks = read(heard)
    plain = {
        (a, b)
        for a in range(600)
        for b in range(a + 1, 600)
        if tracks.equally_long(a, b) and float(tracks.vectors[a] @ tracks.vectors[b]) >= 0.93
    }
    assert len(plain) > 100
    assert set(candidates(tracks)) == plain


def test_vectors_of_unknown_items_are_passed_over() -> None:
    tracks = Tracks.read([(5, 60.0, written(words(1, 60.0))), (9, 60.0, written(words(2, 60.0)))])
    tracks.add_vectors([([1, 9, 12], random_rows(3, DIMENSION))], DIMENSION)
    assert tracks.known.tolist() == [False, True]
    assert tracks.cosine(0, 1) is None
    assert tracks.cosine(1, 1) == pytest.approx(1.0)
