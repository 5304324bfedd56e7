"""What is public is documented, and what is documented is true."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from reprise import errors
from reprise.cli.main import COMMANDS, cli
from reprise.core import events
from reprise.core.items import AUDIO_SUFFIXES
from reprise.known_settings import PREFIX, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
COMMON_OPTIONS = {"--owner", "--home", "--json", "--help"}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def page_names(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def all_commands(
    group: click.Command = cli, prefix: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Every command by its full name, groups included."""
    if prefix:
        yield " ".join(("reprise", *prefix)), group
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from all_commands(command, (*prefix, name))


def all_errors(kind: type[errors.RepriseError] = errors.RepriseError) -> Iterator[type[errors.RepriseError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from all_errors(child)


def settings_table() -> list[str]:
    """The rows that ``docs/settings.md`` must hold."""
    rows = ["| setting | default | variable | meaning |", "|---|---|---|---|"]
    for row in SETTINGS:
        default = (
            str(row.default).lower() if isinstance(row.default, bool) else f"{row.default}".removesuffix(".0")
        )
        choices = f" One of: {', '.join(row.choices)}." if row.choices else ""
        rows.append(f"| `{row.name}` | `{default}` | `{row.variable}` | {row.help}{choices} |")
    return rows


def error_table(*, item: bool) -> list[str]:
    """The rows that ``docs/guide.md`` must hold: errors of items, or those of a run."""
    kinds = [kind for kind in all_errors() if issubclass(kind, errors.ItemError) == item]
    if item:
        rows = ["| code | again | cure |", "|---|---|---|"]
        return rows + [
            f"| `{kind.code}` | {'yes' if kind.retryable else 'no'} | {kind.default_cure or 'see the message'} |"
            for kind in kinds
        ]
    rows = ["| code | cure |", "|---|---|"]
    return rows + [f"| `{kind.code}` | {kind.default_cure or 'told with the message'} |" for kind in kinds]


def heading_sections(text: str) -> dict[str, str]:
    """What stands under each heading, up to the next one."""
    parts = re.split(r"^#{2,3} (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def shell_lines() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8"), "sh"):
            for line in block.splitlines():
                if line.strip():
                    yield page_names(page), line


def reprise_arguments(line: str) -> list[str] | None:
    """The arguments of a ``reprise`` command line, without what a shell does around it."""
    words = shlex.split(re.split(r"\s(?:>|\||&&)\s", line)[0], comments=True)
    while words and re.match(r"[A-Z_]+=", words[0]):
        del words[0]
    return words[1:] if words and words[0] == "reprise" else None


def parse(command: click.Command, arguments: list[str], parent: click.Context | None = None) -> None:
    """Let click parse a command line as it would before running it. Raises ``click.UsageError``."""
    context = command.make_context(command.name, list(arguments), parent=parent)
    rest = [*context._protected_args, *context.args] if isinstance(command, click.Group) else []
    if isinstance(command, click.Group) and rest:
        _, child, left = command.resolve_command(context, rest)
        assert child is not None
        parse(child, left, context)


@pytest.mark.parametrize("row", settings_table())
def test_every_setting_has_its_row_in_the_settings_page(row: str) -> None:
    assert row in text_of("docs/settings.md").splitlines()


@pytest.mark.parametrize("row", [*error_table(item=True), *error_table(item=False)])
def test_every_error_code_has_its_row_with_its_cure_in_the_guide(row: str) -> None:
    assert row in text_of("docs/guide.md").splitlines()


def test_error_codes_are_told_apart() -> None:
    codes = [kind.code for kind in all_errors()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("name", [name for name, _ in all_commands() if name != "reprise jobs"])
def test_every_command_has_a_section_with_an_example(name: str) -> None:
    section = heading_sections(text_of("docs/commands.md"))[name]
    lines = [line for block in blocks(section, "sh") for line in block.splitlines()]
    assert any(name in line for line in lines), f"docs/commands.md: no example of {name}"


@pytest.mark.parametrize(("name", "command"), list(all_commands()))
def test_every_option_is_named_in_its_commands_section(name: str, command: click.Command) -> None:
    section = heading_sections(text_of("docs/commands.md"))[name]
    own = {
        name for option in command.params if isinstance(option, click.Option) for name in option.opts
    } - COMMON_OPTIONS
    assert not [name for name in own if f"`{name}`" not in section and f"`{name} " not in section]


def test_the_commands_page_has_no_section_of_a_command_that_is_not_there() -> None:
    known = {name for name, _ in all_commands()}
    assert {
        title for title in heading_sections(text_of("docs/commands.md")) if title.startswith("reprise ")
    } <= known


def test_common_options_are_documented_once_for_all_commands() -> None:
    introduction = text_of("docs/commands.md").split("\n## ")[0]
    assert [name for name in COMMON_OPTIONS if name not in introduction] == []
    for name, command in all_commands():
        if not isinstance(command, click.Group) or command.invoke_without_command:
            names = {
                opt for option in command.params if isinstance(option, click.Option) for opt in option.opts
            }
            assert COMMON_OPTIONS - {"--help"} <= names, name


@pytest.mark.parametrize(("name", "command"), list(all_commands()))
def test_every_commands_help_shows_an_example_that_parses(name: str, command: click.Command) -> None:
    if name == "reprise jobs":
        return
    help_text = click.Context(command, info_name=name).get_help()
    examples = re.findall(r"Example:\n\s+(.+)", help_text)
    assert examples, f"{name} --help has no example"
    arguments = reprise_arguments(examples[0])
    assert arguments is not None
    assert " ".join(["reprise", *arguments]).startswith(name)
    parse(cli, arguments)


@pytest.mark.parametrize(("page", "line"), list(shell_lines()))
def test_every_example_of_the_documents_parses(page: str, line: str) -> None:
    arguments = reprise_arguments(line)
    if arguments is not None:
        parse(cli, arguments)
        return
    words = shlex.split(line, comments=True)
    assert words[0] in {"sh", "make"}, f"{page}: what is {line!r}?"
    if words[0] == "sh":
        assert (ROOT / words[1]).is_file()
    elif len(words) > 1:
        assert re.search(rf"^{words[1]}:", text_of("Makefile"), re.MULTILINE)


def test_every_event_is_named_in_the_commands_page() -> None:
    page = text_of("docs/commands.md")
    assert [kind.name for kind in events.Event.__subclasses__() if f"`{kind.name}`" not in page] == []


def test_the_readmes_two_commands_are_the_scripts_that_make_and_ci_run() -> None:
    commands = [block.strip() for block in blocks(text_of("README.md"), "sh")]
    assert commands[0] == "sh scripts/run"
    assert commands[1] == "sh scripts/test"
    assert "sh scripts/run" in text_of("Makefile")
    assert "sh scripts/test" in text_of("Makefile")
    assert "sh scripts/test" in text_of("scripts/check")
    assert "sh scripts/check" in text_of(".ci/run")
    assert "sh scripts/check" in text_of("Makefile")


def test_every_public_variable_is_documented() -> None:
    used = set()
    for path in (ROOT / "src").rglob("*.py"):
        used |= set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", path.read_text(encoding="utf-8")))
    page = text_of("docs/settings.md")
    assert f"{PREFIX}HOME" in used
    assert [name for name in used if f"`{name}`" not in page and f"{name}=" not in page] == []


def test_every_suffix_that_a_scan_takes_is_in_the_guide() -> None:
    listed = text_of("docs/guide.md").split("<!-- suffixes -->")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\.[a-z0-9]+)`", listed)) == AUDIO_SUFFIXES


def test_every_dependency_has_its_row() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))
    page = text_of("docs/dependencies.md")
    extras = project["project"]["optional-dependencies"].values()
    lines = [*project["project"]["dependencies"], *(line for extra in extras for line in extra)]
    names = [re.split(r"[^A-Za-z0-9_-]", line)[0] for line in lines]
    assert [name for name in names if f"\n| `{name}` |" not in page] == []
    groups = [
        line for group in project["dependency-groups"].values() for line in group if isinstance(line, str)
    ]
    developing = [re.split(r"[^A-Za-z0-9_-]", line)[0] for line in groups]
    assert [name for name in developing if f"`{name}`" not in page] == []


def anchor(heading: str) -> str:
    """As code hosts make it: lower case, without punctuation, hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=page_names)
def test_links_between_the_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, fragment = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), f"{target} leads nowhere"
        if fragment:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert fragment in {anchor(heading) for heading in headings}, target


@pytest.mark.parametrize("page", PAGES, ids=page_names)
def test_every_page_is_linked_from_the_readme(page: Path) -> None:
    name = str(page.relative_to(ROOT))
    assert name == "README.md" or f"({name})" in text_of("README.md")


def test_paths_that_the_documents_name_exist() -> None:
    for page in PAGES:
        for path in re.findall(r"`((?:src|tests|docs|scripts|requirements|engine|catalog|search|stores)/[\w./]+)`",
                               page.read_text(encoding="utf-8")):  # fmt: skip
            places = (ROOT / path, ROOT / "src" / "reprise" / path)
            assert any(place.exists() for place in places), f"{page.name}: {path}"


def test_the_folders_of_the_architecture_page_are_those_of_the_source() -> None:
    block = next(b for b in blocks(text_of("docs/architecture.md"), "") if "src/reprise/" in b)
    named = set(re.findall(r"^  ([\w.]+/?) ", block, re.MULTILINE))
    source = ROOT / "src" / "reprise"
    folders = {f"{path.name}/" for path in source.iterdir() if (path / "__init__.py").exists()}
    files = {path.name for path in source.glob("*.py") if not path.name.startswith("_")}
    assert named == folders | files


def test_the_architecture_page_names_every_state() -> None:
    from reprise.core.plan import Reason, RowState
    from reprise.core.space import SpaceState

    page = text_of("docs/architecture.md")
    assert [
        word for word in (*RowState, *Reason, *SpaceState) if word not in page and word != Reason.FORCED
    ] == []


def test_the_changelog_has_a_place_for_what_is_not_released() -> None:
    text = text_of("CHANGELOG.md")
    assert text.index("\n## [Unreleased]\n") < (text.find("\n## [0") if "\n## [0" in text else len(text))
    commands = [name for name in COMMANDS if f"`{name}`" not in text and f"`reprise {name} " not in text]
    assert [name for name in commands if name != "jobs"] == []


def test_the_licence_is_the_one_that_the_project_states() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    assert project["license"] == "MIT"
    assert text_of("LICENSE").startswith("MIT License\n\nCopyright (c) 2026 The Reprise authors\n")


@pytest.mark.parametrize("model", ["brightness", "octaves"])
def test_a_model_of_the_models_page_is_found_and_embeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    code = re.findall(
        r"<!-- runs: (\S+) -->\n```python\n(.*?)^```", text_of("docs/models.md"), re.MULTILINE | re.DOTALL
    )
    points = tomllib.loads(blocks(text_of("docs/models.md"), "toml")[0])["project"]["entry-points"][
        "reprise.models"
    ]
    site, music = tmp_path / "site", tmp_path / "music"
    info = site / "brightness-1.0.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: brightness\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in points.items()]
    info.joinpath("entry_points.txt").write_text("\n".join(["[reprise.models]", *lines]) + "\n")
    for name, text in code:
        site.joinpath(name).write_text(text)
    for number in range(3):
        write_noise(music / f"{number}.wav", seed=number)
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("REPRISE_HOME", str(tmp_path / "home"))

    assert f'"name": "{model}"' in reprise("models", "--json")
    assert '"state": "completed"' in reprise("embed", str(music), "--model", model, "--json").splitlines()[-1]
    assert reprise("similar", "1.wav", "--model", model, "--json").count('"event": "match"') == 2


def write_noise(path: Path, seed: int) -> None:
    """Two seconds of noise, darker with every seed."""
    import wave

    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).standard_normal(32_000)
    for _ in range(seed):
        noise = np.convolve(noise, np.ones(8) / 8, "same")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((noise / np.abs(noise).max() * 20_000).astype("<i2").tobytes())


