"""Settings: one table; a file is weaker than the environment, the environment than a flag."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprise.errors import BadSetting
from reprise.known_settings import SETTINGS
from reprise.settings import BY_NAME, CONFIG_NAME, load_settings, unknown_variables


def write(home: Path, text: str) -> None:
    (home / CONFIG_NAME).write_text(text, encoding="utf-8")


def refusal(home: Path, environment: dict[str, str] | None = None, **flags: object) -> BadSetting:
    with pytest.raises(BadSetting) as caught:
        load_settings(flags, environment or {}, home)
    assert caught.value.cure
    return caught.value


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings({}, {}, tmp_path)
    assert settings.home == tmp_path
    assert dict(settings.values) == {setting.name: setting.default for setting in SETTINGS}
    assert list(tmp_path.iterdir()) == []


def test_a_flag_beats_the_environment_and_that_the_file(tmp_path: Path) -> None:
    write(tmp_path, "workers = 1\nbatch_size = 2\nmax_attempts = 4\n")
    environment = {"REPRISE_WORKERS": "5", "REPRISE_BATCH_SIZE": "6"}
    settings = load_settings({"workers": 9, "batch_size": None}, environment, tmp_path)
    assert [settings.whole(name) for name in ("workers", "batch_size", "max_attempts")] == [9, 6, 4]


def test_the_home_is_the_flag_or_the_variable_and_always_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings({}, {"REPRISE_HOME": "state"}).home == tmp_path / "state"
    assert load_settings({}, {"REPRISE_HOME": "state"}, Path("other")).home == tmp_path / "other"
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert load_settings({}, {"REPRISE_HOME": "~/state"}).home == tmp_path / "me/state"
    assert load_settings({}, {}).home.is_absolute()
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_complete_and_can_be_set_everywhere(tmp_path: Path, setting: object) -> None:
    row = BY_NAME[getattr(setting, "name")]  # noqa: B009
    assert row.help.endswith(".")
    assert row.variable == f"REPRISE_{row.name.upper()}"
    text = str(row.default)
    assert load_settings({}, {row.variable: text}, tmp_path).values[row.name] == row.default
    assert load_settings({row.name: row.default}, {}, tmp_path).values[row.name] == row.default
    quoted = f'"{text}"' if isinstance(row.default, str) else text.lower()
    write(tmp_path, f"{row.name} = {quoted}\n")
    assert load_settings({}, {}, tmp_path).values[row.name] == row.default
    assert type(load_settings({}, {}, tmp_path).values[row.name]) is type(row.default)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("workers", "many", "'many' is not a whole number"),
        ("workers", "", "'' is not a whole number"),
        ("workers", "1.5", "'1.5' is not a whole number"),
        ("workers", "-1", "-1 is too small"),
        ("batch_size", "-1", "-1 is too small"),
        ("item_timeout", "soon", "'soon' is not a number"),
        ("item_timeout", "0", "0.0 is too small"),
        ("item_timeout", "nan", "not a number"),
        ("min_decoded", "90", "90.0 is too large"),
        ("cutover_coverage", "1.01", "1.01 is too large"),
        ("follow_links", "maybe", "'maybe' is not yes or no"),
        ("log_level", "loud", "'loud' is not allowed"),
        ("log_format", "", "is not text"),
        ("owner", "", "'' is not text"),
        ("owner", "  ", "'  ' is not text"),
    ],
)
def test_a_bad_value_is_named_with_its_place(tmp_path: Path, name: str, text: str, reason: str) -> None:
    variable = BY_NAME[name].variable
    error = refusal(tmp_path, {variable: text})
    assert error.message.startswith(f"{variable}: ")
    assert reason in error.message
    flag = refusal(tmp_path, None, **{name: text})
    assert flag.message.startswith(f"--{name.replace('_', '-')}: ")
    write(tmp_path, f'{name} = "{text}"\n')
    assert refusal(tmp_path).message.startswith(f"{tmp_path / CONFIG_NAME}: ")


@pytest.mark.parametrize(
    "line",
    ["workers = true", "workers = [1]", 'owner = ["ada"]', "owner = 5", "item_timeout = false", "workers = 1.5",
     "workers = nan", "item_timeout = nan"],
)  # fmt: skip
def test_values_of_another_kind_in_the_file_are_refused(tmp_path: Path, line: str) -> None:
    write(tmp_path, f"{line}\n")
    assert str(tmp_path / CONFIG_NAME) in refusal(tmp_path).message


@pytest.mark.parametrize(
    ("word", "value"), [("yes", True), ("ON", True), ("1", True), ("no", False), ("off", False)]
)
def test_truth_has_many_words(tmp_path: Path, word: str, value: bool) -> None:
    assert load_settings({}, {"REPRISE_FOLLOW_LINKS": word}, tmp_path).flag("follow_links") is value


def test_allowed_words_are_named(tmp_path: Path) -> None:
    assert refusal(tmp_path, {"REPRISE_LOG_LEVEL": "loud"}).cure == "one of: debug, info, warning, error"


def test_an_unknown_name_in_the_file_is_refused_with_the_one_that_was_meant(tmp_path: Path) -> None:
    write(tmp_path, "wrokers = 2\n")
    error = refusal(tmp_path)
    assert "there is no setting 'wrokers'" in error.message
    assert error.cure == "did you mean workers?"
    write(tmp_path, "xyzzy = 2\n")
    assert "known are: acoustid_key, " in refusal(tmp_path).cure
    write(tmp_path, "[reprise]\nworkers = 2\n")
    assert "there is no setting 'reprise'" in refusal(tmp_path).message


def test_a_broken_file_is_named_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, "workers = 1\nworkers: 2\n")
    error = refusal(tmp_path)
    assert str(tmp_path / CONFIG_NAME) in error.message
    assert "line 2" in error.message
    (tmp_path / CONFIG_NAME).write_bytes(b"owner = '\xff'\n")
    assert "no valid TOML" in refusal(tmp_path).message
    (tmp_path / CONFIG_NAME).unlink()
    (tmp_path / CONFIG_NAME).mkdir()
    assert "cannot be read" in refusal(tmp_path).message


def test_variables_that_set_nothing_are_found_with_the_one_that_was_meant() -> None:
    environment = {
        "REPRISE_WORKERS": "1",
        "REPRISE_HOME": "/x",
        "REPRISE_WROKERS": "1",
        "REPRISE_QQ": "1",
        "PATH": "/",
    }
    assert unknown_variables(environment) == {"REPRISE_QQ": "", "REPRISE_WROKERS": "REPRISE_WORKERS"}


def test_quiet_hours_that_no_clock_shows_are_refused_where_they_are_set(tmp_path: Path) -> None:
    with pytest.raises(
        BadSetting, match="REPRISE_QUIET_HOURS: '25:00-26:00' holds a time that no clock shows"
    ):
        load_settings({}, {"REPRISE_QUIET_HOURS": "25:00-26:00"}, home=tmp_path)
    settings = load_settings({}, {"REPRISE_QUIET_HOURS": "07:00-23:00"}, home=tmp_path)
    assert settings.text("quiet_hours") == "07:00-23:00"
