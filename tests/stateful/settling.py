"""After a run: the oracle is told what happened, and says whether it may have."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reprise.core.events import ScanFinished
from reprise.core.job import JobState
from reprise.core.space import SpaceState
from tests.stateful.oracle import Room

if TYPE_CHECKING:
    from reprise.core.job import Job as ProductJob
    from reprise.core.space import Space
    from tests.stateful.house import House, Told
    from tests.stateful.oracle import Ask, Job

THROUGH = (JobState.COMPLETED, JobState.COMPLETED_WITH_ERRORS)


def settle(house: House, owner: str, ask: Ask, told: Told) -> None:
    """Bring the owner's oracle to where the run left things. Raises ``AssertionError`` where it may not leave them."""
    oracle = house.oracles[owner]
    if told.has(ScanFinished):
        house.after_scan(owner)
    elif told.finished is None:
        house.scanned[owner] = False
    row = _job_row(house, owner)
    if row is None:
        return
    job = oracle.begin(ask)
    assert job.id in ("", row.id), f"job {row.id} instead of {job.id}"
    job.id = row.id
    quiet = told.finished is not None and row.state in THROUGH
    if house.planned:
        oracle.plan(job)
        _judge_calls(house, owner, job, quiet=quiet)
    else:
        assert not house.calls, "models ran without a plan"
        assert not quiet, "it ended without a plan"
        _half_opened(house, owner, ask)
    if quiet:
        oracle.finish(job)
        house.loose[owner].difference_update(ask.models)
    elif house.planned:
        _interrupted(house, owner, job)
    if told.finished is None:
        house.loose[owner].update(ask.models)
    for model in ask.models:
        rooms_of(house, owner, model)  # from here on it is known which space is whose
    job.ended = row.state.ended
    _judge_job(house, job, row, told)


def _job_row(house: House, owner: str) -> ProductJob | None:
    """The job that the run was about; none if it died before there was one."""
    jobs = house.app.catalogue().jobs
    if house.at_work:
        return jobs.get(owner, house.at_work)
    known = house.oracles[owner].job
    active = [job for job in jobs.all(owner, 1000) if not job.state.ended]
    assert len(active) <= 1, "two jobs for one library"
    if active and (known is None or known.ended or active[0].id != known.id):
        return active[0]  # it was made, and nobody began it
    if known is not None and not known.ended:
        known.ended = not active
    return None


def _judge_calls(house: House, owner: str, job: Job, *, quiet: bool) -> None:
    """Exactly what was to do was computed, once; of an interrupted run no more than that."""
    expected: Counter[tuple[str, str]] = Counter()
    for model, part in job.parts.items():
        expected.update((model, house.oracles[owner].things[item].path) for item in part.to_do)
    house.counts["model calls"] += house.calls.total()
    if quiet:
        assert house.calls == expected, f"models were called for {house.calls}, to do was {expected}"
    assert not house.calls - expected, f"nobody wanted {house.calls - expected}"


def living(house: House, owner: str, model: str) -> dict[int, Space]:
    """The product's spaces of a model by their ids."""
    spaces = house.app.catalogue().spaces.all(owner)
    return {
        space.id: space for space in spaces if space.model == model and space.state is not SpaceState.DROPPED
    }


def rooms_of(house: House, owner: str, model: str) -> dict[int, Room]:
    """The oracle's, by the ids of the spaces that they stand for; one that has none yet gets that of a new space."""
    rooms = [room for room in house.oracles[owner].rooms if room.model == model]
    taken = {room.id for room in rooms}
    for room in rooms:
        if not room.id:
            new = [
                space.id
                for space in living(house, owner, model).values()
                if space.id not in taken and epoch_of(house, owner, space.id) == room.epoch
            ]
            assert len(new) == 1, f"{model} has the new spaces {new}, one was to be made"
            room.id = new[0]
            taken.add(room.id)
    return {room.id: room for room in rooms}


def epoch_of(house: House, owner: str, space_id: int) -> int:
    return int(house.app.catalogue().spaces.inputs(owner, space_id)["epoch"])


