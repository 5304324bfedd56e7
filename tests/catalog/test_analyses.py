"""What was heard of items: kept apart by owner, of the content that is there, gone with its item, moved with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reprise.catalog.catalogue import SqlCatalogue
from reprise.catalog.dialects import PostgresDialect, SqliteDialect
from reprise.core.analysis import Analysis, Cue, CueKind, HeardKey, HeardTempo, Loudness
from reprise.core.items import InputState, Tags
from reprise.core.job import JobRequest, JobState
from reprise.core.musical_key import MusicalKey
from reprise.core.plan import Selection, Wanted
from reprise.core.ports import FoundFile
from reprise.core.records import Completed, Failed, KnownFile, ScanBatch
from reprise.core.spec import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.catalog.database import Database
    from reprise.core.space import Space

ME, OTHER = "me", "other"
SPEC = ModelSpec("analysis", 8, "none", 8000, "mean", "none", 1, 1, "none", "none", 0, 1)


@pytest.fixture
def catalogue(database: Database) -> SqlCatalogue:
    made = SqlCatalogue(database)
    made.libraries.add(ME, "folder", "one", b"/one", ())
    made.libraries.add(OTHER, "folder", "two", b"/two", ())
    return made


class Work:
    """A job on one owner's library, as far as the catalogue sees it."""

    def __init__(self, catalogue: SqlCatalogue, owner: str = ME, library: int = 1) -> None:
        self.catalogue, self.owner, self.library = catalogue, owner, library
        self.job = ""
        self.space = self.spaced(SPEC)

    def spaced(self, spec: ModelSpec) -> Space:
        return self.catalogue.spaces.ensure(self.owner, spec)

    def scan(self, *paths: bytes) -> dict[bytes, int]:
        batch = ScanBatch(added=[(FoundFile(path, 100, 1), Tags(title="t")) for path in paths])
        self.catalogue.items.apply(self.owner, self.library, batch, 1.0)
        return self.ids()

    def ids(self) -> dict[bytes, int]:
        return {row[1]: row[0] for row in self.catalogue.items.files(self.owner, self.library)}

    def begin(self) -> None:
        selection = Selection(self.owner, self.library, wanted=Wanted.ALL)
        self.job = self.catalogue.jobs.create(JobRequest(selection, (self.space.model,)), "1", 1.0).id
        self.catalogue.ledger.plan(
            selection, self.job, [self.space], 1.0, resumed=False, alive=lambda _job: False
        )
        self.catalogue.ledger.lease(self.owner, self.job, self.space.id, 1000, 9e9, 3)

    def end(self, done: Sequence[Completed], failed: Sequence[Failed] = ()) -> None:
        self.catalogue.ledger.commit(self.owner, self.job, self.space.id, done, failed, 2.0)
        self.catalogue.jobs.set_state(self.owner, self.job, JobState.COMPLETED, 2.0)

    def hear(self, *paths: bytes) -> dict[bytes, Analysis]:
        """Scan, lease and commit; returns what was heard."""
        ids = self.scan(*paths)
        self.begin()
        heard = {path: an_analysis(number) for number, path in enumerate(paths, 1)}
        self.end([completed(ids[path], path, analysis) for path, analysis in heard.items()])
        return heard


def an_analysis(number: int, *, whole: bool = True) -> Analysis:
    return Analysis(
        seconds=100.0 + number,
        whole=whole,
        tempo=HeardTempo(100.0 + number, 0.5, ((50.0, 0.25),), 0.1),
        key=HeardKey(MusicalKey(number % 12, minor=True), 0.5, MusicalKey(0, minor=False)),
        loudness=Loudness(-10.0 - number, 5.0, -1.0),
        lead_silence=0.5,
        tail_silence=None,
        tuning=3.0,
        cues=(Cue(CueKind.DROP, 30.0, 0.9),),
        fingerprint=number.to_bytes(4, "big") * 10,
    )


def completed(item_id: int, content: bytes, analysis: Analysis | None) -> Completed:
    return Completed(item_id, InputState(100, 1, digest_of(content)), learned=True, analysis=analysis)


def digest_of(content: bytes) -> bytes:
    return content[:32].ljust(32, b".")


def rows(database: Database) -> list[int]:
    return [row[0] for row in database.query("SELECT item_id FROM analyses ORDER BY item_id")]


