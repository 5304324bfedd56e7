"""What must hold for one owner, as plain dicts and loops: simple enough to be seen to be right.

It knows no database, no digests, no batches. What a product may choose freely (an item's number, which rows a job had
done when it was interrupted) it is told, and it says whether that may be.
"""

from __future__ import annotations

from dataclasses import dataclass, field

COVERAGE = 0.95
OPEN = ("pending", "leased")


@dataclass
class Thing:
    """An item: where it lies, which sound it is, whether that was ever taken down, whether its file is gone."""

    id: int
    path: str
    sound: str
    known: bool = False
    missing: bool = False


@dataclass
class Row:
    """One row of the ledger. ``sound``: what was looked at last; ``vector``: of which sound a vector is there."""

    state: str
    reason: str
    job: Job | None
    sound: str = ""
    vector: str = ""

    @property
    def open(self) -> bool:
        return self.state in OPEN


@dataclass(eq=False)
class Room:
    """A space: the rows and vectors of a model and an epoch. ``id``: what it is called, once that was heard."""

    model: str
    epoch: int
    state: str = "filling"
    rows: dict[int, Row] = field(default_factory=dict)
    id: int = 0

    def vectors(self) -> dict[int, str]:
        return {item: row.vector for item, row in self.rows.items() if row.vector}


@dataclass(frozen=True)
class Ask:
    """What somebody wants done. ``folder``: ``""`` or one with a slash at its end."""

    models: tuple[str, ...]
    folder: str = ""
    wanted: str = "missing"
    clear: str = "nothing"
    code: str | None = None


@dataclass
class Part:
    """One model's part of a job as it was planned."""

    room: Room
    scope: list[int]
    to_do: dict[int, str]
    skipped: int


@dataclass(eq=False)
class Job:
    """A job; ``ended`` when nobody may go on with it. ``id``: what it is called, once that was heard."""

    ask: Ask
    id: str = ""
    planned: bool = False
    ended: bool = False
    parts: dict[str, Part] = field(default_factory=dict)

    def counters(self, model: str) -> tuple[int, int, int, int]:
        """Total, done, skipped, failed."""
        part = self.parts[model]
        rows = [part.room.rows[item] for item in part.scope]
        done = sum(row.state == "done" and row.job is self for row in rows)
        failed = sum(row.state == "failed" for row in rows)
        return len(part.scope), done, part.skipped, failed


