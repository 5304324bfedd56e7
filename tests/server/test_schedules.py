"""Schedules: what is refused, what is planned, and that the clock starts a job."""

from __future__ import annotations

import datetime
import time
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.job import JobRequest, Purpose
from reprise.core.plan import Selection
from reprise.engine.quiet import QuietGate
from reprise.server.clock import Clock, trigger_of
from tests.harness import wait_for

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from reprise.core.job import Job
    from reprise.server.house import House
    from tests.harness import Home

URL = "/api/v1/schedules"


@pytest.fixture
def library(house: House, home: Home) -> int:
    home.add_many(2)
    return house.app.library_of(home.music)[0].id


def new(library: int, **changes: Any) -> dict[str, Any]:
    return {"library_id": library, "models": ["null"], "cron": "0 2 * * *"} | changes


def test_a_schedule_is_made_shown_changed_and_removed(admin: TestClient, library: int) -> None:
    made = admin.post(URL, json=new(library))
    assert made.status_code == 201
    facts = made.json()
    assert facts["enabled"]
    at = datetime.datetime.fromtimestamp(facts["next_at"]).astimezone()
    assert (at.hour, at.minute) == (2, 0)
    assert admin.get(URL).json() == {"items": [facts]}

    off = admin.patch(f"{URL}/{facts['id']}", json={"enabled": False}).json()
    assert off["next_at"] is None
    changed = admin.patch(f"{URL}/{facts['id']}", json={"enabled": True, "cron": "30 4 * * sun"}).json()
    assert (
        datetime.datetime.fromtimestamp(changed["next_at"]).astimezone().strftime("%a %H:%M") == "Sun 04:30"
    )

    assert admin.delete(f"{URL}/{facts['id']}").status_code == 204
    assert admin.get(URL).json() == {"items": []}
    assert admin.delete(f"{URL}/{facts['id']}").status_code == 404


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"cron": "every night"}, "cron"),
        ({"cron": "61 2 * * *"}, "cron"),
        ({"cron": "0 0 31 2 *"}, "never"),
        ({"models": []}, "models"),
        ({"models": ["nul"]}, "null"),
        ({"library_id": 0}, "library_id"),
        ({"library_id": 2**70}, "library_id"),
    ],
)
def test_what_makes_no_sense_is_refused(
    admin: TestClient, library: int, change: dict[str, Any], word: str
) -> None:
    answer = admin.post(URL, json=new(library, **change))
    assert answer.status_code == 422
    assert word in answer.text
    assert admin.get(URL).json() == {"items": []}


def test_a_library_that_is_not_there_is_not_found(admin: TestClient, library: int) -> None:
    assert admin.post(URL, json=new(library + 1)).status_code == 404


def test_users_and_strangers_see_none(user: TestClient, library: int) -> None:
    assert user.get(URL).status_code == 403
    assert user.post(URL, json=new(library)).status_code == 403


def test_the_clock_starts_a_job_and_says_so(admin: TestClient, house: House, library: int) -> None:
    made = admin.post(URL, json=new(library)).json()
    clock = house.service(Clock)
    clock.run_now("default", made["id"])

    def outcome() -> str:
        return str(admin.get(URL).json()["items"][0]["outcome"])

    wait_for(outcome)
    jobs = house.app.catalogue().jobs.all("default", 10)
    assert outcome() == f"started job {jobs[0].id}"
    assert jobs[0].asked_by == "schedule"


def test_a_start_that_cannot_be_is_written_down(admin: TestClient, house: House, library: int) -> None:
    made = admin.post(URL, json=new(library)).json()
    request = JobRequest(Selection("default", library), ("slow-load",))
    house.app.catalogue().jobs.create(request, "test", time.time())
    house.service(Clock).run_now("default", made["id"])
    wait_for(lambda: admin.get(URL).json()["items"][0]["outcome"])
    assert "holds this library" in admin.get(URL).json()["items"][0]["outcome"]


def test_quiet_hours_hold_what_somebody_asked_for_and_nothing_else(house: House, library: int) -> None:
    def job(purpose: Purpose) -> Job:
        request = JobRequest(Selection("default", library), ("null",), purpose=purpose)
        return house.app.catalogue().jobs.create(request, "test", time.time())

    asked, arrivals = job(Purpose.ASKED), job(Purpose.ARRIVALS)
    gate = QuietGate(lambda: "00:00-24:00")
    until = gate.quiet_until(asked)
    assert until is not None
    assert until > time.time()
    assert gate.quiet_until(arrivals) is None
    assert QuietGate(lambda: "").quiet_until(asked) is None
    assert QuietGate(lambda: "nonsense").quiet_until(asked) is None


@pytest.mark.parametrize(
    ("weekdays", "days"),
    [
        ("0", "Sun"),
        ("7", "Sun"),
        ("1-5", "Mon Tue Wed Thu Fri"),
        ("5-7", "Fri Sat Sun"),
        ("*/2", "Sun Tue Thu Sat"),
        ("6,sun", "Sat Sun"),
        ("MON-WED", "Mon Tue Wed"),
        ("*", "Mon Tue Wed Thu Fri Sat Sun"),
    ],
)
def test_days_of_the_week_are_those_that_cron_means(weekdays: str, days: str) -> None:
    """The library counts from Monday, cron from Sunday: a user's 0 is Sunday."""
    trigger = trigger_of(f"0 3 * * {weekdays}")
    monday = datetime.datetime.fromisoformat("2026-11-23T00:00").astimezone()
    found = [
        day.strftime("%a")
        for day in (monday + datetime.timedelta(days=n) for n in range(7))
        if (at := trigger.get_next_fire_time(None, day)) and at.date() == day.date()
    ]
    assert sorted(found) == sorted(days.split())
