"""Several at work on one job: each row is done once, what one had in hand when it died is taken up, the last one ends it."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from reprise.app import App
from reprise.catalog.catalogue import SqlCatalogue
from reprise.catalog.sqlite import open_sqlite
from reprise.core.job import Control, Hosting, JobRequest, JobState, Priority
from reprise.core.plan import Selection, Wanted
from reprise.engine.crew import ShareEnd
from reprise.errors import BadSetting, CatalogueTooNew
from reprise.storage import Storage
from tests.harness import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reprise.core.job import Job
    from tests.harness import Home


class _Shared(Storage):
    """A storage whose catalogue others have open too: here a file, so that a member is a thread."""

    @property
    def shared(self) -> bool:
        return True


@contextmanager
def member(home: Home, name: str, **flags: object) -> Iterator[App]:
    settings = home.app(workers=1, lease_seconds=10.0, commit_seconds=0.1, **flags).settings
    storage = _Shared(settings)
    storage.__dict__["holder"] = name
    database = open_sqlite(settings.home / "catalogue.sqlite", create=True)
    storage._catalogue = SqlCatalogue(database, os.fsencode(settings.home), name)
    with App(settings, storage) as app:
        yield app


def ask(app: App, home: Home, *models: str, wanted: Wanted = Wanted.MISSING) -> Job:
    library, _ = app.library_of(home.music)
    request = JobRequest(Selection(app.owner, library.id, wanted=wanted), models or ("null",))
    return app.enqueue(request, priority=Priority.BACKFILL, asked_by="tests")


class Crew:
    """Threads that each work on a job as a process of its own would."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.ends: dict[str, ShareEnd] = {}
        self.stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(
        self, job: Job, *names: str, seconds: float = 60.0, stop: Callable[[], bool] | None = None
    ) -> None:
        for name in names:
            thread = threading.Thread(target=self._work, args=(job, name, seconds, stop or self.stop.is_set))
            self._threads.append(thread)
            thread.start()

    def join(self) -> dict[str, ShareEnd]:
        for thread in self._threads:
            thread.join()
        return self.ends

    def _work(self, job: Job, name: str, seconds: float, stop: Callable[[], bool]) -> None:
        with member(self.home, name) as app:
            self.ends[name] = app.work_on(app.catalogue().jobs.get(job.owner, job.id), seconds, stop)


def told(app: App, job: Job, name: str) -> int:
    """How often an event of the job was told."""
    return sum(row.name == name for row in app.catalogue().feed.of_job(job.owner, job.id, 0, 10_000))


def each_once(home: Home, model: str = "null") -> bool:
    return set(home.computed(model).values()) == {1}


