"""What a record of the log says of the work that it belongs to, and what it never says."""

from __future__ import annotations

import json
import logging
import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import pytest

from reprise.cli.render.log import adapters_logged, make_log, server_logged
from reprise.cli.render.masking import masked
from reprise.core.events import JobError, JobStarted, ModelUnloaded
from reprise.core.spec import PIPELINE_VERSION
from reprise.log_facts import records_say

if TYPE_CHECKING:
    from tests.harness import Home

PASSWORD = "s3same-str33t"
log = logging.getLogger("reprise.engine")


def records(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def lose(url: str) -> None:
    raise ConnectionError(f"cannot reach {url}")


def test_a_record_says_of_which_job_slice_owner_and_worker_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with server_logged("info", "json"), records_say(worker="gpu-1/7", spec_version="2026-11-21"):
        log.info("waiting")
        with records_say(job_id="ab12", owner="ada", spec_version="2026-12-01"), records_say(slice=3):
            log.warning("slow")
        log.info("waiting again")
    waiting, slow, again = records(capsys)
    outside = {"worker": "gpu-1/7", "spec_version": "2026-11-21"}
    facts = {"spec_version": "2026-12-01", "owner": "ada", "job_id": "ab12", "slice": 3, "worker": "gpu-1/7"}
    assert {name: slow[name] for name in facts} == facts
    for record in (waiting, again):
        assert {name: record[name] for name in outside} == outside
        assert not {"job_id", "owner", "slice"} & record.keys()


def test_what_an_event_says_itself_stands(capsys: pytest.CaptureFixture[str]) -> None:
    emit = make_log("info", "json")
    with records_say(job_id="other", spec_version="2026-11-21", owner="ada"):
        emit(
            JobStarted(
                job_id="ab12",
                spec_version="2026-12-01",
                models=(),
                items=1,
                operations=1,
                to_do=1,
                resumed=False,
            )
        )
        emit(ModelUnloaded(job_id="ab12", model="m"))
    started, unloaded = records(capsys)
    assert (started["job_id"], started["spec_version"], started["owner"]) == ("ab12", "2026-12-01", "ada")
    assert (unloaded["job_id"], unloaded["spec_version"], unloaded["owner"]) == ("ab12", "2026-11-21", "ada")


def test_threads_say_what_held_where_the_log_was_set_up_and_no_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with records_say(worker="gpu-1/7"), server_logged("info", "json"), records_say(job_id="ab12"):
        for target in (log.info, copy_context().run):
            thread = threading.Thread(target=target, args=("a",) if target == log.info else (log.info, "b"))
            thread.start()
            thread.join()
    bare, copied = records(capsys)
    assert (bare["worker"], copied["worker"]) == ("gpu-1/7", "gpu-1/7")
    assert "job_id" not in bare
    assert copied["job_id"] == "ab12"


def test_facts_end_with_their_work_also_when_it_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with server_logged("info", "json"):
        with pytest.raises(ValueError, match="broken"), records_say(job_id="ab12"):
            raise ValueError("broken")
        log.info("after")
    assert "job_id" not in records(capsys)[0]


def test_a_fact_that_nobody_knows_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="job"), records_say(job="ab12"):
        pass


def test_in_text_the_facts_stand_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    with records_say(job_id="ab12", spec_version="2026-11-21"), server_logged("info", "text"):
        log.info("slow")
    assert "spec_version=2026-11-21 job_id=ab12" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", "text"])
def test_every_record_of_a_job_names_the_pipeline_the_job_and_its_owner(home: Home, form: str) -> None:
    home.add("a", "b")
    variables = {"REPRISE_LOG_FORMAT": form, "REPRISE_LOG_LEVEL": "debug"}
    done = home.embed("--model", "null", "--owner", "ada", **variables)
    lines = [line for line in done.stderr.splitlines() if "level" in line]
    assert len(lines) > 5
    if form == "text":
        assert all(f"spec_version={PIPELINE_VERSION}" in line for line in lines)
        return
    found = [json.loads(line) for line in lines]
    assert {record["spec_version"] for record in found} == {PIPELINE_VERSION}
    job = done.last["job_id"]
    after = [
        record
        for record in found
        if record["event"] not in {"scan_started", "scan_progress", "scan_finished"}
    ]
    assert {(record["job_id"], record["owner"]) for record in after} == {(job, "ada")}


def test_a_version_that_is_raised_is_said_from_then_on(home: Home) -> None:
    home.add("a")
    variables = {
        "REPRISE_LOG_FORMAT": "json",
        "REPRISE_LOG_LEVEL": "info",
        "REPRISE_STEP_VERSIONS": "scene_image=2",
    }
    done = home.run("scan", str(home.music), **variables)
    versions = {json.loads(line)["spec_version"] for line in done.stderr.splitlines() if line.startswith("{")}
    assert versions == {f"{PIPELINE_VERSION}+scene_image.2"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"cannot reach postgresql://reprise:{PASSWORD}@db:5432/x", "cannot reach postgresql://reprise:***@db:5432/x"),
        (f"redis://:{PASSWORD}@redis:6379/0", "redis://:***@redis:6379/0"),
        (f"amqps://u:{PASSWORD}@a/%2F and http://v:{PASSWORD}@b", "amqps://u:***@a/%2F and http://v:***@b"),
        (f"https://u:p@{PASSWORD}/{PASSWORD}@host/x", "https://u:***@host/x"),
        (f"connection to host=db user=u password={PASSWORD} failed", "connection to host=db user=u password=*** failed"),
        (f"password='{PASSWORD} {PASSWORD}'", "password=***"),
        (f'{{"api_key": "{PASSWORD}"}}', '{"api_key": ***}'),
        (f"GET /x?token={PASSWORD}&page=2", "GET /x?token=***&page=2"),
        (f"Authorization: Bearer rpr_{PASSWORD}", "Authorization: Bearer ***"),
        ("nothing to hide: http://host:7744/x, //a/b, me@example.org", "nothing to hide: http://host:7744/x, //a/b, me@example.org"),
        ("5 tokens: 2 passwords", "5 tokens: 2 passwords"),
    ],
)  # fmt: skip
def test_secrets_in_texts_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert PASSWORD not in masked(text)


def test_a_long_text_of_nothing_but_beginnings_of_addresses_is_masked_in_time() -> None:
    import time

    began = time.monotonic()
    masked("@" + "//:" * 30_000)
    masked("password=" * 30_000)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_way_into_the_log_carries_a_password(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"postgresql://reprise:{PASSWORD}@db/x"
    with records_say(worker=url), adapters_logged("info", form):
        log.warning("lost %s", url)
        log.warning("lost", extra={"url": url})
        try:
            lose(url)
        except ConnectionError:
            log.exception("lost it")
        make_log("info", form, {"note": url})(
            JobError(job_id="j", code="catalogue_away", message=f"no {url}", cure=url)
        )
    said = capsys.readouterr().err
    assert said.count("postgresql://reprise:***@db/x") >= 5
    assert PASSWORD not in said
