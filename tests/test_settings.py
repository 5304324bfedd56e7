"""Settings: one table; a file is weaker than the environment, the environment than a flag."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprise.errors import BadSetting
from reprise.known_settings import SETTINGS
from reprise.settings import BY_NAME, CONFIG_NAME, Origin, load_settings, reload_settings, unknown_variables


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


URL = "postgresql://reprise:w%2Frd@db/reprise"


def test_a_secret_is_read_from_the_file_that_its_variable_names(tmp_path: Path) -> None:
    secret = tmp_path / "catalogue_url"
    secret.write_text(f"{URL}\n")
    write(tmp_path, 'catalogue_url = "postgresql://elsewhere/x"\n')
    settings = load_settings({}, {"REPRISE_CATALOGUE_URL_FILE": str(secret)}, tmp_path)
    assert settings.text("catalogue_url") == URL
    assert settings.origin("catalogue_url") is Origin.ENVIRONMENT
    assert URL not in repr(settings)


def test_a_process_is_told_of_the_file_and_not_of_the_secret(tmp_path: Path) -> None:
    secret = tmp_path / "catalogue_url"
    secret.write_text(URL)
    given = {"REPRISE_CATALOGUE_URL_FILE": str(secret), "REPRISE_STORE": "pgvector"}
    settings = load_settings({"workers": 3}, given, tmp_path)
    assert settings.variables() == {**given, "REPRISE_WORKERS": "3"}
    assert load_settings({}, settings.variables(), tmp_path).values == settings.values


def test_settings_that_are_read_again_find_a_secret_that_was_changed(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("old")
    given = {"REPRISE_ENDPOINT_KEY_FILE": str(secret), "REPRISE_STORE": "pgvector"}
    settings = load_settings({"workers": 3}, given, tmp_path)
    secret.write_text("new")
    again = reload_settings(settings)
    assert (again.text("endpoint_key"), again.text("store"), again.whole("workers")) == ("new", "pgvector", 3)
    assert again.origins == settings.origins
    assert again.variables() == settings.variables()


def test_an_empty_name_of_a_file_is_none(tmp_path: Path) -> None:
    given = {"REPRISE_ENDPOINT_KEY_FILE": "", "REPRISE_ENDPOINT_KEY": "sesame"}
    assert load_settings({}, given, tmp_path).text("endpoint_key") == "sesame"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "holds no secret"),
        (b" \n", "holds no secret"),
        (b"sesame\nstreet\n", "holds no secret"),
        (b"ses\0ame", "holds no secret"),
        (b"s" * (64 * 1024 + 1), "holds no secret"),
        (b"s\xe9same", "is no text"),
    ],
)
def test_a_file_without_one_secret_is_refused_without_telling_what_is_in_it(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    error = refusal(tmp_path, {"REPRISE_ENDPOINT_KEY_FILE": str(secret)})
    assert error.message == f"REPRISE_ENDPOINT_KEY_FILE: {secret} {reason}"
    assert "same" not in error.message + error.cure
    assert error.__cause__ is None


def test_a_folder_and_a_path_that_is_none_are_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path, {"REPRISE_ENDPOINT_KEY_FILE": str(tmp_path)}).message
    assert "cannot be read" in refusal(tmp_path, {"REPRISE_ENDPOINT_KEY_FILE": "a\0b"}).message


def test_a_secret_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a")
    given = {"REPRISE_ENDPOINT_KEY_FILE": str(secret), "REPRISE_ENDPOINT_KEY": "sesame"}
    error = refusal(tmp_path, given)
    assert error.message == "REPRISE_ENDPOINT_KEY_FILE: REPRISE_ENDPOINT_KEY is set as well"


def test_a_secret_from_a_file_passes_the_checks_of_its_setting(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("short\n")
    error = refusal(tmp_path, {"REPRISE_JWT_SECRET_FILE": str(secret)})
    assert error.message == "REPRISE_JWT_SECRET_FILE: too short"


def test_only_secrets_come_from_files() -> None:
    assert unknown_variables({"REPRISE_CATALOGUE_URL_FILE": "x", "REPRISE_STORE_FILE": "x"}) == {
        "REPRISE_STORE_FILE": "REPRISE_STORE_URL_FILE"
    }


def test_the_settings_page_names_those_that_may_come_from_files() -> None:
    page = (Path(__file__).parent.parent / "docs" / "settings.md").read_text(encoding="utf-8")
    told = page.partition("**Secrets**")[2].partition("\n\n")[0]
    assert [row.name for row in SETTINGS if row.secret and f"`{row.name}`" not in told] == []
