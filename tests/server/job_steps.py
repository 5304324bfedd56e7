"""What tests of jobs do again and again: a library, a start, and what becomes of the job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.core.job import JobRequest, Priority, Purpose
from reprise.core.plan import Selection
from tests.harness import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.app import App
    from reprise.core.job import Job

JOBS = "/api/v1/jobs"
ENDED = {"completed", "completed_with_errors", "cancelled", "failed"}


def library_of(app: App, folder: Path) -> int:
    return app.library_of(folder)[0].id


def enqueue(
    app: App,
    folder: Path,
    *models: str,
    priority: Priority = Priority.BACKFILL,
    purpose: Purpose = Purpose.ASKED,
) -> Job:
    """Without a server's route, as schedules and followers do it."""
    selection = Selection(app.owner, library_of(app, folder))
    request = JobRequest(selection, models or ("null",), purpose=purpose)
    return app.enqueue(request, priority=priority, asked_by="test")


def start(client: TestClient, library_id: int, *models: str, **more: Any) -> dict[str, Any]:
    answer = client.post(JOBS, json={"library_id": library_id, "models": models or ["null"], **more})
    assert answer.status_code == 202, answer.text
    facts: dict[str, Any] = answer.json()
    return facts


def look(client: TestClient, job_id: str) -> dict[str, Any]:
    answer = client.get(f"{JOBS}/{job_id}")
    assert answer.status_code == 200, answer.text
    facts: dict[str, Any] = answer.json()
    return facts


def until(client: TestClient, job_id: str, *states: str) -> dict[str, Any]:
    """Wait until the job stands so, or has ended; returns its facts."""
    wanted = set(states) or ENDED
    found: dict[str, Any] = wait_for(lambda: (facts := look(client, job_id))["state"] in wanted and facts)
    return found


def until_working(client: TestClient, job_id: str) -> dict[str, Any]:
    """Wait until something of it is done and it still runs."""
    found: dict[str, Any] = wait_for(
        lambda: (
            (facts := look(client, job_id))["state"] == "running" and facts["operations"]["done"] and facts
        )
    )
    return found