def test_all_that_was_heard_comes_back(catalogue: SqlCatalogue, database: Database) -> None:
    work = Work(catalogue)
    heard = work.hear(b"a.mp3", b"b.mp3")
    ids = work.ids()
    for path, analysis in heard.items():
        assert catalogue.analyses.get(ME, ids[path]) == analysis
    bare = {path: replace(analysis, fingerprint=b"") for path, analysis in heard.items()}
    assert catalogue.analyses.many(ME, [*ids.values(), 99]) == {ids[path]: a for path, a in bare.items()}
    assert list(catalogue.analyses.fingerprints(ME)) == [
        (ids[path], analysis.seconds, analysis.fingerprint) for path, analysis in heard.items()
    ]
    assert catalogue.analyses.count(ME) == 2
    row = database.query(
        "SELECT owner, spec, whole, bpm, camelot, loudness, at FROM analyses ORDER BY item_id"
    )
    assert row[0] == (ME, work.space.fingerprint, 1, 101.0, MusicalKey(1, minor=True).camelot, -11.0, 2.0)


def test_what_cannot_be_told_stays_untold(catalogue: SqlCatalogue) -> None:
    work = Work(catalogue)
    ids = work.scan(b"a.mp3")
    work.begin()
    nothing = Analysis(0.6, True, None, None, None, None, None, 0.0)
    work.end([completed(ids[b"a.mp3"], b"a", nothing)])
    assert catalogue.analyses.get(ME, ids[b"a.mp3"]) == nothing


def test_more_than_one_statement_may_ask_for_are_found(catalogue: SqlCatalogue) -> None:
    work = Work(catalogue)
    heard = work.hear(*(b"%04d.mp3" % number for number in range(600)))
    more = Work(catalogue)
    assert catalogue.analyses.many(ME, range(2000)).keys() == set(more.ids().values())
    assert len(heard) == 600


def test_files_come_in_the_order_of_their_paths_and_only_of_the_folder(catalogue: SqlCatalogue) -> None:
    work = Work(catalogue)
    heard = work.hear(b"z.mp3", b"a/2.mp3", b"a/1.mp3", b"a.mp3", b"b/\xff.mp3")
    found = list(catalogue.analyses.of_files(ME, 1))
    assert [row[0] for row in found] == sorted(heard)
    assert all(row[1:] == (100, 1, replace(heard[row[0]], fingerprint=b"")) for row in found)
    assert [row[0] for row in catalogue.analyses.of_files(ME, 1, b"a")] == [b"a/1.mp3", b"a/2.mp3"]


def test_owners_see_their_own_only(catalogue: SqlCatalogue) -> None:
    mine, theirs = Work(catalogue), Work(catalogue, OTHER, 2)
    heard = mine.hear(b"a.mp3")
    theirs.hear(b"a.mp3", b"b.mp3")
    (my_id,) = mine.ids().values()
    analyses = catalogue.analyses
    assert analyses.get(OTHER, my_id) is None
    assert analyses.get(ME, my_id) == heard[b"a.mp3"]
    assert analyses.many(OTHER, [my_id]) == {}
    assert list(analyses.of_files(OTHER, 1)) == []
    assert list(analyses.fingerprints(OTHER, 1)) == []
    assert (analyses.count(ME), analyses.count(OTHER), analyses.count("nobody")) == (1, 2, 0)
    assert len(list(analyses.fingerprints(OTHER, 2))) == 2


def test_another_owners_commit_writes_nothing(catalogue: SqlCatalogue, database: Database) -> None:
    mine, theirs = Work(catalogue), Work(catalogue, OTHER, 2)
    (my_id,) = mine.scan(b"a.mp3").values()
    theirs.scan(b"b.mp3")
    theirs.begin()
    theirs.end([completed(my_id, b"a", an_analysis(1))])
    assert rows(database) == []


def test_a_job_without_an_analysis_changes_none(catalogue: SqlCatalogue) -> None:
    work = Work(catalogue)
    heard = work.hear(b"a.mp3")
    other = Work(catalogue)
    other.space = other.spaced(replace(SPEC, model="acoustic"))
    other.begin()
    (item_id,) = work.ids().values()
    other.end([completed(item_id, b"a.mp3", None)])
    assert catalogue.analyses.get(ME, item_id) == heard[b"a.mp3"]


def test_what_failed_was_not_heard(catalogue: SqlCatalogue, database: Database) -> None:
    work = Work(catalogue)
    (item_id,) = work.scan(b"a.mp3").values()
    work.begin()
    work.end([], [Failed(item_id, "timed_out", "too long", again=False)])
    assert rows(database) == []


def test_an_item_that_was_forgotten_meanwhile_gets_no_row(
    catalogue: SqlCatalogue, database: Database
) -> None:
    work = Work(catalogue)
    (item_id,) = work.scan(b"a.mp3").values()
    work.begin()
    catalogue.items.remove(ME, [item_id])
    work.end([completed(item_id, b"a", an_analysis(1))])
    assert rows(database) == []


