"""``reprise videos add`` with a model that sees: it is sent the scenes that need it, and no others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.cli.projector import Projector
from tests.models.chat_server import Reply, chat_server, completion
from tests.video.films import shots, write_film

if TYPE_CHECKING:
    from pathlib import Path

WORDS = (
    "1\n00:00:00,000 --> 00:00:03,600\nThe red boat sails out of the harbour into the rain of the morning.\n"
)


def test_short_scenes_that_are_spoken_through_are_not_sent(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    write_film(folder / "boat.mp4", shots(1.2, 1.2, 1.2), sound=3.6)
    write_film(folder / "rain.mp4", shots(1.4, 1.4)[::-1])
    (folder / "boat.srt").write_text(WORDS)
    projector = Projector.made(tmp_path)
    with chat_server() as server:
        server.replies = [Reply(body=completion(json.dumps({"description": "a pattern"})))]
        projector.settings |= {"endpoint": server.address, "description_endpoint_model": "seer"}
        projector("videos", "add", folder)
        assert len(server.heard) == 2, "the film without words"
        seen = "SELECT COUNT(*) FROM scenes WHERE described_by = 'described' AND description = 'a pattern'"
        assert projector.read(seen) == [(2,)]
        rows = "SELECT COUNT(*) FROM ledger l JOIN spaces s ON s.id = l.space_id WHERE s.model = 'scene-description'"
        assert projector.read(rows) == [(2,)]
        video = projector.videos()["rain.mp4"]
        (tmp_path / "rain.srt").write_text(WORDS)
        projector("videos", "transcript", video, tmp_path / "rain.srt")
        projector("videos", "ingest")
        assert len(server.heard) == 2
        assert projector.read(seen) == [(2,)], "what was said of them stays"
        projector.settings["description_endpoint_model"] = "better-seer"
        projector("videos", "ingest")
        assert len(server.heard) == 2, "nothing is to be looked at any more"