def test_three_do_each_row_once_and_the_last_one_ends_the_job(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_SECONDS", "0.02")
    home.add_many(150)
    crew = Crew(home)
    with member(home, "asker") as app:
        job = ask(app, home)
        crew.start(job, "a", "b", "c")
        ends = crew.join()
        assert set(ends.values()) <= {ShareEnd.ENDED, ShareEnd.NOTHING}
        done = app.catalogue().jobs.get(job.owner, job.id)
        assert (done.state, done.counters.done, done.percent) == (JobState.COMPLETED, 150, 100.0)
        assert told(app, job, "job_started") == told(app, job, "job_finished") == 1
        assert told(app, job, "model_finished") == told(app, job, "space_switched") == 1
    assert len(home.computed()) == 150
    assert each_once(home)
    assert len(home.notes("load")) >= 2, "at least two of them had a model loaded"
    home.assert_sound()


def test_a_model_begins_when_the_last_row_of_the_one_before_is_done(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_SECONDS", "0.02")
    home.add_many(60)
    crew = Crew(home)
    with member(home, "asker") as app:
        job = ask(app, home, "null", "null-b")
        crew.start(job, "a", "b")
        crew.join()
        assert app.catalogue().jobs.get(job.owner, job.id).state is JobState.COMPLETED
    models = [words[0] for words in home.notes("item")]
    assert models == ["null"] * 60 + ["null-b"] * 60


def test_one_whose_time_is_over_leaves_nothing_half_done(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_SECONDS", "0.1")
    home.add_many(60)
    with member(home, "asker") as app:
        job = ask(app, home)
        crew = Crew(home)
        crew.start(job, "a", seconds=2.5)
        assert crew.join() == {"a": ShareEnd.MORE}
        first = app.catalogue().jobs.get(job.owner, job.id)
        assert first.state is JobState.RUNNING
        assert 0 < first.counters.done < 60
        crew.start(job, "b")
        assert crew.join()["b"] is ShareEnd.ENDED
    assert each_once(home)


def test_one_that_is_to_stop_gives_back_what_it_has_and_the_others_go_on(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_SECONDS", "0.05")
    home.add_many(80)
    leave = threading.Event()
    crew = Crew(home)
    with member(home, "asker") as app:
        job = ask(app, home)
        crew.start(job, "a", stop=leave.is_set)
        crew.start(job, "b")
        wait_for(lambda: app.catalogue().jobs.get(job.owner, job.id).counters.done > 5)
        leave.set()
        ends = crew.join()
        assert ends["a"] is ShareEnd.MORE
        assert ends["b"] is ShareEnd.ENDED
        assert app.catalogue().jobs.get(job.owner, job.id).state is JobState.COMPLETED
    home.assert_sound()


@pytest.mark.parametrize(
    ("control", "state"), [(Control.PAUSE, JobState.PAUSED), (Control.CANCEL, JobState.CANCELLED)]
)
def test_a_pause_or_cancel_reaches_all_within_two_seconds(
    home: Home, monkeypatch: pytest.MonkeyPatch, control: Control, state: JobState
) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_SECONDS", "0.1")
    home.add_many(200)
    crew = Crew(home)
    with member(home, "asker") as app:
        catalogue = app.catalogue()
        job = ask(app, home)
        crew.start(job, "a", "b")
        wait_for(lambda: catalogue.jobs.get(job.owner, job.id).counters.done > 5)
        assert app.stop_job(catalogue.jobs.get(job.owner, job.id), control), "somebody is at it"
        time.sleep(2.0)
        then = catalogue.jobs.get(job.owner, job.id).counters.done
        crew.join()
        after = catalogue.jobs.get(job.owner, job.id)
        assert (after.state, after.counters.done) == (state, then)
        assert told(app, job, "job_finished") == 1
        if state is JobState.PAUSED:
            app.host_again(after)
            crew.start(job, "a", "b")
            assert set(crew.join().values()) <= {ShareEnd.ENDED, ShareEnd.NOTHING}
            assert catalogue.jobs.get(job.owner, job.id).counters.done == 200
            home.assert_sound()


def test_what_a_dead_one_had_in_hand_is_taken_up(home: Home) -> None:
    home.add_many(20)
    with member(home, "asker") as app:
        job = ask(app, home)
        crew = Crew(home)
        crew.start(job, "planner", stop=_after_planning(app, job))
        crew.join()
        space = app.catalogue().spaces.all(app.owner)[0]
        with member(home, "dead") as dead:
            had = dead.catalogue().ledger.lease(job.owner, job.id, space.id, 5, 1.0, 3)
        assert len(had) == 5
        crew.start(job, "heir")
        assert crew.join()["heir"] is ShareEnd.ENDED
        done = app.catalogue().jobs.get(job.owner, job.id)
        assert (done.state, done.counters.done) == (JobState.COMPLETED, 20)
        late = member(home, "dead")
        with late as dead:
            dead.catalogue().ledger.release(job.owner, job.id, space.id, [one.item_id for one in had])
        assert app.catalogue().ledger.counts(job.owner, space.id)["done"] == 20
    home.assert_sound()


def _after_planning(app: App, job: Job) -> Callable[[], bool]:
    return lambda: app.catalogue().jobs.get(job.owner, job.id).planned


def test_one_with_another_spec_of_a_model_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.add_many(10)
    with member(home, "asker") as app:
        job = ask(app, home, "versioned")
        crew = Crew(home)
        crew.start(job, "planner", stop=_after_planning(app, job))
        crew.join()
        monkeypatch.setenv("PLUGIN_MODELS_EPOCH", "2")
        crew.start(job, "other")
        assert crew.join()["other"] is ShareEnd.UNABLE
        notices = [
            row
            for row in app.catalogue().feed.of_job(job.owner, job.id, 0, 100)
            if row.name == "model_notice"
        ]
        assert any("versioned is here of the spec" in row.data for row in notices)
        monkeypatch.delenv("PLUGIN_MODELS_EPOCH")
        crew.start(job, "like")
        assert crew.join()["like"] is ShareEnd.ENDED
    assert each_once(home, "versioned")


def test_a_model_that_cannot_run_fails_once_and_the_next_one_runs(home: Home) -> None:
    home.add_many(10)
    with member(home, "asker") as app:
        job = ask(app, home, "broken-load", "null")
        crew = Crew(home)
        crew.start(job, "a")
        crew.join()
        done = app.catalogue().jobs.get(job.owner, job.id)
        assert done.state is JobState.COMPLETED_WITH_ERRORS
        assert [result.state for result in done.models] == ["failed", "finished"]


def test_a_job_that_has_ended_is_left_alone(home: Home) -> None:
    home.add_many(3)
    with member(home, "asker") as app:
        job = ask(app, home)
        crew = Crew(home)
        for name in ("a", "b"):
            crew.start(job, name)
            assert crew.join()[name] is ShareEnd.ENDED
        assert told(app, job, "job_finished") == 1
    assert each_once(home)


def test_a_worker_of_an_older_release_leaves_a_catalogue_that_was_migrated_meanwhile(home: Home) -> None:
    home.add_many(3)
    with member(home, "asker") as app:
        job = ask(app, home)
        with app.storage._catalogue._database.transaction() as transaction:  # type: ignore[union-attr]
            transaction.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(CatalogueTooNew, match="9999"):
            app.work_on(job, 1.0, lambda: False)
    assert not home.computed()


def test_an_embedded_catalogue_has_no_workers(home: Home) -> None:
    home.add_many(1)
    with home.app() as app:
        library, _ = app.library_of(home.music)
        request = JobRequest(Selection(app.owner, library.id), ("null",))
        job = app.catalogue().jobs.create(
            request, request.spec_version, time.time(), Hosting(Priority.BACKFILL, "tests")
        )
        with pytest.raises(BadSetting, match="workers need a catalogue"):
            app.work_on(job, 1.0, lambda: False)
