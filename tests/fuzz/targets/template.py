"""Templates: what is wrong has a place inside the text, and what is right gives names that any system takes."""

from __future__ import annotations

from reprise.core.renaming import Origin, Value
from reprise.errors import BadTemplate
from reprise.rename.names import ILLEGAL, MAX_BYTES, file_name
from reprise.rename.presets import SAMPLE
from reprise.rename.template import Severity, Template, check
from tests.fuzz.targets import check_said

_VALUES = {name: Value(text, Origin.TAG) for name, text in SAMPLE.items()}


def one(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    faults = check(text)
    for fault in faults:
        assert 0 <= fault.position <= fault.position + fault.length <= len(text), fault
        assert fault.message
    errors = [fault for fault in faults if fault.severity is Severity.ERROR]
    template = _parsed(text)
    if isinstance(template, BadTemplate):
        check_said(template)
        assert (template.position, template.length) in [(one.position, one.length) for one in errors]
        return
    assert not errors
    assert template.fields
    assert Template.parse(template.text).fields == template.fields
    _check_name(template, {})
    _check_name(template, _VALUES)
    odd = Value(text, Origin.TAG)
    _check_name(template, dict.fromkeys(template.fields, odd))
    for field in template.fields:
        _check_name(template, {field: odd})
        _check_name(template, {name: value for name, value in _VALUES.items() if name != field})


def _parsed(text: str) -> Template | BadTemplate:
    try:
        return Template.parse(text)
    except BadTemplate as error:
        return error


def _check_name(template: Template, values: dict[str, Value]) -> None:
    rendered = template.render(values)
    assert not ILLEGAL & set(rendered.stem)
    assert "\0" not in rendered.stem
    assert rendered.stem == rendered.stem.strip()
    assert len(rendered.stem.splitlines()) <= 1
    if not any(field in values for field in template.fields):
        assert not rendered.stem
        assert not rendered.values
    name = file_name(rendered.stem, ".mp3").text
    assert name.endswith(".mp3")
    assert len(name.encode()) <= MAX_BYTES