@dataclass
class Oracle:
    """Of one owner. ``epochs``: that of each model now; ``sick``: whether bad sounds make models fail now."""

    epochs: dict[str, int]
    sick: bool = True
    things: dict[int, Thing] = field(default_factory=dict)
    rooms: list[Room] = field(default_factory=list)
    pointers: dict[str, Room] = field(default_factory=dict)
    job: Job | None = None

    # the walk along the folder

    def scanned(
        self,
        disk: dict[str, str],
        found: dict[str, int],
        missing: dict[int, str],
        *,
        forget: bool,
        after_death: bool,
    ) -> None:
        """A scan of ``disk`` (sounds by path) has found these items, and says that those are missing (paths by id)."""
        assert set(found) == set(disk), f"items {sorted(found)}, files {sorted(disk)}"
        assert len(set(found.values())) == len(found), f"one item in two places: {found}"
        assert not set(found.values()) & set(missing)
        for path, sound in disk.items():
            self._judge_identity(path, sound, set(disk.values()), found)
        before = self.things
        self.things = {}
        for path, item in found.items():
            known = item in before and before[item].known
            self.things[item] = Thing(item, path, disk[path], known)
        gone = {item: thing for item, thing in before.items() if item not in self.things}
        for item, thing in gone.items():
            due = forget and thing.missing
            assert item not in missing if due else (item in missing or not thing.known), f"{thing} {missing}"
            if item in missing:
                self.things[item] = Thing(item, missing[item], thing.sound, thing.known, missing=True)
                continue
            for room in self.rooms:
                room.rows.pop(item, None)
        unheard_of = set(missing) - set(before)
        assert after_death or not unheard_of, f"missing, and never there: {unheard_of}"
        for item in unheard_of:  # the dead scan had met a file that was gone before the next one
            self.things[item] = Thing(item, missing[item], "nobody knows", missing=True)

    def _judge_identity(self, path: str, sound: str, sounds: set[str], found: dict[str, int]) -> None:
        """A sound that was taken down keeps its item, wherever it lies; else a place keeps its item."""
        same = [thing for thing in self.things.values() if thing.known and thing.sound == sound]
        here = [thing for thing in self.things.values() if thing.path == path]
        if same:
            assert found[path] in {thing.id for thing in same}, (
                f"{sound} at {path}: {found[path]}, was {same}"
            )
        elif here and here[0].sound not in sounds:
            assert found[path] == here[0].id, f"{sound} at {path}: {found[path]}, there was {here}"

    def renamed(self, names: dict[str, str]) -> None:
        """Files got other names, all at once; what was to lie at a name that is taken now lies where that came from."""
        origin = {after: before for before, after in names.items()}
        places = {thing.path for thing in self.things.values()}
        for thing in self.things.values():
            if thing.path in names:
                thing.path = names[thing.path]
            elif thing.path in origin and origin[thing.path] in places:
                while thing.path in origin:
                    thing.path = origin[thing.path]

    # jobs

    def begin(self, ask: Ask) -> Job:
        """The job that a start leads to: the one that waits, if it is the same work, or another."""
        if self.job is None or self.job.ended or self.job.ask != ask:
            if self.job is not None:
                self.job.ended = True
            self.job = Job(ask)
        return self.job

    def plan(self, job: Job) -> None:
        """All spaces stand, and all rows are planned, in one go."""
        if not job.planned and job.ask.clear == "first":
            for model in job.ask.models:
                self._unpoint_and_clear(model)
        rooms = [self._room_for(model, job) for model in job.ask.models]
        for room in rooms:
            job.parts[room.model] = self._planned(room, job)
        job.planned = True

    def _unpoint_and_clear(self, model: str) -> None:
        if room := self.pointers.pop(model, None):
            room.state = "retiring"
        self._clear(model)

    def _clear(self, model: str) -> None:
        self.rooms = [room for room in self.rooms if room.model != model or room.state == "active"]

    def latest(self, model: str) -> Room | None:
        same = [room for room in self.rooms if (room.model, room.epoch) == (model, self.epochs[model])]
        return same[-1] if same else None

    def _room_for(self, model: str, job: Job) -> Room:
        room = self.latest(model)
        fresh = job.ask.clear == "after" and not job.planned and self.pointers.get(model) is room
        if room is None or fresh:
            room = Room(model, self.epochs[model])
            self.rooms.append(room)
        if room.state == "draft":
            room.state = "filling"
        return room

    def in_scope(self, ask: Ask) -> list[int]:
        return [
            item
            for item, thing in self.things.items()
            if not thing.missing and thing.path.startswith(ask.folder)
        ]

    def fate(self, room: Room, item: int, ask: Ask, *, resumed: bool) -> str:
        """Why the row is to be done, or ``""``."""
        thing, row = self.things[item], room.rows.get(item)
        if row is not None and row.open:
            return row.reason
        if ask.wanted == "failed":
            retried = row is not None and row.state == "failed" and ask.code in (None, "model_failed")
            return "retry" if retried else ""
        if row is None:
            elsewhere = any(
                other.rows[item].vector
                for other in self.rooms
                if other.model == room.model and other is not room and item in other.rows
            )
            return "spec changed" if elsewhere else "new"
        if ask.wanted == "all" and not resumed:
            return "forced"
        return "changed" if row.sound != thing.sound else ""

    def _planned(self, room: Room, job: Job) -> Part:
        everything = self.in_scope(job.ask)
        if job.planned:
            for item, row in room.rows.items():
                if row.open and row.job is job and item not in everything:
                    row.state, row.job = "pending", None
        to_do = {}
        for item in everything:
            if reason := self.fate(room, item, job.ask, resumed=job.planned):
                row = room.rows.setdefault(item, Row("pending", reason, job))
                row.state, row.reason, row.job = "pending", reason, job
                to_do[item] = reason
        scope = [item for item in everything if item in room.rows]
        rows = [room.rows[item] for item in scope]
        for row in rows:
            if row.state == "failed":
                row.job = job
        done = sum(row.state == "done" and row.job is job for row in rows)
        failed = sum(row.state == "failed" for row in rows)
        return Part(room, scope, to_do, len(scope) - len(to_do) - failed - done)

    def work(self, job: Job, model: str, item: int) -> None:
        """One operation is done: the vector is there, or the reason why not."""
        thing, row = self.things[item], job.parts[model].room.rows[item]
        thing.known, row.sound = True, thing.sound
        if thing.sound.startswith("bad") and self.sick:
            row.state = "failed"
        else:
            row.state, row.vector = "done", thing.sound

    def end_model(self, job: Job, model: str) -> None:
        """A model has come to its end: its space takes over, if it is complete."""
        part = job.parts[model]
        room, vectors = part.room, part.room.vectors()
        if not part.scope or not vectors:
            return
        if self.pointers.get(model) is not room:
            if not self._may_take_over(room):
                room.state = "filling"
                return
            if before := self.pointers.get(model):
                before.state = "retiring"
            self.pointers[model], room.state = room, "active"
        if job.ask.clear == "after":
            self._clear(model)

    def _may_take_over(self, room: Room) -> bool:
        there = [item for item, thing in self.things.items() if not thing.missing]
        if any(item in room.rows and room.rows[item].open for item in there):
            return False
        before = self.pointers.get(room.model)
        serves = [item for item in there if before and item in before.vectors()]
        return len([item for item in there if item in room.vectors()]) >= COVERAGE * len(serves)

    def finish(self, job: Job) -> None:
        """All that is left of the job happens."""
        for model, part in job.parts.items():
            for item, row in part.room.rows.items():
                if row.open and row.job is job:
                    self.work(job, model, item)
            self.end_model(job, model)
        job.ended = True

    def dismiss(self) -> int:
        failed = [row for room in self.rooms for row in room.rows.values() if row.state == "failed"]
        for row in failed:
            row.state = "dismissed"
        return len(failed)

    # what people are told

    def reason(self, room: Room, item: int) -> str:
        """How the explanation of an item's state begins."""
        row, thing = room.rows[item], self.things[item]
        if row.state in ("failed", "dismissed"):
            return "failed: model_failed: "
        if row.open:
            return f"waits for its turn because it is {row.reason}"
        if room.epoch != self.epochs[room.model]:
            return "made by an earlier version of the model (epoch changed)"
        if row.sound != thing.sound:
            return "its audio changed after it was embedded"
        return "embedded; fingerprint and content are equal"

    def answers(self, model: str) -> dict[int, str]:
        """What a search with the model may find: sounds by item."""
        room = self.pointers.get(model)
        vectors = room.vectors() if room else {}
        return {item: sound for item, sound in vectors.items() if not self.things[item].missing}
