"""``reprise persons``: who may be seen in videos, and the photos that they are known by."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import common_options, counted, emit_facts, example, opened, write_json, write_table
from reprise.core.items import ItemKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.app import App
    from reprise.core.video import Person, Photo
    from reprise.filming import Filming

PHOTOS = click.Path(path_type=Path, dir_okay=False)
NUMBER = click.IntRange(1, 2**63 - 1)


@click.group()
def persons() -> None:
    """List and add persons, with photos to know them by. A PERSON is an id or a name.

    \b
    Example:
      reprise persons add 'Ada Lovelace' ada-1.jpg ada-2.jpg
    """


@persons.command()
@click.argument("name")
@click.argument("photos", nargs=-1, type=PHOTOS)
@common_options
@example("reprise persons add 'Ada Lovelace' ada-1.jpg ada-2.jpg")
def add(name: str, photos: tuple[Path, ...], owner: str | None, home: Path | None, as_json: bool) -> int:
    """Add a person, with PHOTOS if there are some; scenes are found by `person:NAME` as soon as one is embedded."""
    import time

    with opened(owner, home, as_json=as_json) as app:
        app.catalogue(create=True)
        contents = _read(photos)
        person = app.catalogue().persons.add(app.owner, name, time.time())
        return _add_photos(app, person, contents, as_json=as_json)


@persons.command("list")
@click.option("--archived", is_flag=True, help="Those that were archived, too.")
@common_options
@example("reprise persons list")
def list_persons(archived: bool, owner: str | None, home: Path | None, as_json: bool) -> int:
    """List persons, their photos by state, and whether searching for them works."""
    with opened(owner, home, as_json=as_json) as app:
        version = app.installed.pipeline.version
        found = app.catalogue().persons.all(app.owner, archived=archived)
        if as_json:
            for person in found:
                write_json({"event": "person", "spec_version": version, **_facts(person)})
            return 0
        click.echo(f"spec {version}")
        rows: list[tuple[object, ...]] = [
            (p.id, p.name, *(p.photos.get(state, 0) for state in _states()), p.has_vector, p.archived)
            for p in found
        ]
        columns = ("id", "name", "uploaded", "ready", "failed", "can be found", "archived")
        write_table("", columns, rows)
        return 0


@persons.command()
@click.argument("person")
@common_options
@example("reprise persons show 'Ada Lovelace'")
def show(person: str, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Show a person: each photo, why one failed, and which version of the pipeline made the embeddings."""
    with opened(owner, home, as_json=as_json) as app:
        found = _person(app, person)
        _tell(app, found, as_json=as_json)
        return 0


