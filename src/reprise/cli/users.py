"""``reprise users``: who may sign in to the server."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, emit_facts, example, opened, when, write_json, write_table
from reprise.core.accounts import NAME_PATTERN, Role

if TYPE_CHECKING:
    from pathlib import Path


def _checked(_context: click.Context, _parameter: click.Parameter, name: str) -> str:
    import re

    if not re.fullmatch(NAME_PATTERN, name):
        raise click.BadParameter(f"{name!r}: 1 to 64 letters, digits and ._@- are a name, no dot begins it")
    return name


@click.group()
@example("reprise users list")
def users() -> None:
    """List, add and remove who may sign in to the server; a change counts from the next request on."""


@users.command("list")
@common_options
@example("reprise users list")
def list_users(owner: str | None, home: Path | None, as_json: bool) -> int:
    """List everybody."""
    with opened(owner, home, as_json=as_json) as app:
        found = app.catalogue().people.all()
        if as_json:
            for user in found:
                write_json(asdict(user))
            return 0
        rows: list[tuple[object, ...]] = [
            (user.name, user.role, user.owner, user.must_change, when(user.created_at)) for user in found
        ]
        write_table("", ("name", "role", "owner", "must change password", "created"), rows)
        return 0


@users.command()
@click.argument("name", callback=_checked)
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), default="user", help="What they may."
)
@common_options
@example("reprise users add ada --role admin")
def add(name: str, role: str, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Let somebody in, to see the libraries of --owner; prints a password for a single use."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.server.accounts import Accounts

        app.catalogue(create=True)
        user, password = Accounts(app).add(name, Role(role), app.owner)
        facts = {"event": "user_added", **asdict(user), "password": password}
        emit_facts(facts, [f"{name}'s password, for a single use: {password}"], as_json=as_json)
        return 0


@users.command("reset-password")
@click.argument("name")
@common_options
@example("reprise users reset-password ada")
def reset_password(name: str, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Sign somebody out everywhere and print a new password for a single use."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.server.accounts import Accounts

        password = Accounts(app).reset_password(name)
        facts = {"event": "password_reset", "name": name, "password": password}
        emit_facts(facts, [f"{name}'s password, for a single use: {password}"], as_json=as_json)
        return 0


@users.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
@example("reprise users remove ada --yes")
def remove(name: str, yes: bool, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Let somebody in no more. The libraries that they saw stay."""
    with opened(owner, home, as_json=as_json) as app:
        people = app.catalogue().people
        people.get(name)
        if not yes:
            click.confirm(f"remove {name} with sessions and tokens?", abort=True, err=True)
        people.remove(name)
        emit_facts({"event": "user_removed", "name": name}, [f"removed {name}"], as_json=as_json)
        return 0