def test_content_that_changed_since_is_not_shown_until_it_is_heard(catalogue: SqlCatalogue) -> None:
    work = Work(catalogue)
    work.hear(b"a.mp3", b"b.mp3")
    ids = work.ids()
    changed = ScanBatch(revised=[(ids[b"a.mp3"], InputState(7, 7, digest_of(b"new")), Tags())])
    catalogue.items.apply(ME, 1, changed, 3.0)
    analyses = catalogue.analyses
    assert analyses.get(ME, ids[b"a.mp3"]) is None
    assert analyses.many(ME, ids.values()).keys() == {ids[b"b.mp3"]}
    assert [row[0] for row in analyses.of_files(ME, 1)] == [b"b.mp3"]
    assert [row[0] for row in analyses.fingerprints(ME)] == [ids[b"b.mp3"]]
    assert analyses.count(ME) == 1
    again = Work(catalogue)
    again.begin()
    again.end([completed(ids[b"a.mp3"], b"new", an_analysis(9))])
    assert analyses.get(ME, ids[b"a.mp3"]) == an_analysis(9)


def test_new_tags_leave_it_alone(catalogue: SqlCatalogue) -> None:
    work = Work(catalogue)
    heard = work.hear(b"a.mp3")
    (item_id,) = work.ids().values()
    retagged = ScanBatch(revised=[(item_id, InputState(120, 9, digest_of(b"a.mp3")), Tags(title="other"))])
    catalogue.items.apply(ME, 1, retagged, 3.0)
    assert catalogue.analyses.get(ME, item_id) == heard[b"a.mp3"]


def test_missing_files_are_not_listed_but_known(catalogue: SqlCatalogue) -> None:
    work = Work(catalogue)
    heard = work.hear(b"a.mp3", b"b.mp3")
    ids = work.ids()
    catalogue.items.apply(ME, 1, ScanBatch(missing=[ids[b"a.mp3"]]), 3.0)
    assert [row[0] for row in catalogue.analyses.of_files(ME, 1)] == [b"b.mp3"]
    assert catalogue.analyses.count(ME) == 1
    assert catalogue.analyses.get(ME, ids[b"a.mp3"]) == heard[b"a.mp3"]


def test_it_goes_with_its_item(catalogue: SqlCatalogue, database: Database) -> None:
    work = Work(catalogue)
    work.hear(b"a.mp3", b"b.mp3")
    ids = work.ids()
    catalogue.items.remove(OTHER, [ids[b"b.mp3"]])
    assert len(rows(database)) == 2
    catalogue.items.remove(ME, [ids[b"a.mp3"]])
    assert rows(database) == [ids[b"b.mp3"]]


def test_it_goes_with_its_library(catalogue: SqlCatalogue, database: Database) -> None:
    mine, theirs = Work(catalogue), Work(catalogue, OTHER, 2)
    mine.hear(b"a.mp3", b"b.mp3")
    theirs.hear(b"a.mp3")
    catalogue.libraries.remove(ME, 1)
    assert rows(database) == list(theirs.ids().values())


def test_it_moves_with_its_item(catalogue: SqlCatalogue, database: Database) -> None:
    """A renamed file is a new row whose place the item takes over."""
    work = Work(catalogue)
    heard = work.hear(b"old.mp3")
    (item_id,) = work.ids().values()
    catalogue.items.apply(ME, 1, ScanBatch(missing=[item_id]), 3.0)
    fresh = work.scan(b"new.mp3")[b"new.mp3"]
    catalogue.items.learn_digests(ME, [(fresh, digest_of(b"old.mp3"))])
    catalogue.items.move(ME, [(item_id, fresh)], [], 4.0)
    assert [row[0] for row in catalogue.analyses.of_files(ME, 1)] == [b"new.mp3"]
    assert catalogue.analyses.get(ME, item_id) == heard[b"old.mp3"]
    assert rows(database) == [item_id]


def test_a_row_that_gives_its_place_up_takes_its_analysis_along(
    catalogue: SqlCatalogue, database: Database
) -> None:
    """Somebody heard the file under its new name before the move was recognised."""
    work = Work(catalogue)
    work.hear(b"old.mp3")
    (item_id,) = work.ids().values()
    catalogue.items.apply(ME, 1, ScanBatch(missing=[item_id]), 3.0)
    again = Work(catalogue)
    fresh = again.scan(b"new.mp3")[b"new.mp3"]
    again.begin()
    again.end([completed(fresh, b"old.mp3", an_analysis(5))])
    catalogue.items.move(ME, [(item_id, fresh)], [], 4.0)
    assert rows(database) == [item_id]


