"""Pages over a real database: every order, no gap, no double, and the truth after every kind of change."""

from __future__ import annotations

import itertools
import random
import threading
from typing import TYPE_CHECKING, Any

import pytest

from reprise.catalog.catalogue import SqlCatalogue
from reprise.core.items import InputState, Tags
from reprise.core.listing import (
    Facet,
    Filters,
    ModelView,
    Order,
    SortBy,
    Sorting,
    length_warning,
    read_cursor,
    whole_list_rows,
    write_cursor,
)
from reprise.core.ports import FoundFile
from reprise.core.records import KnownFile, ScanBatch
from reprise.core.words import sort_key
from reprise.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.catalog.database import Database
    from reprise.core.items import Item
    from reprise.core.listing import Place

ME, OTHER = "me", "other"


@pytest.fixture
def catalogue(database: Database) -> SqlCatalogue:
    made = SqlCatalogue(database)
    made.libraries.add(ME, "folder", "one", b"/one", ())
    made.libraries.add(ME, "folder", "two", b"/two", ())
    made.libraries.add(OTHER, "folder", "three", b"/three", ())
    return made


def put(
    catalogue: SqlCatalogue, *tags: Tags, library: int = 1, owner: str = ME, prefix: str = ""
) -> list[int]:
    """Items as a scan adds them; returns all ids of the library."""
    batch = ScanBatch()
    for tag in tags:
        name = f"{prefix}{random.getrandbits(60):x}.mp3".encode()
        batch.added.append((FoundFile(name, 100, 1), tag))
    catalogue.items.apply(owner, library, batch, 5.0)
    return catalogue.libraries.item_ids(owner, library)


def listed(catalogue: SqlCatalogue) -> None:
    while catalogue.listing.take_over(7):
        pass


def random_tags(count: int, seed: int = 1) -> list[Tags]:
    rng = random.Random(seed)
    names = [None, "Ärzte", "arzte", "Björk", "zz", "AC/DC", "Aha", "東京", "øst", ""]
    return [
        Tags(
            title=rng.choice([*names, f"t{n}"]),
            artist=rng.choice(names),
            album=rng.choice(names),
            genre=rng.choice(["Rock", "rock", "Jazz", None]),
            year=rng.choice([None, 1990, 2001]),
            bpm=rng.choice([None, 90.5, 120.0]),
            key=rng.choice([None, "Am", "C"]),
            duration=rng.choice([None, 10.0, 20.5]),
        )
        for n in range(count)
    ]


def by_hand(catalogue: SqlCatalogue, sorting: Sorting) -> list[int]:
    """The order by plain Python: those without the field last, ties by id in the same direction."""
    ids = [n for library in (1, 2) for n in catalogue.libraries.item_ids(ME, library)]
    found = catalogue.items.get(ME, ids)

    def value(item_id: int) -> object:
        item = found[item_id]
        if sorting.by is SortBy.ID:
            return item_id
        if sorting.by is SortBy.PATH:
            return item.path
        if sorting.by is SortBy.UPDATED_AT:
            return item.updated_at
        tag = getattr(item.tags, sorting.by)
        return sort_key(tag) if isinstance(tag, str) else tag

    down = sorting.order is Order.DESCENDING
    having = [n for n in ids if value(n) is not None]
    lacking = [n for n in ids if value(n) is None]
    having.sort(key=lambda n: (value(n), n), reverse=down)
    return having + sorted(lacking, reverse=down)


ORDERS = [Sorting(by, order) for by, order in itertools.product(SortBy, Order)]


@pytest.mark.parametrize("sorting", ORDERS, ids=str)
def test_every_order_by_offset_and_by_cursor_is_that_of_plain_python(
    catalogue: SqlCatalogue, sorting: Sorting
) -> None:
    put(catalogue, *random_tags(60))
    put(catalogue, *random_tags(23, seed=2), library=2)
    put(catalogue, *random_tags(9), library=3, owner=OTHER)
    listed(catalogue)
    expected = by_hand(catalogue, sorting)
    offsets: list[int] = []
    for start in range(0, 90, 9):
        offsets += catalogue.listing.page(ME, Filters(), sorting, limit=9, offset=start).ids
    assert offsets == expected
    for filters in (Filters(), Filters(genre="ROCK")):  # walked in order, and given by the filter
        cursors: list[int] = []
        after: Place | None = None
        while True:
            page = catalogue.listing.page(ME, filters, sorting, limit=4, after=after)
            cursors += page.ids
            if page.after is None:
                break
            after = read_cursor(sorting, write_cursor(sorting, page.after))
            assert after.shown == len(cursors)
        assert cursors == (expected if filters == Filters() else rock(catalogue, expected))


