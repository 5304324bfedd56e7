"""``reprise serve``: the API, the web panel, and the jobs that they start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.app import App
    from reprise.server.listening import Listening


@click.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen on; 0.0.0.0: every one of this machine.")
@click.option("--port", type=int, help="Its port; 0: none, only the Unix socket.")
@click.option("--uds", metavar="PATH", help="Unix socket to listen on as well.")
@click.option(
    "--embed-socket", metavar="PATH", help="Unix socket for the one-line JSON protocol of embedding."
)
@click.option("--log-level", help="debug, info, warning or error, to standard error.")
@common_options
@example("reprise serve --host 0.0.0.0 --port 7744")
def serve(
    host: str | None,
    port: int | None,
    uds: str | None,
    embed_socket: str | None,
    log_level: str | None,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Serve the API and the web panel; run jobs, follow libraries, go on with what was under way.

    The first start makes an administrator and prints a password for a single use. Ctrl-C or SIGTERM ends it in
    order; jobs go on at the next start.
    """
    flags = {"host": host, "port": port, "uds": uds, "embed_socket": embed_socket, "log_level": log_level}
    with opened(owner, home, as_json=as_json, **flags) as app:
        from reprise.cli.render.log import server_logged
        from reprise.server.serving import serve_until_told

        app.catalogue(create=True)
        _welcome(app, as_json=as_json)
        with server_logged(app.settings.text("log_level"), app.settings.text("log_format")):
            return serve_until_told(app, lambda places: _tell(places, as_json=as_json))


def _welcome(app: App, *, as_json: bool) -> None:
    """The first start makes an administrator. A password that was made is shown now, and never again."""
    from reprise.server.accounts import Accounts

    made = Accounts(app).make_first()
    if made is None:
        return
    user, password = made
    if as_json:
        write_json({"event": "admin_created", "name": user.name, "password": password})
        return
    how = f"password, for a single use: {password}" if password else "password: that of the settings"
    click.echo(f"made the administrator {user.name}; {how}", err=True)


def _tell(places: Listening, *, as_json: bool) -> None:
    """Requests are answered from now on."""
    if as_json:
        write_json({"event": "listening", "url": places.url or None, "uds": places.uds or None})
    for place in filter(None, (places.url, places.uds)):
        click.echo(f"listening on {place}", err=True)