def reprise(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "reprise", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


SHIPPED = [
    path
    for pattern in ("*", "src/**/*", "tests/**/*", "docs/**/*", "benchmarks/**/*", "scripts/*", "requirements/*", ".ci/*",
                    "ui/*", "ui/src/**/*", "ui/tests/*")
    for path in ROOT.glob(pattern)
    if path.is_file()
    and path.suffix not in {".pyc", ".json"}
    and not path.name.startswith(".coverage")
    and not path.is_relative_to(ROOT / "src/reprise/server/dist")  # made of ui/, which is looked at
]  # fmt: skip


def test_nothing_names_a_package_registry_or_a_place_on_some_machine() -> None:
    hosts = [
        "py" + "pi.org",
        "python" + "hosted.org",
        "registry.npm" + "js",
        "deb.deb" + "ian.org",
        "conda" + ".anaconda",
    ]
    places = ["/ro" + "ot/", "/wo" + "rk/", "/op" + "t/", "--index" + "-url", "--find" + "-links"]
    for path in SHIPPED:
        text = path.read_text(encoding="utf-8", errors="replace")
        assert [word for word in (*hosts, *places) if word in text] == [], path
        assert not re.search(r"/ho" + r"me/\w", text), path


def test_modules_that_hold_commands_are_importable_by_their_table() -> None:
    for name in COMMANDS:
        assert isinstance(getattr(importlib.import_module(f"reprise.cli.{name}"), name), click.Command)