def rock(catalogue: SqlCatalogue, ids: list[int]) -> list[int]:
    found = catalogue.items.get(ME, ids)
    return [n for n in ids if (found[n].tags.genre or "").lower() == "rock"]


@pytest.mark.parametrize("by", [SortBy.ARTIST, SortBy.YEAR, SortBy.ID, SortBy.PATH])
def test_cursor_pages_neither_skip_nor_repeat_while_rows_come_and_go(
    catalogue: SqlCatalogue, by: SortBy
) -> None:
    stay = put(catalogue, *random_tags(120))
    listed(catalogue)
    rng, seen, after, added = random.Random(4), list[int](), None, set[int]()
    while True:
        page = catalogue.listing.page(ME, Filters(), Sorting(by), limit=7, after=after)
        seen += page.ids
        if (after := page.after) is None:
            break
        added |= set(put(catalogue, *random_tags(2, seed=len(seen)))) - set(stay)
        gone = rng.sample(sorted(added), 1)
        catalogue.items.remove(ME, gone)
        added -= set(gone)
        listed(catalogue)
    assert len(seen) == len(set(seen))
    assert set(stay) <= set(seen)


def words(catalogue: SqlCatalogue, text: str, owner: str = ME) -> set[str]:
    ids = catalogue.listing.page(owner, Filters(words=text), Sorting(), limit=100).ids
    return {item.tags.title or "" for item in catalogue.items.get(owner, ids).values()}


def test_words_are_found_in_any_script_case_and_accent(catalogue: SqlCatalogue) -> None:
    titles = [
        "Jóga",
        "東京事変",
        "Straße 7",
        "AC/DC Live",
        'Don\'t "Stop"',
        "한국어노래",
        "สวัสดี",
        "Bjørn",
        "ガラス",
    ]
    put(catalogue, *(Tags(title=title, artist="Some One") for title in titles), prefix="Väterchen/")
    put(catalogue, Tags(title="Jóga"), library=3, owner=OTHER)
    listed(catalogue)
    for query, title in {
        "joga": "Jóga", "JÓG": "Jóga", "事変": "東京事変", "東京": "東京事変", "strasse": "Straße 7", "ac/dc": "AC/DC Live",
        "dc liv": "AC/DC Live", 'don\'t "stop"': "Don't \"Stop\"", "국어": "한국어노래", "สวั": "สวัสดี", "bjorn": "Bjørn",
        "ラス": "ガラス", "some stra 7": "Straße 7",
    }.items():  # fmt: skip
        assert words(catalogue, query) == {title}, query
    assert words(catalogue, "vaterch") == set(titles)
    assert words(catalogue, "joga", OTHER) == {"Jóga"}
    assert words(catalogue, "oga") == set()  # words are met from their beginning
    assert words(catalogue, "カラス") == set()  # another letter, not an accent


@pytest.mark.parametrize(
    "text",
    ['"', '""', "a OR", "NOT", "AND AND", "NEAR(a b, 5)", "title:x", "a*", "*", "^a", "{a b}:c", "-a", "a\0b", "'; --", "(", "🎵",
     "\u0301", "a" * 500, "x " * 250, "𞤀𞤁", "!!!", "\ufffd", "rowid", "%", "_"],
)  # fmt: skip
def test_what_people_type_is_never_syntax(catalogue: SqlCatalogue, text: str) -> None:
    put(catalogue, Tags(title="a plain title", artist="b"))
    listed(catalogue)
    assert words(catalogue, text) <= {"a plain title"}
    catalogue.listing.facets(ME, Filters(words=text), Facet.ARTIST, 10)


def state_of_listing(database: Database) -> tuple[object, ...]:
    """All that the listing says of the items, in a form that does not depend on how it came about."""
    rows = database.query("SELECT * FROM listing ORDER BY item_id")
    found = database.query("SELECT rowid, words FROM listing_words ORDER BY rowid")
    counts = database.query("SELECT * FROM listing_counts WHERE items + missing > 0 ORDER BY 1, 2")
    return rows, found, [(*row[:4], round(row[4], 6), row[5]) for row in counts]


def made_anew(database: Database, catalogue: SqlCatalogue) -> tuple[object, ...]:
    with database.transaction() as transaction:
        for table in ("listing", "listing_words", "listing_counts", "listing_notes"):
            transaction.execute(f"DELETE FROM {table}")
        if database.dialect.notes_new_items:
            transaction.execute(
                "INSERT INTO listing_notes (item_id) SELECT id FROM items WHERE kind = 'track'"
            )
        else:
            transaction.execute("UPDATE listing_state SET listed_to = 0")
    listed(catalogue)
    return state_of_listing(database)


