"""One table of settings: name, default, help. A file is weaker than the environment, the environment than a flag."""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.drafts import draft_of, private_folder
from reprise.errors import BadSetting
from reprise.known_settings import PREFIX, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reprise.known_settings import Setting, Value

CONFIG_NAME = "config.toml"
FILE_SUFFIX = "_FILE"
"""A secret's variable with this at its end names a file that holds the secret, as container engines hand them over."""
LARGEST_SECRET = 64 * 1024
"""Bytes that such a file may have."""
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


BY_NAME = {setting.name: setting for setting in SETTINGS}


class Origin(StrEnum):
    """Where a value comes from; the later is stronger."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Settings:
    """Resolved settings. ``home`` is absolute, so that nothing depends on the working folder."""

    home: Path
    values: Mapping[str, Value] = field(repr=False)
    origins: Mapping[str, Origin] = field(default_factory=dict, repr=False)
    """Where each value comes from; those that are not named here are defaults."""
    secret_files: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of those that come from the environment: the files that variables ending in ``_FILE`` name."""

    def origin(self, name: str) -> Origin:
        return self.origins.get(name, Origin.DEFAULT)

    def text(self, name: str) -> str:
        return str(self.values[name])

    def number(self, name: str) -> float:
        return float(self.values[name])

    def whole(self, name: str) -> int:
        return int(self.values[name])

    def flag(self, name: str) -> bool:
        return bool(self.values[name])

    def variables(self, *origins: Origin) -> dict[str, str]:
        """What a process must find in its environment for these values; a secret that is in a file stays there.

        ``origins``: only of values that come from there; without any those of the environment and of flags.
        """
        wanted = origins or (Origin.ENVIRONMENT, Origin.FLAG)
        found = {}
        for name, origin in self.origins.items():
            if origin in wanted and name in self.secret_files:
                found[BY_NAME[name].variable + FILE_SUFFIX] = self.secret_files[name]
            elif origin in wanted:
                found[BY_NAME[name].variable] = str(self.values[name])
        return found


def load_settings(
    flags: Mapping[str, object], environment: Mapping[str, str] = os.environ, home: Path | None = None
) -> Settings:
    """Merge defaults, ``config.toml`` of the home, ``REPRISE_*`` and flags (``None``: not given).

    A secret may also be in a file that ``REPRISE_<NAME>_FILE`` names; an empty name of a file is none. Raises ``BadSetting`` with the place, the reason and what is allowed.
    """
    folder = (home or _home(environment)).expanduser().absolute()
    values: dict[str, Value] = {setting.name: setting.default for setting in SETTINGS}
    origins: dict[str, Origin] = {}
    for name, value in _from_file(folder / CONFIG_NAME).items():
        values[name] = _checked(name, value, str(folder / CONFIG_NAME))
        origins[name] = Origin.FILE
    secret_files: dict[str, str] = {}
    for setting in SETTINGS:
        if path := _secret_file(setting, environment):
            secret_files[setting.name] = path
            place = setting.variable + FILE_SUFFIX
            values[setting.name] = _checked(setting.name, _secret_in(path, place), place)
            origins[setting.name] = Origin.ENVIRONMENT
        elif (text := environment.get(setting.variable)) is not None:
            values[setting.name] = _checked(setting.name, text, setting.variable)
            origins[setting.name] = Origin.ENVIRONMENT
    for name, given in flags.items():
        if given is not None:
            values[name] = _checked(name, given, f"--{name.replace('_', '-')}")
            origins[name] = Origin.FLAG
            secret_files.pop(name, None)
    return Settings(folder, values, origins, secret_files)


def reload_settings(settings: Settings) -> Settings:
    """The same once more, with ``config.toml`` and the files of secrets as they are now. Raises like ``load_settings``."""
    flags = {
        name: settings.values[name] for name, origin in settings.origins.items() if origin is Origin.FLAG
    }
    return load_settings(flags, settings.variables(Origin.ENVIRONMENT), settings.home)


def _secret_file(setting: Setting, environment: Mapping[str, str]) -> str:
    """The file that holds the secret, if one is named. Raises ``BadSetting`` when the secret is given as well."""
    variable = setting.variable + FILE_SUFFIX
    path = environment.get(variable, "") if setting.secret else ""
    if path and environment.get(setting.variable):
        raise BadSetting(
            f"{variable}: {setting.variable} is set as well",
            cure="take one of the two away; the file is the safer place",
        )
    return path