def test_items_that_swap_their_names_keep_what_was_heard(catalogue: SqlCatalogue) -> None:
    work = Work(catalogue)
    heard = work.hear(b"a.mp3", b"b.mp3")
    a, b = (work.ids()[path] for path in (b"a.mp3", b"b.mp3"))
    before = [KnownFile._make(row) for row in catalogue.items.files(ME, 1)]
    swapped = [
        (a, InputState(100, 2, digest_of(b"b.mp3")), Tags()),
        (b, InputState(100, 2, digest_of(b"a.mp3")), Tags()),
    ]
    catalogue.items.apply(ME, 1, ScanBatch(revised=swapped), 3.0)
    catalogue.items.move(ME, [(a, b), (b, a)], before, 4.0)
    assert {path: catalogue.analyses.get(ME, item) for path, item in work.ids().items()} == {
        b"a.mp3": heard[b"b.mp3"],
        b"b.mp3": heard[b"a.mp3"],
    }


def test_a_part_never_takes_the_place_of_the_whole(catalogue: SqlCatalogue) -> None:
    work = Work(catalogue)
    (item_id,) = work.scan(b"a.mp3").values()

    def hear(content: bytes, analysis: Analysis, pooling: str = "none") -> Analysis | None:
        again = Work(catalogue)
        again.space = again.spaced(replace(SPEC, pooling=pooling))
        again.begin()
        again.end([completed(item_id, content, analysis)])
        return catalogue.analyses.get(ME, item_id)

    part, whole = an_analysis(1, whole=False), an_analysis(2)
    assert hear(b"one", part, pooling="part") == part
    assert hear(b"one", whole) == whole
    assert hear(b"one", part, pooling="part") == whole
    assert (
        hear(b"two", part, pooling="part") == part
    )  # other content: what was heard of the old one says nothing
    assert hear(b"two", an_analysis(3)) == an_analysis(3)


def test_worthless_work_is_taken_back_with_what_it_heard(catalogue: SqlCatalogue, database: Database) -> None:
    work = Work(catalogue)
    work.hear(b"a.mp3", b"b.mp3")
    ids = work.ids()
    catalogue.ledger.retract(ME, work.job, work.space.id, [ids[b"a.mp3"]], 3.0)
    assert rows(database) == [ids[b"b.mp3"]]
    other = work.spaced(replace(SPEC, model="acoustic"))
    catalogue.ledger.retract(ME, work.job, other.id, [ids[b"b.mp3"]], 3.0)
    assert rows(database) == [ids[b"b.mp3"]]


def test_a_space_that_goes_leaves_it_there(catalogue: SqlCatalogue) -> None:
    """The vectors are gone; what was heard of the music is as true as before."""
    work = Work(catalogue)
    heard = work.hear(b"a.mp3")
    catalogue.ledger.forget_space(ME, work.space.id)
    (item_id,) = work.ids().values()
    assert catalogue.analyses.get(ME, item_id) == heard[b"a.mp3"]


REFUSING = {
    SqliteDialect: ["CREATE TRIGGER no BEFORE INSERT ON analyses BEGIN SELECT RAISE(FAIL, 'no'); END"],
    PostgresDialect: [
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$",
        "CREATE TRIGGER no BEFORE INSERT ON analyses FOR EACH ROW EXECUTE FUNCTION no()",
    ],
}

NO_MORE = {SqliteDialect: ["DROP TRIGGER no"], PostgresDialect: ["DROP FUNCTION no() CASCADE"]}


def run(database: Database, *statements: str) -> None:
    with database.transaction() as transaction:
        for statement in statements:
            transaction.execute(statement)


def test_a_commit_happens_wholly_or_not_at_all(catalogue: SqlCatalogue, database: Database) -> None:
    """An analysis that cannot be written keeps its row from being called done."""
    work = Work(catalogue)
    (item_id,) = work.scan(b"a.mp3").values()
    work.begin()
    run(database, *REFUSING[type(database.dialect)])
    with pytest.raises(Exception, match="no"):
        work.end([completed(item_id, b"a", an_analysis(1))])
    run(database, *NO_MORE[type(database.dialect)])
    assert catalogue.ledger.counts(ME, work.space.id).get("done") is None
    assert rows(database) == []


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_listing_a_folder_walks_the_items_by_path(database: Database) -> None:
    """A hundred thousand rows are never sorted."""
    plan = database.query(
        "EXPLAIN QUERY PLAN SELECT i.path, a.facts FROM analyses a JOIN items i ON i.id = a.item_id"
        " AND i.digest = a.digest WHERE a.owner = ? AND i.owner = ? AND i.missing_since IS NULL"
        " AND i.library_id = ? ORDER BY i.path",
        (ME, ME, 1),
    )
    told = " ".join(str(row[-1]) for row in plan)
    assert "TEMP B-TREE" not in told
    assert "INTEGER PRIMARY KEY" in told
