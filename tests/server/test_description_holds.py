"""The API does what its own description says, and answers anything else with a reason: a real server, asked by Schemathesis.

The stream of events does not end, so it is asked by its own tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.filming import Filming
from tests.server.filmed import film, picture
from tests.server.running import administrator, running

if TYPE_CHECKING:
    from tests.harness import Home

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = 4
"""For each operation, beside those that the description itself gives rise to."""
SEED = os.environ.get("REPRISE_SEED", "20261121")
"""What is tried is the same each time; another seed tries something else."""


def test_every_check_of_schemathesis_holds_for_every_route(home: Home) -> None:
    home.add_many(12)
    home.add("odd", content="raise")
    assert home.embed("--model", "null").code == 1
    with home.app() as app:
        film(app, home.folder / "films")
        ada = app.catalogue().persons.add(app.owner, "Ada", time.time())
        Filming(app).add_photo(ada.id, picture())
    with running(home) as server, administrator(server) as person:
        token = person.post("/auth/tokens", json={"name": "schemathesis"}).json()["token"]
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("st")),
                f"--config-file={CONFIGURATION}",
                "run",
                f"{server.url}/api/v1/openapi.json",
                "--checks=all",
                "--header",
                f"Authorization: Bearer {token}",
                "--exclude-path=/api/v1/events",
                "--continue-on-failure",
                f"--max-examples={EXAMPLES}",
                "--workers=2",
                f"--seed={SEED}",
                "--request-timeout=60",
                "--warnings=off",
                "--suppress-health-check=all",
                "--no-color",
            ],
            cwd=home.folder,  # it leaves a folder behind
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-20_000:]
        assert server.process.poll() is None