def test_the_listing_survives_scans_moves_swaps_and_removals(
    database: Database, catalogue: SqlCatalogue
) -> None:
    """After random changes, listed bit by bit, it is what listing everything anew gives."""
    rng = random.Random(7)
    for turn in range(40):
        ids = put(catalogue, *random_tags(3, seed=turn), library=rng.choice([1, 2]))
        ids = [n for library in (1, 2) for n in catalogue.libraries.item_ids(ME, library)]
        known = {row.item_id: row for row in map(_known, catalogue.items.get(ME, ids).values())}
        chosen = rng.sample(ids, min(4, len(ids)))
        kind = turn % 5
        if kind == 0:
            catalogue.items.remove(ME, chosen[:1])
        elif kind == 1:
            state = InputState(rng.randrange(1000), turn)
            revised = [(n, state, random_tags(1, seed=n + turn)[0]) for n in chosen]
            catalogue.items.apply(
                ME, catalogue.items.get(ME, chosen)[chosen[0]].library_id, ScanBatch(revised=revised), 9.0
            )
        elif kind == 2:
            for n in chosen[:2]:
                library = catalogue.items.get(ME, [n])[n].library_id
                catalogue.items.apply(ME, library, ScanBatch(missing=[n]), 10.0)
        elif kind == 3:
            one = [n for n in chosen if catalogue.items.get(ME, [n])[n].library_id == 1][:2]
            if len(one) == 2:
                a, b = one
                catalogue.items.move(ME, [(a, b), (b, a)], [known[a], known[b]], 11.0)
        if turn == 30:
            catalogue.libraries.remove(ME, 2)
            catalogue.libraries.add(ME, "folder", "two", b"/two", ())
            with database.transaction() as transaction:
                transaction.execute("UPDATE libraries SET id = 2 WHERE name = 'two'")
        if turn % 3:
            catalogue.listing.take_over(2)
    listed(catalogue)
    assert state_of_listing(database) == made_anew(database, catalogue)
    assert catalogue.listing.library_counts(ME)[1] == catalogue.libraries.counts(ME, 1)


def _known(item: Item) -> KnownFile:
    state = item.state
    return KnownFile(item.id, item.path, state.size, state.mtime_ns, state.digest, item.tags.duration, None)


def test_a_digest_that_a_job_learns_changes_nothing(database: Database, catalogue: SqlCatalogue) -> None:
    ids = put(catalogue, *random_tags(5))
    listed(catalogue)
    before = database.query("SELECT changes FROM listing_state")
    catalogue.items.learn_digests(ME, [(n, b"x" * 32) for n in ids])
    assert catalogue.listing.take_over(100) == 0
    assert database.query("SELECT changes FROM listing_state") == before


def test_counts_and_facets_follow_every_change(catalogue: SqlCatalogue) -> None:
    put(catalogue, *(Tags(genre=genre, artist="A") for genre in ["Rock", "rock", "Jazz", None]))
    put(catalogue, Tags(genre="Rock"), library=2)
    put(catalogue, Tags(genre="Rock"), library=3, owner=OTHER)
    listed(catalogue)
    listing = catalogue.listing
    assert listing.count(ME, Filters()) == 5
    assert listing.count(ME, Filters(library_id=2)) == 1
    assert listing.count(ME, Filters(genre="ROCK")) == 3
    assert listing.count(ME, Filters(words="zzz")) == 0
    found = listing.facets(ME, Filters(library_id=1), Facet.GENRE, 10)
    assert [(one.value, one.count) for one in found] == [("Rock", 2), ("Jazz", 1)]
    put(catalogue, Tags(genre="Jazz", title="zzz"))
    listed(catalogue)
    assert listing.count(ME, Filters()) == 6
    assert listing.count(ME, Filters(words="zzz")) == 1
    assert [one.count for one in listing.facets(ME, Filters(library_id=1), Facet.GENRE, 10)] == [2, 2]
    assert [one.count for one in listing.facets(ME, Filters(), Facet.YEAR, 10)] == []


