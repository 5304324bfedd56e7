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
from typing import TYPE_CHECKING, TypeAlias

from reprise.core.quiet import parse_quiet_hours
from reprise.drafts import draft_of
from reprise.errors import BadSetting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value: TypeAlias = "bool | int | float | str"

CONFIG_NAME = "config.toml"
PREFIX = "REPRISE_"
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. ``least`` and ``most`` bound a number; ``choices`` are the words allowed.

    A ``secret`` is never shown: not in a list, not in an error. ``least_length``: characters of a text that is given.
    ``restart``: a server reads it only when it starts; anything else holds from the next job, question or look on.
    ``check`` raises ``BadSetting`` for a text that makes no sense.
    """

    name: str
    default: Value
    help: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False
    least_length: int = 0
    restart: bool = False
    check: Callable[[str], object] | None = None

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


SETTINGS: tuple[Setting, ...] = (
    Setting("owner", "default", "Whose libraries, vectors and jobs a command speaks of.", restart=True),
    Setting(
        "workers", 0, "Processes that decode (and run light models); 0: one per core, as memory allows.", 0
    ),
    Setting(
        "batch_size",
        0,
        "Windows (or items) that a heavy model encodes at once, at most; halves when memory is short. 0: what the"
        " model's card says.",
        0,
    ),
    Setting(
        "item_timeout", 30.0, "Seconds that one item may take at least before its process is ended.", 0.1
    ),
    Setting(
        "timeout_per_audio_second", 0.1, "Seconds more that it may take for each second that it lasts.", 0.0
    ),
    Setting(
        "max_attempts", 3, "How often an item whose process hangs or crashes is tried before it is failed.", 1
    ),
    Setting("worker_memory_mb", 2048, "Memory that one process may take before it is ended, in MiB.", 64),
    Setting(
        "together_memory_mb",
        0,
        "Memory in MiB within which models of one sample rate are loaded together, to decode each track once; 0:"
        " strictly one model at a time.",
        0,
    ),
    Setting("load_timeout", 600.0, "Seconds that a model may take to load.", 1.0),
    Setting("commit_seconds", 1.0, "A checkpoint at least this often, in seconds.", 0.0),
    Setting("commit_rows", 1000, "A checkpoint after this many results at the latest.", 1),
    Setting(
        "min_decoded",
        0.9,
        "Share of the stated length that must decode, or the file counts as truncated.",
        0.0,
        1.0,
    ),
    Setting("max_audio_hours", 12.0, "Longer sound than this is refused as endless, in hours.", 0.01),
    Setting("keep_missing_days", 30.0, "Days for which the vectors of files that are gone are kept.", 0.0),
    Setting("follow_links", True, "Whether a scan follows linked folders (each real folder once)."),
    Setting(
        "cutover_coverage",
        0.95,
        "Share of the vectors served now that a new space must hold to take over.",
        0.0,
        1.0,
    ),
    Setting(
        "weights", "", "Folder that holds a folder of weights per model; empty: weights in the state folder."
    ),
    Setting(
        "cache",
        "",
        "Folder of what can be made again, such as compiled networks; empty: cache in the state folder.",
    ),
    Setting("device", "auto", "What neural models run on: auto, cpu, cuda, cuda:1, mps."),
    Setting(
        "precision",
        "auto",
        "Numbers that neural models compute with; auto: half precision where it is faster and agrees with float32.",
        choices=("auto", "float32", "bfloat16", "float16"),
    ),
    Setting(
        "engine",
        "torch",
        "What neural models run in; openvino needs the extra fast-cpu and runs on the CPU.",
        choices=("torch", "openvino"),
    ),
    Setting(
        "coverage",
        "auto",
        "How much of a track neural models hear: the whole, or evenly spread windows. auto: as what they search now"
        " was made, else the whole where there is an accelerator.",
        choices=("auto", "whole", "sampled"),
    ),
    Setting(
        "analysis_excerpt",
        0.0,
        "Seconds from the middle of a track that reprise analyze listens to; 0: the whole track.",
        0.0,
    ),
    Setting(
        "rename_batch",
        1000,
        "Files that are renamed between two entries in the journal; 1: each by itself.",
        1,
        1_000_000,
    ),
    Setting(
        "rename_template",
        "",
        "Template of reprise rename plan where none is given; empty: that of the preset dj.",
    ),
    Setting(
        "key_display",
        "musical",
        "How the field key of templates is written: Am, 8A, 1m, or Am 8A.",
        choices=("musical", "camelot", "open-key", "both"),
    ),
    Setting(
        "verify_tempo",
        False,
        "Whether a tempo that was heard wins in names over a tag that is more than 5 % off; half and double never do.",
    ),
    Setting(
        "musicbrainz",
        False,
        "Whether recordings are looked up by their fingerprint at AcoustID and MusicBrainz; needs fpcalc and a key.",
    ),
    Setting(
        "acoustid_key",
        "",
        "Key of an application at AcoustID; kept out of every list and message.",
        secret=True,
    ),
    Setting("acoustid_url", "https://api.acoustid.org", "Address of AcoustID."),
    Setting("musicbrainz_url", "https://musicbrainz.org", "Address of MusicBrainz, or of a mirror."),
    Setting("offline", False, "Whether the model hub is never asked."),
    Setting(
        "hub", "", "Address of a mirror of the model hub; empty: what HF_ENDPOINT says, or the hub itself."
    ),
    Setting("hub_timeout", 30.0, "Seconds that the model hub may be silent before fetching ends.", 0.1),
    Setting("endpoint", "", "OpenAI-compatible address that describes and embeds, up to and with /v1."),
    Setting("endpoint_model", "", "The model that describes tracks there."),
    Setting("endpoint_key", "", "Its key; kept out of every list and message.", secret=True),
    Setting(
        "text_model",
        "",
        "What embeds the words of scenes: a folder in the layout of sentence-transformers, the name of one below"
        " weights, or endpoint; empty: nothing, exact words only.",
    ),
    Setting("text_endpoint_model", "", "The model that embeds texts at the endpoint."),
    Setting(
        "image_model",
        "descriptor",
        "What the pictures of scenes are compared by; descriptor: their colours, layout and edges, without weights.",
        choices=("descriptor", "clip", "siglip2"),
    ),
    Setting(
        "person_model",
        "picture",
        "What persons are compared by; picture: whole pictures through image_model, which knows no faces.",
        choices=("picture", "faces"),
    ),
    Setting("face_detector", "", "ONNX file of SCRFD or YuNet that finds faces, from the state folder."),
    Setting("face_embedder", "", "ONNX file that embeds faces as ArcFace does, from the state folder."),
    Setting(
        "transcriber",
        "",
        "What hears speech in videos without subtitles: a size or a folder of faster-whisper; empty: nothing.",
    ),
    Setting("description_endpoint_model", "", "The model that describes scenes there; empty: none does."),
    Setting(
        "step_versions",
        "",
        "Versions of steps of the video pipeline other than those that come with Reprise, as scene_image=2, with"
        " commas between.",
    ),
    Setting(
        "scene_detector",
        "adaptive",
        "How a cut between scenes is told: against the pictures around it, or by how much changes.",
        choices=("adaptive", "content"),
    ),
    Setting("scene_threshold", 0.0, "How great that change must be; 0: what is usual for the detector.", 0.0),
    Setting("scene_min_seconds", 1.0, "Seconds that a scene lasts at least.", 0.0),
    Setting(
        "index_from",
        100000,
        "Vectors of one owner in one space from which on an index is built.",
        1,
        restart=True,
    ),
    Setting(
        "database_timeout",
        30.0,
        "Seconds to wait for another program that holds the database.",
        0.0,
        restart=True,
    ),
    Setting("subsonic_url", "", "Address of the Subsonic server that playlists are sent to, without /rest."),
    Setting("subsonic_user", "", "Whose playlists they become there."),
    Setting(
        "subsonic_password", "", "That user's password; kept out of every list and message.", secret=True
    ),
    Setting("subsonic_timeout", 30.0, "Seconds in which that server must have answered a question.", 0.1),
    Setting(
        "host",
        "127.0.0.1",
        "Address that the server listens on; 0.0.0.0: every one of this machine.",
        restart=True,
    ),
    Setting("port", 7744, "Its port; 0: none, only the Unix socket.", 0, 65535, restart=True),
    Setting(
        "uds", "", "Unix socket that the server listens on as well, mode 0600; empty: none.", restart=True
    ),
    Setting(
        "embed_socket",
        "",
        "Unix socket for the one-line JSON protocol of embedding; empty: none.",
        restart=True,
    ),
    Setting(
        "allowed_hosts",
        "",
        "Names under which the server may be asked, with commas between; its own addresses always are. *: any.",
        restart=True,
    ),
    Setting(
        "compat_owner",
        "",
        "Owner for whom programs of this machine may use the paths of earlier embedding services without a token;"
        " empty: they need one.",
    ),
    Setting(
        "trusted_proxies",
        "",
        "Addresses of reverse proxies whose X-Forwarded headers are believed, with commas between; unix: the Unix socket.",
        restart=True,
    ),
    Setting("session_days", 30.0, "Days after which a browser must sign in again.", 0.01),
    Setting(
        "admin_password",
        "",
        "Password of the first administrator; empty: one for a single use is printed.",
        secret=True,
        least_length=8,
        restart=True,
    ),
    Setting(
        "jwt_secret",
        "",
        "Secret with which programs sign their HS256 tokens, 32 characters at least; empty: none are taken.",
        secret=True,
        least_length=32,
    ),
    Setting("watch", True, "Whether the server follows its libraries and embeds what is new."),
    Setting(
        "watch_poll_seconds",
        30.0,
        "How often a library on a network mount, where nobody tells of changes, is looked at.",
        0.1,
    ),
    Setting("watch_delay", 0.5, "Seconds that a new file must rest before it counts as written.", 0.0),
    Setting(
        "scan_models",
        "",
        "Models that embed what is new, with commas between; empty: those that search answers with.",
    ),
    Setting("embed_retries", 3, "How often embedding what is new is tried again when it cannot run.", 0),
    Setting("embed_retry_wait", 2.0, "Seconds before the first of these; each wait is twice the last.", 0.0),
    Setting("embed_retry_cap", 30.0, "The longest of these waits, in seconds.", 0.0),
    Setting("embed_progress_seconds", 30.0, "How often the server's log says how far embedding is.", 0.1),
    Setting(
        "navidrome_database", "", "Path of Navidrome's database, which is only read; empty: its API is asked."
    ),
    Setting(
        "quiet_hours",
        "",
        "Times of day in which the server's jobs wait, as 07:00-23:00, with commas between; what is new is embedded"
        " at any time. Empty: none.",
        check=parse_quiet_hours,
    ),
    Setting(
        "job_niceness",
        10,
        "How far the server's jobs give way to other programs; files that just came do not.",
        0,
        19,
    ),
    Setting(
        "notify",
        "",
        "Where to say that a job has ended: Apprise addresses (mailto://…), with spaces between.",
        secret=True,
    ),
    Setting("notify_minutes", 10.0, "Only of jobs that took this long, in minutes; failures always.", 0.0),
    Setting(
        "log_level",
        "error",
        "What is logged to standard error.",
        choices=("debug", "info", "warning", "error"),
        restart=True,
    ),
    Setting("log_format", "text", "How it is logged.", choices=("text", "json"), restart=True),
)

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


def load_settings(
    flags: Mapping[str, object], environment: Mapping[str, str] = os.environ, home: Path | None = None
) -> Settings:
    """Merge defaults, ``config.toml`` of the home, ``REPRISE_*`` and flags (``None``: not given).

    Raises ``BadSetting`` with the place, the reason and what is allowed.
    """
    folder = (home or _home(environment)).expanduser().absolute()
    values: dict[str, Value] = {setting.name: setting.default for setting in SETTINGS}
    origins: dict[str, Origin] = {}
    for name, value in _from_file(folder / CONFIG_NAME).items():
        values[name] = _checked(name, value, str(folder / CONFIG_NAME))
        origins[name] = Origin.FILE
    for setting in SETTINGS:
        if (text := environment.get(setting.variable)) is not None:
            values[setting.name] = _checked(setting.name, text, setting.variable)
            origins[setting.name] = Origin.ENVIRONMENT
    for name, given in flags.items():
        if given is not None:
            values[name] = _checked(name, given, f"--{name.replace('_', '-')}")
            origins[name] = Origin.FLAG
    return Settings(folder, values, origins)


def reload_settings(settings: Settings) -> Settings:
    """The same once more, with ``config.toml`` as it is now. Raises like ``load_settings``."""
    given = settings.origins.items()
    flags = {name: settings.values[name] for name, origin in given if origin is Origin.FLAG}
    environment = {
        BY_NAME[name].variable: str(settings.values[name])
        for name, origin in given
        if origin is Origin.ENVIRONMENT
    }
    return load_settings(flags, environment, settings.home)


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
    path.parent.mkdir(parents=True, exist_ok=True)
    with draft_of(path.resolve(), private=True) as file:
        file.write(text.encode())


def unknown_variables(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables that begin with ``REPRISE_`` and set nothing, each with the one that was meant, or with nothing."""
    known = {"HOME", *(setting.name.upper() for setting in SETTINGS)}
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
