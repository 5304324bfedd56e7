"""Events in words, for every renderer that speaks to people."""

from __future__ import annotations

import functools

from reprise.cli.common import counted, duration
from reprise.core import events


@functools.singledispatch
def sentence(event: events.Event) -> str:
    """One line for a person; empty for events that only machines want."""
    del event
    return ""


@sentence.register
def _(event: events.ScanStarted) -> str:
    return f"scanning {event.root}"


@sentence.register
def _(event: events.ScanFinished) -> str:
    changes = ("new", "changed", "retagged", "touched", "moved", "returned", "missing", "removed")
    facts = [f"{getattr(event, name):,} {name}" for name in changes if getattr(event, name)]
    if event.problems:
        facts.append(counted(event.problems, "problem"))
    found = ", ".join(facts)
    return (
        f"scanned {counted(event.files, 'file')} in {duration(event.seconds)}: {found or 'nothing changed'}"
    )


@sentence.register
def _(event: events.JobStarted) -> str:
    verb = "resumes" if event.resumed else "started"
    every = event.items * len(event.models) == event.operations
    return (
        f"job {event.job_id} {verb} (spec {event.spec_version}): {counted(event.items, 'item')}"
        f"{' ×' if every else ','} {counted(len(event.models), 'model')}{' =' if every else ','}"
        f" {counted(event.operations, 'operation')}, {event.to_do:,} to do"
    )


@sentence.register
def _(event: events.ModelStarted) -> str:
    return (
        f"model {event.position} of {event.of}: {event.model}, {event.to_do:,} of"
        f" {counted(event.total, 'operation')} to do, {counted(event.workers, 'process', 'processes')},"
        f" {event.coverage}"
    )


@sentence.register
def _(event: events.ModelNotice) -> str:
    return f"{event.model}: {event.text}"


@sentence.register
def _(event: events.ModelLoaded) -> str:
    place = f" on {event.placement}" if event.placement else ""
    return f"{event.model} loaded in {duration(event.seconds)}{place}, {event.memory_mb:,.0f} MB"


@sentence.register
def _(event: events.Progress) -> str:
    operations = event.operations
    eta = "" if event.eta_seconds is None else f", about {duration(event.eta_seconds)} left"
    return (
        f"{event.percent:.1f} %: {operations.finished:,} of {counted(operations.total, 'operation')},"
        f" {operations.failed:,} failed, {counted(event.items, 'item')}{eta}  {event.current}"
    )


@sentence.register
def _(event: events.ItemFailed) -> str:
    again = " (will be tried again)" if event.will_retry else ""
    return f"failed: {event.path}: {event.reason}{again}"


@sentence.register
def _(event: events.BatchResized) -> str:
    return f"{event.model}: {event.reason}"


@sentence.register
def _(event: events.ModelUnloaded) -> str:
    return f"{event.model} unloaded"


@sentence.register
def _(event: events.ModelFinished) -> str:
    if event.error:
        return f"{event.model} failed: {event.error}"
    steps = f", memory asked for {counted(event.memory_steps, 'step')}" if event.memory_steps else ""
    return f"{event.model}: {event.done:,} done, {event.skipped:,} skipped, {event.failed:,} failed{steps}"


@sentence.register
def _(event: events.SpaceSwitched) -> str:
    before = f" instead of {event.previous}" if event.previous else ""
    kept = (
        "" if event.neighbours_kept is None else f"; {event.neighbours_kept:.0%} of the neighbours are kept"
    )
    if not event.dimension:
        return f"{event.model} holds {counted(event.vectors, 'item')} in {event.space} now{before}"
    return f"search with {event.model} answers from {event.space} now{before} ({counted(event.vectors, 'vector')}{kept})"


@sentence.register
def _(event: events.SpaceCleared) -> str:
    return f"the space {event.space} is cleared"


@sentence.register
def _(event: events.SpaceHeld) -> str:
    return f"the space {event.space} does not take over yet: {event.reason}"


@sentence.register
def _(event: events.JobError) -> str:
    return f"reprise: {event.message}" + (f"\n  cure: {event.cure}" if event.cure else "")


@sentence.register
def _(event: events.JobFinished | events.PartFinished) -> str:
    operations, items = event.operations, event.items
    text = (
        f"{event.state.replace('_', ' ')}: {operations['done']:,} of"
        f" {counted(operations['total'], 'operation')} done in {duration(event.seconds)},"
        f" {operations['skipped']:,} skipped, {operations['failed']:,} failed"
        f" ({counted(items['total'], 'item')}, {items['failed']:,} with failures)"
    )
    if event.state == "paused":
        return f"{text}; the same command goes on"
    if not operations["done"] and not operations["failed"] and event.state == "completed":
        return f"nothing to do: {counted(operations['total'], 'operation')} up to date"
    return text


@sentence.register
def _(event: events.RenameStarted) -> str:
    verb = "gives old names back to" if event.undo else "renames"
    return f"session {event.session_id} {verb} {counted(event.total, 'file')}"


@sentence.register
def _(event: events.RenameProgress) -> str:
    if event.code:
        return f"{event.result}: {event.current}: {event.reason}"
    return f"{event.percent:.1f} %: {event.done:,} of {counted(event.total, 'file')}  {event.current}"


@sentence.register
def _(event: events.RenameNotice) -> str:
    return event.text


@sentence.register
def _(event: events.RenameFinished) -> str:
    state = event.state.replace("_", " ")
    why = f": {event.error}" if event.error else ""
    return (
        f"session {event.session_id} {state}{why}: {event.done:,} of {counted(event.total, 'file')},"
        f" {event.failed:,} failed, in {duration(event.seconds)}"
    )