def test_each_models_state_on_rows_and_as_a_filter(database: Database, catalogue: SqlCatalogue) -> None:
    done, changed, failed, dismissed, pending, leased, older, unknown = put(catalogue, *random_tags(8))
    catalogue.items.learn_digests(ME, [(done, b"d" * 32), (changed, b"new" * 10)])
    listed(catalogue)
    with database.transaction() as transaction:
        for space, state in ((1, "active"), (2, "filling")):
            transaction.execute(
                "INSERT INTO spaces (id, owner, name, model, fingerprint, inputs, dimension, state, note, created_at)"
                " VALUES (?, 'me', ?, 'm', 'f', '{}', 3, ?, '', 0)",
                (space, f"s{space}", state),
            )
        transaction.execute("INSERT INTO pointers VALUES ('me', 'm', 1, NULL, 0)")
        rows = [(2, done, "done", b"d" * 32, 1), (2, changed, "done", b"old" * 10, 1), (2, failed, "failed", None, 0),
                (2, dismissed, "dismissed", None, 0), (2, pending, "pending", None, 0), (2, leased, "leased", None, 0),
                (1, older, "done", None, 1), (1, done, "done", b"d" * 32, 1), (1, unknown, "pending", None, 0)]  # fmt: skip
        transaction.execute_many(
            "INSERT INTO ledger (space_id, item_id, owner, state, reason, digest, has_vector, attempts, updated_at)"
            " VALUES (?, ?, 'me', ?, 'new', ?, ?, 1, 0)",
            rows,
        )
    expected = {
        ModelView.DONE: {done}, ModelView.STALE: {changed, older}, ModelView.FAILED: {failed, dismissed},
        ModelView.PENDING: {pending, leased}, ModelView.NONE: {unknown},
    }  # fmt: skip
    views = catalogue.listing.model_views(ME, catalogue.libraries.item_ids(ME, 1))
    for state, ids in expected.items():
        filters = Filters(model="m", state=state)
        shown = {n for n, by_model in views.items() if by_model == {"m": state}}
        assert shown == (set() if state is ModelView.NONE else ids)
        assert set(catalogue.listing.page(ME, filters, Sorting(SortBy.ARTIST), limit=9).ids) == ids, state
        for walked in (True, False):
            rows = catalogue.listing.query(ME, filters, "l.item_id", "", (), walked=walked)
            assert {row[0] for row in rows} == ids, (state, walked)
    assert unknown not in views
    assert catalogue.listing.count(ME, Filters(model="m")) == 7
    assert catalogue.listing.count(ME, Filters(model="x")) == 0
    assert catalogue.listing.count(ME, Filters(model="x", state=ModelView.NONE)) == 8


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_pages_are_read_off_an_index(
    database: Database, catalogue: SqlCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the order: no sorting, no reading of the whole table."""
    put(catalogue, *random_tags(50))
    listed(catalogue)
    asked: list[tuple[str, Sequence[Any]]] = []
    query = database.query

    def noted(sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        asked.append((sql, parameters))
        return query(sql, parameters)

    monkeypatch.setattr(database, "query", noted)
    for sorting in ORDERS:
        catalogue.listing.page(ME, Filters(library_id=1), sorting, limit=5)
    plans = [
        " ".join(row[3] for row in query(f"EXPLAIN QUERY PLAN {sql}", values))
        for sql, values in asked
        if "ORDER BY" in sql
    ]
    assert len(plans) >= len(ORDERS)
    for plan in plans:
        assert "USING COVERING INDEX listing_by_" in plan
        assert "TEMP B-TREE" not in plan


def test_readers_wait_for_no_writer_and_a_writer_sees_its_own(database: Database) -> None:
    seen: list[list[tuple[object, ...]]] = []

    def read() -> None:
        seen.append(database.query("SELECT COUNT(*) FROM libraries"))

    with database.transaction() as transaction:
        transaction.execute(
            "INSERT INTO libraries (owner, kind, name, root, exclude, created_at) VALUES ('o', 'folder', 'n', ?, '[]', 0)",
            (b"/",),
        )
        assert database.query("SELECT COUNT(*) FROM libraries") == [(1,)]
        threads = [threading.Thread(target=read) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()  # with one lock for all they would wait here for ever
        assert seen == [[(0,)]] * 30
    assert database.query("SELECT COUNT(*) FROM libraries") == [(1,)]


@pytest.mark.parametrize(
    ("total", "level", "suggestions", "rows"),
    [(0, None, 0, 0), (10_000, None, 0, 10_000), (10_001, "warning", 2, 10_001), (25_000, "warning", 2, 25_000),
     (25_001, "critical", 3, 1_000)],
)  # fmt: skip
def test_the_warning_comes_exactly_behind_its_limits(
    total: int, level: str | None, suggestions: int, rows: int
) -> None:
    assert whole_list_rows(total) == rows
    for paged in (False, True):
        found = length_warning(total, paged=paged)
        assert (found.level if found else None) == level
        if found:
            assert len(found.suggestions) == suggestions
            assert found.total_count == total
            assert found.truncated == (level == "critical" and not paged)


@pytest.mark.parametrize(
    "cursor",
    ["x", "====", "e30=", "W10=", "bnVsbA==", "WyJhcnRpc3QiLCJhc2MiLDEsMSwxXQ==", "é", "\0",
     "WyJpZCIsImFzYyIsMSwxLDFd", "WyJhcnRpc3QiLCJhc2MiLCJhIiwtMSwxXQ==", "WyJhcnRpc3QiLCJhc2MiLCJcdWQ4MDAiLDEsMV0=",
     "W1tbW1tbW1tbW1tb" * 300],
)  # fmt: skip
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    with pytest.raises(UsageError):
        read_cursor(Sorting(SortBy.ARTIST), cursor)
