"""A server's routes in a process of their own, asked to start the same job by many at once.

``python -m tests.server.start_at_once HOME LIBRARY COUNT SIGNAL``: says ``ready``, waits for the file SIGNAL, then
prints the statuses of the answers as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fastapi.testclient import TestClient

from reprise.app import App
from reprise.server.access import Person, Role, person
from reprise.server.api import create_api
from reprise.server.house import House
from reprise.settings import load_settings


def main() -> None:
    home, library, count, signal = sys.argv[1:]
    settings = load_settings({"allowed_hosts": "testserver"}, home=Path(home))
    with App(settings) as app:
        app.catalogue()
        api = create_api(House(app))
        api.dependency_overrides[person] = lambda: Person("ada", Role.ADMIN, "default")
        with TestClient(api) as client, ThreadPoolExecutor(int(count)) as pool:
            print("ready", flush=True)
            while not Path(signal).exists():
                time.sleep(0.005)
            body = {"library_id": int(library), "models": ["null"]}
            answers = pool.map(lambda _: client.post("/api/v1/jobs", json=body), range(int(count)))
            print(json.dumps([(answer.status_code, answer.json()) for answer in answers]), flush=True)
            sys.stdin.read()


if __name__ == "__main__":
    main()
