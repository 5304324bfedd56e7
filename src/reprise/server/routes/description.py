"""The description of the API for people: a page of this package, nothing from elsewhere."""

from __future__ import annotations

import html
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

router = APIRouter(prefix="/api/v1", tags=["health"])

STYLE = """\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
code, .method { font-family: ui-monospace, monospace; }
.method { font-weight: 700; display: inline-block; min-width: 4.5rem; }
section { border-top: 1px solid; padding: .5rem 0 1rem; }
h3 { margin: .5rem 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; }
td, th { padding: .1rem 1rem .1rem 0; text-align: left; vertical-align: top; }
"""


@router.get("/docs", response_class=HTMLResponse, include_in_schema=False)
def page(request: Request) -> str:
    """Every route with its parameters and answers."""
    return describe(request.app.openapi())


@router.get("/docs.css", include_in_schema=False)
def style() -> Response:
    return Response(STYLE, media_type="text/css")


def describe(description: dict[str, Any]) -> str:
    """An OpenAPI document as a page."""
    title = html.escape(f"{description['info']['title']} {description['info']['version']}")
    groups: dict[str, list[str]] = {}
    for path, methods in description["paths"].items():
        for method, facts in methods.items():
            groups.setdefault(facts.get("tags", ["other"])[0], []).append(_route(method, path, facts))
    links = " · ".join(f'<a href="#{tag}">{tag}</a>' for tag in map(html.escape, groups))
    body = "".join(
        f'<h2 id="{html.escape(tag)}">{html.escape(tag)}</h2>{"".join(routes)}'
        for tag, routes in groups.items()
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: API</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="docs.css"></head><body>'
        f'<h1>{title}: API</h1><p>For programs: <a href="openapi.json">openapi.json</a>. Errors are'
        " <code>{code, message, cure, fields}</code>. Sign in with a cookie, or send"
        f" <code>Authorization: Bearer TOKEN</code>.</p><nav>{links}</nav>{body}</body></html>"
    )


def _route(method: str, path: str, facts: dict[str, Any]) -> str:
    told = html.escape(facts.get("description", facts.get("summary", ""))).replace("\n\n", "<br>")
    rows = "".join(_parameter(parameter) for parameter in facts.get("parameters", ()))
    rows += _body(facts.get("requestBody", {}))
    rows += "".join(_answer(status, answer) for status, answer in facts.get("responses", {}).items())
    head = f'<span class="method">{html.escape(method.upper())}</span> <code>{html.escape(path)}</code>'
    return f"<section><h3>{head}</h3><p>{told}</p><table>{rows}</table></section>"


def _parameter(parameter: dict[str, Any]) -> str:
    needed = "" if parameter.get("required") else "?"
    kind = _kind(parameter.get("schema", {}))
    return _row(
        f"{parameter['name']}{needed}", f"{parameter['in']}, {kind}", parameter.get("description", "")
    )


def _body(body: dict[str, Any]) -> str:
    return "".join(
        _row("body", f"{media}, {_kind(content.get('schema', {}))}", body.get("description", ""))
        for media, content in body.get("content", {}).items()
    )


def _answer(status: str, answer: dict[str, Any]) -> str:
    content = answer.get("content", {})
    kinds = ", ".join(f"{media}: {_kind(facts.get('schema', {}))}" for media, facts in content.items())
    return _row(f"→ {status}", kinds, answer.get("description", ""))


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if options := schema.get("anyOf"):
        return " | ".join(_kind(option) for option in options)
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", "any"))
