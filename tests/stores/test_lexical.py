"""One suite for every lexical index: a new one adds itself to ``INDEXES`` and ``FORMULAS``. Below it, what only SQLite's promises."""

from __future__ import annotations

import math
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from reprise.core.lexical_tokens import document_terms, query_terms
from reprise.core.ports import LexicalDocument
from reprise.errors import DiskFull, StoreError
from reprise.stores.lexical import SqliteLexicalIndex
from reprise.stores.lexical import index as sqlite_index
from reprise.stores.lexical.files import place
from reprise.stores.opensearch import OpenSearchLexicalIndex
from tests.servers.opensearch import an_opensearch
from tests.servers.opensearch.searching import quantised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from reprise.core.ports import Hit, LexicalIndex

OWNER, SPACE = "ada", "lexical-0123456789ab"
FIELDS = {"tags": 4, "transcript": 3, "description": 2, "summary": 2, "combined": 1}


@contextmanager
def _sqlite(folder: Path) -> Iterator[LexicalIndex]:
    with closing(SqliteLexicalIndex(folder / "lexical", busy_timeout=30)) as made:
        yield made


@contextmanager
def _opensearch(_folder: Path) -> Iterator[LexicalIndex]:
    with an_opensearch("replicas=0") as url, closing(OpenSearchLexicalIndex(url, timeout=60)) as made:
        yield made


INDEXES: dict[str, Callable[[Path], AbstractContextManager[LexicalIndex]]] = {
    "sqlite": _sqlite,
    "opensearch": _opensearch,
}


@dataclass(frozen=True)
class Formula:
    """What differs in BM25: how long a document is, in the mean and by itself, and the constant factor before all."""

    length: Callable[[Mapping[str, list[str]]], int]
    kept: Callable[[int], int]
    factors: tuple[float, ...]

    def gives(self, scores: list[float], plain: list[float]) -> bool:
        """Whether the scores are the ``plain`` ones, but for a factor."""
        return any(scores == pytest.approx([factor * score for score in plain]) for factor in self.factors)


FORMULAS = {
    "sqlite": Formula(lambda fields: sum(map(len, fields.values())), lambda length: length, (2.2,)),
    # OpenSearch left the factor k1 + 1 out with version 3
    "opensearch": Formula(
        lambda fields: sum(FIELDS[name] * len(words) for name, words in fields.items()), quantised, (1.0, 2.2)
    ),
}