def _secret_in(path: str, place: str) -> str:
    """One line of text; the end of the line is no part of it. Raises ``BadSetting``, and never tells what is there."""
    try:
        with Path(path).open("rb") as file:
            found = file.read(LARGEST_SECRET + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no path at all"
        raise BadSetting(
            f"{place}: {path} cannot be read: {why}", cure="mend the path, or the file's rights"
        ) from None
    try:
        text = found.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise BadSetting(f"{place}: {path} is no text", cure="write the secret into it as UTF-8") from None
    if not text.strip() or len(found) > LARGEST_SECRET or set(text) & set("\0\r\n"):
        raise BadSetting(f"{place}: {path} holds no secret", cure="write the secret into it, as its one line")
    return text


def write_settings(home: Path, changes: Mapping[str, Value | None]) -> None:
    """Set values in the home's ``config.toml``, or take those away that are ``None``; all of them or none.

    What else stands in the file stays, comments too as far as they can. The file becomes readable for its owner only: it
    may hold passwords. Raises ``BadSetting`` for a name or a value that is wrong, and when the file cannot be written.
    """
    path = home / CONFIG_NAME
    wanted = {
        _known(name): None if value is None else _written(name, value) for name, value in changes.items()
    }
    facts = {**_from_file(path), **wanted}
    content = {name: value for name, value in facts.items() if value is not None}
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        text = before
        for name, value in wanted.items():
            text = _with_line(text, name, value)
        _replace(path, text if _means(text, content) else _toml(content))
    except OSError as error:
        raise BadSetting(
            f"{path} cannot be written: {error.strerror}", cure="give yourself the right to write it"
        ) from error


def _written(name: str, value: Value) -> Value:
    """The value as it goes into the file. Raises ``BadSetting``, also for text that no file can hold."""
    if isinstance(value, str) and ("\0" in value or not _encodable(value)):
        raise BadSetting(f"{name}: the text holds what no file can", cure="leave out what is not printable")
    converted = _checked(name, value, name)
    if isinstance(converted, float) and not math.isfinite(converted):
        raise BadSetting(f"{name}: not a finite number", cure=BY_NAME[name].help)
    return converted


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _with_line(text: str, name: str, value: Value | None) -> str:
    """The file with this one line set or gone; a new one goes before the first table."""
    lines = text.splitlines()
    tables = [number for number, line in enumerate(lines) if line.lstrip().startswith("[")]
    top = tables[0] if tables else len(lines)
    new = [] if value is None else [_toml({name: value}).rstrip("\n")]
    for number in range(top):
        if re.match(rf"\s*{re.escape(name)}\s*=", lines[number]):
            return "\n".join([*lines[:number], *new, *lines[number + 1 :], ""])
    return "\n".join([*lines[:top], *new, *lines[top:], ""])


def _means(text: str, content: Mapping[str, object]) -> bool:
    """Whether the edited text says that: a text over several lines, say, is not understood by line."""
    try:
        return tomllib.loads(text) == content
    except tomllib.TOMLDecodeError:
        return False


def _toml(content: Mapping[str, object]) -> str:
    import tomli_w

    return tomli_w.dumps(content)


def _replace(path: Path, text: str) -> None:
    """Secrets may stand in it; a linked file stays a link."""
    private_folder(path.parent)
    with draft_of(path.resolve(), private=True) as file:
        file.write(text.encode())


def unknown_variables(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables that begin with ``REPRISE_`` and set nothing, each with the one that was meant, or with nothing."""
    known = {"HOME", *(setting.name.upper() for setting in SETTINGS)}
    known |= {setting.name.upper() + FILE_SUFFIX for setting in SETTINGS if setting.secret}
    given = sorted(name.removeprefix(PREFIX) for name in environment if name.startswith(PREFIX))
    meant = {name: difflib.get_close_matches(name, known, n=1) for name in given if name not in known}
    return {PREFIX + name: PREFIX + close[0] if close else "" for name, close in meant.items()}


def _home(environment: Mapping[str, str]) -> Path:
    if given := environment.get(f"{PREFIX}HOME"):
        return Path(given)
    import platformdirs

    return platformdirs.user_data_path("reprise", appauthor=False)


def _from_file(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(
            f"{path} is no valid TOML: {error}", cure="mend the line or delete the file"
        ) from error
    except OSError as error:
        raise BadSetting(
            f"{path} cannot be read: {error.strerror}", cure="give yourself the right to read it"
        ) from error


def _known(name: str, place: str = "") -> str:
    if name in BY_NAME:
        return name
    close = difflib.get_close_matches(name, BY_NAME, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known are: {', '.join(sorted(BY_NAME))}"
    raise BadSetting(f"{place or CONFIG_NAME}: there is no setting {name!r}", cure=hint)


def _checked(name: str, value: object, place: str) -> Value:
    setting = BY_NAME[_known(name, place)]
    try:
        converted = _convert(setting, value)
    except ValueError:
        kind = {bool: "yes or no", int: "a whole number", float: "a number", str: "text"}[
            type(setting.default)
        ]
        given = "its value" if setting.secret else repr(value)
        raise BadSetting(f"{place}: {given} is not {kind}", cure=setting.help) from None
    _check_range(setting, converted, place)
    return converted


def _convert(setting: Setting, value: object) -> Value:
    kind = type(setting.default)
    if kind is bool:
        return _truth(value)
    if kind is int and isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    if isinstance(value, bool) or (kind is str and not isinstance(value, str)):
        raise ValueError(value)
    if isinstance(value, str) and not value.strip() and setting.default != "":
        raise ValueError(value)  # only what may be left open may be empty
    converted: Value = kind(str(value)) if kind is not int else int(str(value).removesuffix(".0"))
    if kind is int and abs(int(converted)) >= 1 << 63:
        raise ValueError(value)  # TOML, and those who use it, know no larger ones
    return converted


def _truth(value: object) -> bool:
    word = str(value).lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ValueError(value)


def _check_range(setting: Setting, value: Value, place: str) -> None:
    if setting.check is not None:
        _check_text(setting.check, str(value), place)
    if value and len(str(value)) < setting.least_length:
        raise BadSetting(
            f"{place}: too short", cure=f"at least {setting.least_length} characters. {setting.help}"
        )
    if setting.choices and value not in setting.choices:
        raise BadSetting(f"{place}: {value!r} is not allowed", cure=f"one of: {', '.join(setting.choices)}")
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN is the number that differs from itself
        raise BadSetting(f"{place}: not a number", cure=setting.help)
    if setting.least is not None and float(value) < setting.least:
        raise BadSetting(f"{place}: {value} is too small", cure=f"at least {setting.least:g}. {setting.help}")
    if setting.most is not None and float(value) > setting.most:
        raise BadSetting(f"{place}: {value} is too large", cure=f"at most {setting.most:g}. {setting.help}")


def _check_text(check: Callable[[str], object], text: str, place: str) -> None:
    try:
        check(text)
    except BadSetting as error:
        raise BadSetting(f"{place}: {error.message}", cure=error.cure) from None
