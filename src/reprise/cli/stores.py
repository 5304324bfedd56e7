"""``reprise stores``: what each store of vectors can do, which one is in use, and whether it answers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened, write_json, write_table
from reprise.core.store_abilities import SWAP, facts
from reprise.errors import RepriseError

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.app import App
    from reprise.core.store_abilities import StoreAbilities


@click.command()
@common_options
@example("reprise stores")
def stores(owner: str | None, home: Path | None, as_json: bool) -> int:
    """List what each store of vectors can do; say which one is in use and whether it answers.

    Exit code 1 when it does not.
    """
    with opened(owner, home, as_json=as_json) as app:
        used, fault = _used(app), app.storage.store_fault()
        for store in app.storage.store_choices():
            if as_json:
                write_json({"event": "store", **asdict(store), "swap": SWAP, **_state(store, used, fault)})
            else:
                _write(store, used, fault)
        return 1 if fault else 0


def _used(app: App) -> str:
    """The name of the store that the settings choose; one setting may stand for several kinds."""
    setting = app.settings.text("store")
    try:
        return app.store.abilities.name
    except RepriseError:
        return next((one.name for one in app.storage.store_choices() if one.setting == setting), "")


def _state(store: StoreAbilities, used: str, fault: RepriseError | None) -> dict[str, object]:
    if store.name != used:
        return {"in_use": False, "answers": None, "fault": "", "cure": ""}
    message, cure = (fault.message, fault.cure) if fault else ("", "")
    return {"in_use": True, "answers": fault is None, "fault": message, "cure": cure}


def _write(store: StoreAbilities, used: str, fault: RepriseError | None) -> None:
    title = store.name
    if store.name == used:
        title += ": in use, and it answers" if fault is None else f": in use, and {fault.message}"
        if fault is not None and fault.cure:
            title += f"\n  cure: {fault.cure}"
    write_table(title, ("", ""), [*facts(store)])
    click.echo()