@pytest.fixture(params=INDEXES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def index(kind: str, tmp_path: Path) -> Iterator[LexicalIndex]:
    with INDEXES[kind](tmp_path) as made:
        made.create(OWNER, SPACE)
        yield made


def said(*texts: str, video: int = 1) -> list[LexicalDocument]:
    """Documents of one transcript each, numbered from 1."""
    return [LexicalDocument(key, video, {"transcript": text}) for key, text in enumerate(texts, 1)]


def found(index: LexicalIndex, query: str, k: int = 10, **chosen: list[int]) -> list[int]:
    return [hit.key for hit in index.search(OWNER, SPACE, query, k, **chosen)]


# rows


def test_rows_come_and_go(index: LexicalIndex) -> None:
    assert (index.count(OWNER, SPACE), list(index.keys(OWNER, SPACE))) == (0, [])
    index.upsert(OWNER, SPACE, [*reversed(said("a boat", "a hill", "a tree"))])
    assert (index.count(OWNER, SPACE), list(index.keys(OWNER, SPACE))) == (3, [1, 2, 3])
    index.upsert(OWNER, SPACE, said("a lake"))
    assert index.count(OWNER, SPACE) == 3
    assert (found(index, "boat"), found(index, "lake")) == ([], [1])
    assert index.delete(OWNER, SPACE, [1, 3, 99]) == 2
    assert index.delete(OWNER, SPACE, []) == 0
    assert list(index.keys(OWNER, SPACE)) == [2]
    assert (found(index, "lake"), found(index, "hill")) == ([], [2])


def test_an_empty_batch_and_a_document_without_words_are_fine(index: LexicalIndex) -> None:
    index.upsert(OWNER, SPACE, [])
    index.upsert(OWNER, SPACE, [LexicalDocument(7, 1, {}), LexicalDocument(8, 1, {"tags": "…!"})])
    assert list(index.keys(OWNER, SPACE)) == [7, 8]
    assert found(index, "boat") == []


def test_many_keys_come_in_order_while_rows_are_written(index: LexicalIndex) -> None:
    keys = random.Random(1).sample(range(10_000), 2500)
    index.upsert(OWNER, SPACE, [LexicalDocument(key, 1, {"tags": "x"}) for key in keys])
    reading = index.keys(OWNER, SPACE)
    first = next(reading)
    index.upsert(OWNER, SPACE, [LexicalDocument(20_000, 1, {})])
    assert [first, *reading] == sorted([*keys, 20_000])


def test_a_batch_is_written_wholly_or_not_at_all(index: LexicalIndex) -> None:
    good = LexicalDocument(1, 1, {"tags": "boat"})
    for wrong in (
        LexicalDocument(-1, 1, {}),
        LexicalDocument(2**63, 1, {}),
        LexicalDocument(2, -1, {}),
        LexicalDocument(2, 1, {"smell": "salt"}),
        LexicalDocument(1, 1, {"tags": "twice"}),
    ):
        with pytest.raises(StoreError):
            index.upsert(OWNER, SPACE, [good, wrong])
    assert index.count(OWNER, SPACE) == 0


def test_a_space_that_was_never_made(index: LexicalIndex) -> None:
    for ask in (
        lambda: index.count(OWNER, "other"),
        lambda: index.keys(OWNER, "other"),
        lambda: index.count("bob", SPACE),
        lambda: index.search("bob", SPACE, "boat", 1),
        lambda: index.search("bob", SPACE, "!", 1),
        lambda: index.upsert("bob", SPACE, []),
        lambda: index.delete("bob", SPACE, [1]),
    ):
        with pytest.raises(StoreError, match="no words in a space") as caught:
            ask()
        assert "reprise reprocess" in caught.value.cure
    for owner, space in (("", SPACE), ("a\0b", SPACE), (OWNER, "../x"), (OWNER, "")):
        with pytest.raises(StoreError, match="is no name of"):
            index.create(owner, space)


def test_a_dropped_space_is_gone_until_it_is_made_again(index: LexicalIndex) -> None:
    index.upsert(OWNER, SPACE, said("a boat"))
    index.create(OWNER, SPACE)
    assert found(index, "boat") == [1]
    index.drop(OWNER, SPACE)
    index.drop(OWNER, SPACE)
    index.drop("nobody", SPACE)
    with pytest.raises(StoreError):
        index.count(OWNER, SPACE)
    index.create(OWNER, SPACE)
    assert (index.count(OWNER, SPACE), found(index, "boat")) == (0, [])


# what is found


def bm25(documents: Mapping[int, Mapping[str, str]], query: str, formula: Formula) -> list[tuple[int, float]]:
    """By the formula, in plain Python, over all documents."""
    terms = list(dict.fromkeys(query_terms(query)))
    needed = len(terms) if len(terms) <= 2 else len(terms) // 2
    cut = {
        key: {name: document_terms(text) for name, text in fields.items()}
        for key, fields in documents.items()
    }
    lengths = {key: formula.length(fields) for key, fields in cut.items()}
    mean = sum(lengths.values()) / len(lengths)
    scores = {}
    for key, fields in cut.items():
        tf = {term: sum(FIELDS[name] * words.count(term) for name, words in fields.items()) for term in terms}
        held = [term for term in terms if tf[term]]
        if held and len(held) >= needed:
            scores[key] = sum(
                _idf(cut, term)
                * tf[term]
                / (tf[term] + 1.2 * (0.25 + 0.75 * formula.kept(lengths[key]) / mean))
                for term in held
            )
    return sorted(scores.items(), key=lambda pair: (-round(pair[1], 9), pair[0]))


def _idf(cut: Mapping[int, Mapping[str, list[str]]], term: str) -> float:
    holding = sum(any(term in words for words in fields.values()) for fields in cut.values())
    return math.log(1 + (len(cut) - holding + 0.5) / (holding + 0.5))


def test_scores_are_bm25_with_the_weights_of_the_fields(index: LexicalIndex, kind: str) -> None:
    chance = random.Random(20261121)
    words = [f"word{number}" for number in range(30)] + ["猫が", "서울", "straße"]
    documents = {
        key: {name: " ".join(chance.choices(words, k=chance.randrange(12))) for name in FIELDS}
        for key in chance.sample(range(1000), 120)
    }
    index.upsert(OWNER, SPACE, [LexicalDocument(key, 1, fields) for key, fields in documents.items()])
    for _ in range(25):
        query = " ".join(chance.choices(words, k=chance.randrange(1, 7)))
        expected = dict(bm25(documents, query, FORMULAS[kind]))
        hits = index.search(OWNER, SPACE, query, 200)
        if kind == "sqlite":  # scores of single precision may take two documents for equal
            assert [hit.key for hit in hits] == list(expected)
        assert sorted(hit.key for hit in hits) == sorted(expected)
        assert hits == sorted(hits, key=lambda hit: (-hit.score, hit.key))
        assert FORMULAS[kind].gives([hit.score for hit in hits], [expected[hit.key] for hit in hits])
        assert index.search(OWNER, SPACE, query, 5) == hits[:5]


def test_in_a_library_of_one_scene_its_words_have_a_score(index: LexicalIndex, kind: str) -> None:
    index.upsert(OWNER, SPACE, said("a lighthouse at night"))
    (hit,) = index.search(OWNER, SPACE, "lighthouse", 10)
    counted = {"transcript": ["lighthouse"] * 4}
    norm = 1.2 * (
        0.25 + 0.75 * FORMULAS[kind].kept(FORMULAS[kind].length(counted)) / FORMULAS[kind].length(counted)
    )
    assert FORMULAS[kind].gives([hit.score], [math.log(1 + 0.5 / 1.5) * 3 / (3 + norm)])


def test_a_word_counts_more_in_tags_than_in_what_is_said(index: LexicalIndex) -> None:
    fields = ["combined", "summary", "description", "transcript", "tags"]
    index.upsert(
        OWNER, SPACE, [LexicalDocument(key, 1, {name: "boat"}) for key, name in enumerate(fields, 1)]
    )
    assert found(index, "boat") == [5, 4, 2, 3, 1]


def test_both_of_two_words_must_match_and_half_of_more(index: LexicalIndex) -> None:
    index.upsert(OWNER, SPACE, said("red boat", "red hill", "red boat sea", "sea", "red boat sea sky sun"))
    assert sorted(found(index, "red boat")) == [1, 3, 5]
    assert sorted(found(index, "red boat sea")) == [1, 2, 3, 4, 5]
    assert sorted(found(index, "red boat sea sky")) == [1, 3, 5]
    assert sorted(found(index, "red red RED")) == [1, 2, 3, 5]


def test_ties_come_by_key(index: LexicalIndex) -> None:
    index.upsert(OWNER, SPACE, [LexicalDocument(key, 1, {"tags": "boat"}) for key in (9, 3, 7, 1)])
    assert found(index, "boat") == [1, 3, 7, 9]
    assert found(index, "boat", 2) == [1, 3]
    with pytest.raises(StoreError):
        index.search(OWNER, SPACE, "boat", 0)


def test_only_some_videos(index: LexicalIndex) -> None:
    index.upsert(OWNER, SPACE, [LexicalDocument(key, key % 700, {"tags": "boat"}) for key in range(1400)])
    assert found(index, "boat", 10, videos=[3]) == [3, 703]
    assert found(index, "boat", 2000, videos=list(range(1, 700))) == [key for key in range(1400) if key % 700]
    assert found(index, "boat", 10, videos=[9999]) == []
    everywhere, there = (index.search(OWNER, SPACE, "boat", 2000, videos=videos) for videos in ([], [3]))
    assert there[0].score == everywhere[0].score  # the words of all its documents tell how much one says


LANGUAGES = {
    "서울": "서울에서 김치를 담그다",
    "김치": "서울에서 김치를 담그다",
    "東京タワー": "東京タワーの夜景",
    "夜": "東京タワーの夜景",
    "ﾀﾜｰ": "東京タワーの夜景",
    "电影": "我们去看电影吧",
    "แมว": "แมวดำนอนหลับ",
    "हिन्दी": "वह हिन्दी बोलती है",
    "שלום": "שָׁלוֹם עולם",
    "Donaudampfschifffahrt": "Die DONAUDAMPFSCHIFFFAHRT auf der Donau",
    "strasse münchen": "Die Straße nach MUNCHEN",
    "ÉCOLE": "une ecole à Paris",
    "Fahrrad-Werkstatt": "Werkstatt für jedes Fahrrad",
    "ｆｕｌｌ": "full width",
    "dogs": "a dog on the beach",
    "city": "two cities by the sea",
    "Ёлка": "новогодняя елка",
}


@pytest.mark.parametrize("query", LANGUAGES)
def test_words_of_every_language(index: LexicalIndex, query: str) -> None:
    texts = list(dict.fromkeys(LANGUAGES.values()))
    index.upsert(OWNER, SPACE, said(*texts))
    assert found(index, query) == [texts.index(LANGUAGES[query]) + 1]


def test_a_compound_is_one_word(index: LexicalIndex) -> None:
    index.upsert(OWNER, SPACE, said("die Fahrradwerkstatt"))
    assert found(index, "fahrradwerkstatt") == [1]
    assert found(index, "werkstatt") == []


@pytest.mark.parametrize("query", ["", " ", "🐈", "👨‍👩‍👧 🇩🇪", "…!?", "\0", "\u200d", "\ufe0f"])
def test_a_query_without_words_finds_nothing(index: LexicalIndex, query: str) -> None:
    index.upsert(OWNER, SPACE, said("a boat", "🐈 cat"))
    assert found(index, query) == []


@pytest.mark.parametrize(
    "query",
    [
        'boat"',
        '"boat',
        "boat*",
        "boat)",
        "-boat",
        "tags:boat",
        "boat^2",
        "{tags}: boat",
        "' OR 1=1 --boat",
        "boat;DROP TABLE words",
        "NEAR(boat hill, 2)",
        "boat\0hill",
        "boat AND NOT boat",
    ],
)
def test_signs_and_words_of_query_languages_are_plain_text(index: LexicalIndex, query: str) -> None:
    index.upsert(OWNER, SPACE, said("boat near or and not hill tags 2 1 drop table words"))
    assert found(index, query) == [1]
    index.upsert(OWNER, SPACE, said(query))
    assert found(index, query) == [1]


def test_a_text_of_a_megabyte_and_a_query_of_as_many_words(index: LexicalIndex) -> None:
    chance = random.Random(3)
    text = " ".join("".join(chance.choices("abcdefg", k=6)) for _ in range(150_000))
    assert len(text) > 1_000_000
    index.upsert(OWNER, SPACE, said("needle", text + " needle haystack"))
    assert found(index, "needle haystack") == [2]
    assert found(index, "needle") == [1, 2]
    assert found(index, text[:20_000]) == [2]


def test_owners_never_meet(index: LexicalIndex) -> None:
    index.upsert(OWNER, SPACE, said("boat", "boat hill", "hill"))
    before = index.search(OWNER, SPACE, "boat", 10)
    index.create("bob", SPACE)
    index.create(OWNER, "lexical-other")
    assert index.search("bob", SPACE, "boat", 10) == []
    for owner, space in (("bob", SPACE), (OWNER, "lexical-other")):
        index.upsert(
            owner, space, [LexicalDocument(key, 1, {"tags": "boat " * 50}) for key in range(100, 400)]
        )
    assert index.search(OWNER, SPACE, "boat", 10) == before  # what others hold does not even change a score
    assert list(index.keys(OWNER, SPACE)) == [1, 2, 3]
    assert index.delete("bob", SPACE, [1, 2, 3]) == 0
    index.drop("bob", SPACE)
    assert index.search(OWNER, SPACE, "boat", 10) == before
    assert index.count(OWNER, "lexical-other") == 300


# SQLite's own


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lexical"


@pytest.fixture
def sqlite(folder: Path) -> Iterator[SqliteLexicalIndex]:
    with closing(SqliteLexicalIndex(folder, busy_timeout=30)) as made:
        made.create(OWNER, SPACE)
        made.upsert(OWNER, SPACE, said("a red boat", "a green hill"))
        yield made


def hits(index: SqliteLexicalIndex) -> list[Hit]:
    return index.search(OWNER, SPACE, "boat", 10)


WRITER = """
import sys
from pathlib import Path
from reprise.core.ports import LexicalDocument
from reprise.stores.lexical import SqliteLexicalIndex
index = SqliteLexicalIndex(Path(sys.argv[1]), busy_timeout=30)
index.create("ada", "lexical-0123456789ab")
batch = int(sys.argv[2])
while True:
    keys = range(64 * batch, 64 * batch + 64)
    index.upsert("ada", "lexical-0123456789ab", [LexicalDocument(key, 1, {"tags": f"boat b{key}"}) for key in keys])
    print(batch, flush=True)
    batch += 1
"""


def test_kill_9_loses_no_acknowledged_document_and_leaves_no_part_of_a_batch(folder: Path) -> None:
    dice = random.Random(20261121)
    begin = 0
    for _ in range(4):
        command = [sys.executable, "-c", WRITER, str(folder), str(begin)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            last = int(writer.stdout.readline())
            time.sleep(dice.uniform(0, 0.2))
            writer.send_signal(signal.SIGKILL)
            last = max([last, *map(int, writer.stdout.read().split())])
        with closing(SqliteLexicalIndex(folder, busy_timeout=30)) as index:
            keys = list(index.keys(OWNER, SPACE))
            assert keys == list(range(len(keys)))
            assert len(keys) // 64 in (last + 1, last + 2)  # written, and killed before it could say so
            assert len(keys) % 64 == 0
            for key in (0, keys[-1]):
                assert [hit.key for hit in index.search(OWNER, SPACE, f"b{key}", 10)] == [key]
            assert len(index.search(OWNER, SPACE, "boat", 100_000)) == len(keys)
        begin = last + 1


def test_files_are_for_their_user_alone(sqlite: SqliteLexicalIndex, folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name.partition(".sqlite")[2] for path in files} >= {"", "-wal"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_other_processes_and_threads_see_what_is_written(sqlite: SqliteLexicalIndex, folder: Path) -> None:
    wrong: list[object] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            if [hit.key for hit in hits(sqlite)] != [1]:
                wrong.append(hits(sqlite))

    readers = [threading.Thread(target=look) for _ in range(6)]
    for reader in readers:
        reader.start()
    with closing(SqliteLexicalIndex(folder, busy_timeout=30)) as other:
        for turn in range(30):
            other.upsert(OWNER, SPACE, [LexicalDocument(100 + turn, 1, {"tags": f"turn{turn}"})])
            assert [hit.key for hit in sqlite.search(OWNER, SPACE, f"turn{turn}", 5)] == [100 + turn]
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong


def test_more_owners_than_files_are_kept_open(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_index, "MAX_OPEN", 2)
    owners = [f"owner{number}" for number in range(6)]
    with closing(SqliteLexicalIndex(folder, busy_timeout=30)) as index:
        for owner in owners:
            index.create(owner, SPACE)
            index.upsert(owner, SPACE, said(f"boat of {owner}"))
        threads = [threading.Thread(target=_use, args=(index, owner)) for owner in owners * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [index.count(owner, SPACE) for owner in owners] == [21] * 6


def _use(index: SqliteLexicalIndex, owner: str) -> None:
    for turn in range(20):
        index.upsert(owner, SPACE, [LexicalDocument(10 + turn, 1, {"tags": "x"})])
        index.search(owner, SPACE, "boat", 5)


def damage(path: Path) -> None:
    """Everything behind the header is overwritten."""
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(100)
        file.write(random.Random(5).randbytes(size - 100))


def test_a_damaged_file_costs_its_owner_alone_and_is_made_again(
    sqlite: SqliteLexicalIndex, folder: Path
) -> None:
    sqlite.create("bob", SPACE)
    sqlite.upsert("bob", SPACE, said("a boat"))
    sqlite.close()
    path = place(folder, OWNER, SPACE)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    damage(path)
    with closing(SqliteLexicalIndex(folder, busy_timeout=30)) as index:
        with pytest.raises(StoreError, match="damaged") as caught:
            hits(index)
        assert str(path) in caught.value.message
        assert "reprise reprocess --scope all" in caught.value.cure
        assert [hit.key for hit in index.search("bob", SPACE, "boat", 5)] == [1]
        index.drop(OWNER, SPACE)
        assert path.with_name(f"{path.name}.damaged").exists()
        index.create(OWNER, SPACE)
        index.upsert(OWNER, SPACE, said("a red boat"))
        assert [hit.key for hit in hits(index)] == [1]


def test_files_of_others_are_left_alone(folder: Path) -> None:
    path = place(folder, OWNER, SPACE)
    path.parent.mkdir(parents=True)
    path.write_text("my diary, " * 20)
    with closing(SqliteLexicalIndex(folder, busy_timeout=30)) as index:
        with pytest.raises(StoreError, match="no file of words"):
            index.create(OWNER, SPACE)
        path.unlink()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE diary (page)")
        with pytest.raises(StoreError, match="another program"):
            index.search(OWNER, SPACE, "boat", 1)


def test_the_file_of_another_owner_is_not_read(sqlite: SqliteLexicalIndex, folder: Path) -> None:
    """Somebody copied a file, or two names had one digest: what is in it says whose it is."""
    sqlite.close()
    place(folder, OWNER, SPACE).rename(place(folder, "bob", SPACE))
    with (
        closing(SqliteLexicalIndex(folder, busy_timeout=30)) as index,
        pytest.raises(StoreError, match="'bob' has no words"),
    ):
        index.search("bob", SPACE, "boat", 1)


def test_a_held_file_is_waited_for_and_then_told(sqlite: SqliteLexicalIndex, folder: Path) -> None:
    with (
        closing(SqliteLexicalIndex(folder, busy_timeout=0.05)) as hasty,
        closing(sqlite3.connect(place(folder, OWNER, SPACE), isolation_level=None)) as holder,
    ):
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is locked"):
            hasty.upsert(OWNER, SPACE, said("x"))
        assert [hit.key for hit in hits(hasty)] == [1]  # who reads waits for nobody
        holder.execute("ROLLBACK")
        hasty.upsert(OWNER, SPACE, said("x"))


def test_a_full_disk_is_told_and_nothing_of_the_batch_is_kept(
    sqlite: SqliteLexicalIndex, folder: Path
) -> None:
    with sqlite._file(place(folder, OWNER, SPACE)).writing() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 4}")  # of this connection, the one that writes
    long = " ".join(f"word{number}" for number in range(20_000))
    with pytest.raises(DiskFull):
        sqlite.upsert(OWNER, SPACE, [LexicalDocument(9, 1, {"tags": long})])
    assert list(sqlite.keys(OWNER, SPACE)) == [1, 2]
    assert [hit.key for hit in hits(sqlite)] == [1]
