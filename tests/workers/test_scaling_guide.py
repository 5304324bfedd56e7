"""``docs/scaling.md`` can be followed: each of its commands, in its order, on real servers."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import numpy as np

from reprise.app import App
from reprise.settings import load_settings
from tests.guides import steps
from tests.servers.postgres import running_postgres
from tests.servers.redis import running_redis

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Home


def tones(folder: Path, numbers: range) -> None:
    """Tracks of some seconds, each of a sound of its own."""
    from reprise.demo.encode import write_audio

    for number in numbers:
        dice = np.random.default_rng(number)
        seconds = np.arange(22_050 * 6) / 22_050
        chord = sum(np.sin(2 * np.pi * pitch * seconds) for pitch in dice.uniform(80.0, 4000.0, 5))
        sound = (0.1 * chord + 0.02 * dice.standard_normal(len(seconds))).astype(np.float32)
        write_audio(folder / f"track-{number + 1:04}.mp3", np.stack([sound, sound], axis=1), 22_050)


def test_from_the_embedded_default_to_four_workers_and_back(home: Home) -> None:
    tones(home.music, range(6))
    computed: list[int] = []
    address = home.folder / "address.txt"
    with running_postgres() as postgres, running_redis() as redis:
        address.write_text(postgres.database() + "\n")
        address.chmod(0o600)
        for kind, text in steps("scaling.md"):
            if kind == "toml":
                with (home.state / "config.toml").open("a") as file:
                    file.write(text.replace("redis://:PASSWORD@HOST:6379/0", redis.url()))
                tones(home.music, range(6, 12))
                continue
            program, *words = shlex.split(
                text.replace("~/Music", str(home.music)).replace("~", str(home.folder))
            )
            assert program == "reprise"
            ran = home.run(*words)
            assert ran.code == 0, (text, ran.stderr, ran.events)
            if text.startswith("reprise embed"):
                computed.append(ran.last["operations"]["done"])
    assert computed == [6, 0], "what was moved is not computed again"
    with App(load_settings({}, home.environment, home.folder / "back")) as back:
        pointer = back.catalogue().spaces.pointer(back.owner, "acoustic")
        assert pointer is not None
        assert back.store.count(back.owner, pointer.space.name) == 12, (
            "six moved there, and six by workers, all came back"
        )