def _half_opened(house: House, owner: str, ask: Ask) -> None:
    """A run that ended before its plan may have made empty spaces, and begun to clear if that was asked for."""
    oracle, pointers = house.oracles[owner], house.app.catalogue().spaces.pointers(owner)
    for model in ask.models:
        if model not in {pointer.model for pointer in pointers} and model in oracle.pointers:
            assert ask.clear == "first", f"search went dark for {model}"
            oracle.pointers.pop(model).state = "retiring"
        spaces, rooms = living(house, owner, model), rooms_of(house, owner, model)
        for key in rooms.keys() - spaces.keys():
            assert ask.clear == "first", f"a space of {model} is gone"
            assert rooms[key].state != "active"
            oracle.rooms.remove(rooms[key])
        for key in rooms.keys() & spaces.keys():
            counts = house.app.catalogue().ledger.counts(owner, spaces[key].id)
            if ask.clear == "first" and rooms[key].state != "active" and counts == {"vectors": 0}:
                rooms[key].rows.clear()  # it was dropped, and made again
        for key in sorted(spaces.keys() - rooms.keys()):
            epoch = epoch_of(house, owner, key)
            assert epoch == oracle.epochs[model], f"nobody wanted {spaces[key]}"
            oracle.rooms.append(Room(model, epoch, id=key))
    _adopt_states(house, owner)


def _adopt_states(house: House, owner: str) -> None:
    """How far a space was on its way when it was interrupted is nobody's promise; which one serves is."""
    for model in ("steady", "epochal"):
        spaces, rooms = living(house, owner, model), rooms_of(house, owner, model)
        for key in spaces.keys() & rooms.keys():
            if rooms[key].state != "active" and spaces[key].state is not SpaceState.ACTIVE:
                rooms[key].state = str(spaces[key].state)


def _interrupted(house: House, owner: str, job: Job) -> None:
    """Some of it was done: as much as the ledger says, and no less than what was computed, but for a batch."""
    oracle, catalogue = house.oracles[owner], house.app.catalogue()
    committed = 0
    for model, part in job.parts.items():
        rooms_of(house, owner, model)
        for item in part.to_do:
            state = next(
                row.state for row in catalogue.ledger.rows(owner, item) if row.space.id == part.room.id
            )
            if state in ("done", "failed"):
                path = oracle.things[item].path
                assert house.calls[model, path], f"{path} is done, and no {model} was asked"
                oracle.work(job, model, item)
                committed += 1
        _perhaps_switched(house, owner, job, model)
    lost = house.calls.total() - committed
    house.counts["results computed twice"] += max(0, lost)
    assert lost <= house.most_lost, f"{lost} results are lost, more than a batch"
    _adopt_states(house, owner)


def _perhaps_switched(house: House, owner: str, job: Job, model: str) -> None:
    """A model that came to its end before the interruption may have taken over, and what was old may have gone."""
    oracle, pointer = house.oracles[owner], house.app.catalogue().spaces.pointer(owner, model)
    part = job.parts[model]
    is_ours = pointer is not None and pointer.space.state is SpaceState.ACTIVE
    left = any(row.open and row.job is job for row in part.room.rows.values())
    if left or not is_ours:
        return
    before = oracle.pointers.get(model)
    spaces, rooms = living(house, owner, model), rooms_of(house, owner, model)
    if pointer is None or part.room.id != pointer.space.id:
        return
    if before is not part.room:
        oracle.rooms, kept = list(oracle.rooms), list(oracle.rooms)
        oracle.end_model(job, model)
        assert oracle.pointers.get(model) is part.room, f"{model} took over too early"
        oracle.rooms = kept
    if job.ask.clear == "after":
        gone = rooms.keys() - spaces.keys()
        oracle.rooms = [room for room in oracle.rooms if room not in [rooms[key] for key in gone]]


def _judge_job(house: House, job: Job, row: ProductJob, told: Told) -> None:
    """Counters equal the ledger, and percent never goes back."""
    percents = [house.percent.get(job.id, 0.0), *told.percents(), row.percent]
    rounded = [round(percent, 2) for percent in percents]
    assert rounded == sorted(rounded), f"percent went back: {rounded}"
    house.percent[job.id] = row.percent
    if not house.planned:
        return
    for result in row.models:
        counters = result.counters
        said = (counters.total, counters.done, counters.skipped, counters.failed)
        assert said == job.counters(result.model), (
            f"{result.model} says {said}, not {job.counters(result.model)}"
        )
    if told.finished is not None and row.state in THROUGH:
        failed = any(job.counters(model)[3] for model in job.parts)
        assert (row.state is JobState.COMPLETED_WITH_ERRORS) == failed
        assert row.percent == 100.0
        _judge_finished(house, job, told)


def _judge_finished(house: House, job: Job, told: Told) -> None:
    finished = told.finished
    assert finished is not None
    counters = [job.counters(model) for model in job.parts]
    total, done, skipped, failed = (sum(column) for column in zip(*counters, strict=True))
    now = sum(part.room.rows[item].state == "done" for part in job.parts.values() for item in part.to_do)
    said = finished.operations
    assert said == {"total": total, "done": now, "skipped": skipped + done - now, "failed": failed}, said
    assert finished.items["total"] == len({item for part in job.parts.values() for item in part.scope}) or (
        job.ask.wanted == "failed"
    )