@persons.command()
@click.argument("person")
@click.argument("name")
@common_options
@example("reprise persons rename 'Ada Byron' 'Ada Lovelace'")
def rename(person: str, name: str, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Give a person another name; nothing is embedded again."""
    import time

    with opened(owner, home, as_json=as_json) as app:
        found = _person(app, person)
        app.catalogue().persons.rename(app.owner, found.id, name, time.time())
        return _said(
            app, "person_renamed", found.id, f"person {found.id} is {name.strip()!r} now", as_json=as_json
        )


@persons.command()
@click.argument("person")
@click.option("--undo", is_flag=True, help="Take the person back.")
@common_options
@example("reprise persons archive 'Ada Lovelace'")
def archive(person: str, undo: bool, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Leave a person out of lists and searches, and keep what is known of them."""
    import time

    with opened(owner, home, as_json=as_json) as app:
        found = _person(app, person)
        app.catalogue().persons.archive(app.owner, found.id, time.time(), archived=not undo)
        how = "is back" if undo else "is archived"
        return _said(app, "person_archived", found.id, f"person {found.id} {how}", as_json=as_json)


@persons.command()
@click.argument("person")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
@example("reprise persons remove 'Ada Lovelace' --yes")
def remove(person: str, yes: bool, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Forget a person, their photos and their embeddings."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.filming import Filming

        found = _person(app, person)
        if not yes:
            click.confirm(f"forget {found.name} and all their photos?", abort=True, err=True)
        Filming(app).remove_person(found.id)
        return _said(app, "person_removed", found.id, f"person {found.id} is forgotten", as_json=as_json)


@persons.group()
def photo() -> None:
    """Add and remove photos of a person.

    \b
    Example:
      reprise persons photo add 'Ada Lovelace' ada-3.jpg
    """


@photo.command("add")
@click.argument("person")
@click.argument("photos", nargs=-1, required=True, type=PHOTOS)
@common_options
@example("reprise persons photo add 'Ada Lovelace' ada-3.jpg")
def add_photos(
    person: str, photos: tuple[Path, ...], owner: str | None, home: Path | None, as_json: bool
) -> int:
    """Add photos of a person and embed them; one that cannot be used, as it shows no face, says why."""
    with opened(owner, home, as_json=as_json) as app:
        contents = _read(photos)
        return _add_photos(app, _person(app, person), contents, as_json=as_json)


@photo.command("remove")
@click.argument("photo_id", metavar="ID", type=NUMBER)
@common_options
@example("reprise persons photo remove 17")
def remove_photo(photo_id: int, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Forget a photo; the person is known by the others from then on."""
    from reprise.filming import Filming

    with opened(owner, home, as_json=as_json) as app:
        found = app.catalogue().persons.photo(app.owner, photo_id)
        Filming(app).remove_photo(photo_id)
        return _embed(app, app.catalogue().persons.get(app.owner, found.person_id), as_json=as_json)


def _read(photos: Sequence[Path]) -> list[tuple[str, bytes]]:
    """Names and contents, all of them before anything is written. Raises ``UsageError`` for a file that is not there."""
    from reprise.errors import UsageError
    from reprise.media.photos import MOST_BYTES

    found = []
    for path in photos:
        try:
            with path.open("rb") as file:
                found.append((path.name, file.read(MOST_BYTES + 1)))
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}", cure="check the spelling") from error
    return found


def _add_photos(app: App, person: Person, photos: Sequence[tuple[str, bytes]], *, as_json: bool) -> int:
    """What is no picture is told of; the others are kept, and embedded at once."""
    from reprise.errors import BadPhoto, TooLarge
    from reprise.filming import Filming

    refused = 0
    for name, content in photos:
        try:
            Filming(app).add_photo(person.id, content)
        except (BadPhoto, TooLarge) as error:
            refused += 1
            facts = {"code": error.code, "reason": error.message, "cure": error.cure}
            line = f"{name}: {error.message}; {error.cure}"
            emit_facts({"event": "photo_refused", "file": name, **facts}, [line], as_json=as_json)
    return max(int(refused > 0), _embed(app, person, as_json=as_json))


def _embed(app: App, person: Person, *, as_json: bool) -> int:
    """Have new photos embedded here, then tell of the person; 1 when one of their photos failed."""
    from reprise.cli.render.parts import rendering_parts
    from reprise.cli.work import EXIT_CODES
    from reprise.core.video import PhotoState
    from reprise.errors import JobConflict
    from reprise.filming import Filming

    code = 0
    filming = Filming(app)
    if app.catalogue().persons.photos(app.owner, person.id):
        try:
            with rendering_parts(app.settings, filming.spec.version, as_json=as_json) as emit:
                finished = filming.embed_photos(emit)
            code = EXIT_CODES[finished.state] if finished else 0
            if finished is None and not as_json:
                _say_why_not(filming)
        except JobConflict as error:  # whoever runs that job goes on with what came meanwhile
            if not as_json:
                click.echo(f"kept; it is embedded after what is under way: {error.message}", err=True)
    now = app.catalogue().persons.get(app.owner, person.id)
    _tell(app, now, as_json=as_json)
    return max(code, int(now.photos.get(PhotoState.FAILED, 0) > 0))


def _say_why_not(filming: Filming) -> None:
    """Photos are kept, and no step looks at them."""
    for step in filming.spec.steps:
        if step.disabled and step.works_on is ItemKind.PHOTO:
            click.echo(f"kept, not embedded: {step.disabled}", err=True)


def _person(app: App, named: str) -> Person:
    """By id or name. Raises ``NotFound``."""
    from reprise.errors import NotFound

    known = app.catalogue().persons
    if found := known.by_name(app.owner, named):
        return found
    if named.isdecimal() and int(named) < 2**63:
        return known.get(app.owner, int(named))
    raise NotFound(f"there is no person {named!r}", cure="see: reprise persons list")


def _tell(app: App, person: Person, *, as_json: bool) -> None:
    from reprise.filming import Filming

    version = Filming(app).spec.version
    photos = app.catalogue().persons.photos(app.owner, person.id)
    made = app.catalogue().embedded.of_items(app.owner, [person.id, *(photo.id for photo in photos)])
    if as_json:
        for photo in photos:
            facts = {"event": "photo", "spec_version": version, **_photo_facts(photo)}
            write_json(facts | {"embedded": _made(made.get(photo.id, {}))})
        facts = {"event": "person", "spec_version": version, **_facts(person)}
        write_json(facts | {"embedded": _made(made.get(person.id, {}))})
        return
    findable = "can be found" if person.has_vector else "cannot be found yet: no photo is ready"
    click.echo(f"{person.name}  (person {person.id}): {findable}, {counted(len(photos), 'photo')}")
    click.echo(f"  spec       {version}")
    for photo in photos:
        why = f": {photo.error}" if photo.error else ""
        click.echo(f"  photo {photo.id}: {photo.state}{why}")
    for item_id, by_model in made.items():
        for model, one in sorted(by_model.items()):
            by = f", spec {one.spec_version}" if one.spec_version else ""
            click.echo(f"  item {item_id}, {model}: {one.state}{by}, {one.space}")


def _said(app: App, event: str, person_id: int, line: str, *, as_json: bool) -> int:
    version = app.installed.pipeline.version
    emit_facts({"event": event, "person_id": person_id, "spec_version": version}, [line], as_json=as_json)
    return 0


def _states() -> list[Any]:
    from reprise.core.video import PhotoState

    return list(PhotoState)


def _facts(person: Person) -> dict[str, Any]:
    return {
        "person_id": person.id,
        "name": person.name,
        "archived": person.archived,
        "photos": {state.value: person.photos.get(state, 0) for state in _states()},
        "has_vector": person.has_vector,
        "updated_at": person.updated_at,
    }


def _photo_facts(photo: Photo) -> dict[str, Any]:
    return {
        "photo_id": photo.id,
        "person_id": photo.person_id,
        "file": os.fsdecode(photo.file),
        "state": photo.state.value,
        "error": photo.error,
        "updated_at": photo.updated_at,
    }


def _made(by_model: Any) -> dict[str, Any]:
    """Which version of the pipeline made each embedding, and where it lies."""
    return {
        model: {"state": one.state.value, "made_by": one.spec_version, "space": one.space, "error": one.error}
        for model, one in sorted(by_model.items())
    }
