"""What the web panel costs in a real Chromium: first rows, a scroll from end to end, a jump, the map."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from playwright.sync_api import sync_playwright

from benchmarks.big_library import GENRES, KEYS, fill_catalogue, fill_space
from benchmarks.measure import Row, report
from benchmarks.served import PASSWORD, served
from reprise.app import App
from reprise.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, Page, Route

    from benchmarks.served import Served

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
RUNS = 5
VECTORS = 50
"""Only so many: the panel asks for a map when a model has any, and the map itself is made up here."""

FRAMES = 300
STEP_PX = 300
"""Pixels that each frame of the steady scroll goes on: about eight rows."""
ENDS = 400
"""Steps of the scroll from end to end."""

REAL = "div[role='row'].row-of:not([aria-busy])"
SCROLL = """
async ([frames, step]) => {
  const grid = document.querySelector('[role=grid]')
  const inView = () => {
    const { top, bottom } = grid.getBoundingClientRect()
    return [...grid.querySelectorAll('.row-of:not([aria-busy])')].some((row) => {
      const box = row.getBoundingClientRect()
      return box.bottom > top + 34 && box.top < bottom
    })
  }
  const next = () => new Promise(requestAnimationFrame)
  let [filled, blank, most] = [performance.now(), 0, 0]
  const times = []
  for (let at = 0; at < frames || !inView(); at += 1) {
    const began = performance.now()
    if (at < frames) grid.scrollTop += step
    await next()
    const now = performance.now()
    times.push(now - began)
    if (inView()) filled = now
    blank = Math.max(blank, now - filled)
    most = Math.max(most, grid.querySelectorAll('[role=row]').length)
  }
  times.sort((a, b) => a - b)
  return { blank, most, p50: times[times.length >> 1], p95: times[Math.floor(times.length * 0.95)], top: grid.scrollTop }
}
"""
JUMP = """
async (last) => {
  const grid = document.querySelector('[role=grid]')
  const began = performance.now()
  grid.scrollTop = grid.scrollHeight
  const there = () => grid.querySelector(`.row-of[aria-rowindex="${last}"]:not([aria-busy])`)
  while (!there()) await new Promise(requestAnimationFrame)
  return performance.now() - began
}
"""
FIRST_ROWS = f"""
() => new Promise((done) => {{
  const look = () => document.querySelector("{REAL}") ? done(performance.now()) : requestAnimationFrame(look)
  look()
}})
"""
DRAWN = """
() => new Promise((done) => {
  const at = (name) => performance.getEntriesByName(name).at(-1)?.startTime
  const look = () => (at('map-drawn') ? done(at('map-drawn') - at('map-data')) : setTimeout(look, 20))
  look()
})
"""


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument(
        "--many", type=int, default=1_000_000, help="tracks of the largest catalogue; 0: none"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for tracks in filter(None, (options.tracks, options.many)):
            with _panel(browser, tracks) as page:
                for row in _table(page, tracks):
                    report([row], arguments)
                    rows.append(row)
                if tracks == options.tracks:
                    row = _map(page, tracks)
                    report([row], arguments)
                    rows.append(row)
        browser.close()
    return rows


@contextmanager
def _panel(browser: Browser, tracks: int) -> Iterator[Page]:
    """A page of somebody who is signed in to a server over so many tracks."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        home = Path(folder) / "home"
        with App(load_settings({}, home=home)) as app:
            app.catalogue(create=True)
            fill_catalogue(app, Path(folder) / "music", tracks)
            fill_space(app, VECTORS)
        with served(home, REPRISE_WATCH="no") as server:
            context = browser.new_context(base_url=server.url, viewport={"width": 1280, "height": 800})
            context.set_default_timeout(120_000)
            _sign_in(context.request, server)
            yield context.new_page()
            context.close()


def _sign_in(request: Any, server: Served) -> None:
    who = {"name": "admin", "password": PASSWORD}
    assert request.post("/api/v1/auth/login", data=who, headers={"Origin": server.url}).ok


def _table(page: Page, tracks: int) -> Iterator[Row]:
    firsts = []
    for _ in range(RUNS):
        page.goto("/")
        firsts.append(page.evaluate(FIRST_ROWS))
    first, cold = statistics.median(firsts[1:]), firsts[0]
    yield Row(f"panel, {tracks:,}: first rows", f"{first:.0f} ms", f"cold {cold:.0f} ms", None, "", None)

    run = page.evaluate(SCROLL, [FRAMES, STEP_PX])
    text = f"{FRAMES} frames of {STEP_PX} px, p50 {run['p50']:.0f} p95 {run['p95']:.0f} ms"
    blank = run["blank"]
    yield Row(f"panel, {tracks:,}: longest blank", f"{blank:.0f} ms", text, None, "≤ 200 ms", blank <= 200)

    height = page.evaluate("() => document.querySelector('[role=grid]').scrollHeight")
    page.evaluate("() => document.querySelector('[role=grid]').scrollTo({ top: 0 })")
    whole = page.evaluate(SCROLL, [ENDS, height / ENDS])
    most = max(run["most"], whole["most"])
    yield Row(f"panel, {tracks:,}: rows in the document", f"{most}", "", None, "< 200", most < 200)
    heap = _heap_mb(page)
    text = f"after {ENDS} steps from end to end"
    yield Row(f"panel, {tracks:,}: JavaScript heap", f"{heap:.1f} MB", text, None, "< 150 MB", heap < 150)

    page.goto("/")
    page.evaluate(FIRST_ROWS)
    jump = page.evaluate(JUMP, tracks + 1)
    yield Row(f"panel, {tracks:,}: jump to the last row", f"{jump:.0f} ms", "", None, "", None)


def _heap_mb(page: Page) -> float:
    """What is in use after a collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return float(used) / 2**20


def _map(page: Page, points: int) -> Row:
    """From the answer's arrival to the last point drawn. The answer is made up: laying it out is the server's work."""
    answer = json.dumps(_made_up(points))

    def give(route: Route) -> None:
        route.fulfill(body=answer, content_type="application/json")

    page.route("**/api/v1/map?*", give)
    times = []
    for _ in range(RUNS):
        page.goto("/map")
        times.append(page.evaluate(DRAWN))
    drawn = statistics.median(times)
    text = f"{len(answer) / 2**20:.1f} MiB; slowest {max(times):.0f} ms"
    return Row(f"panel: map of {points:,} points", f"{drawn:.0f} ms", text, None, "< 2000 ms", drawn < 2000)


def _made_up(points: int) -> dict[str, Any]:
    """A map as the API gives it."""
    random = np.random.default_rng(1)
    clusters = 24
    cluster = random.integers(0, clusters, points)
    centres = random.uniform(-0.8, 0.8, (clusters, 2))
    places = np.clip(centres[cluster] + random.normal(0, 0.06, (points, 2)), -1, 1).round(4)
    return {
        "state": "ready",
        "model": "acoustic",
        "space": "acoustic-1",
        "method": "t-SNE",
        "made_at": 1.0,
        "count": points,
        "ids": list(range(1, points + 1)),
        "x": places[:, 0].tolist(),
        "y": places[:, 1].tolist(),
        "cluster": cluster.tolist(),
        "genre": {"names": list(GENRES), "of": random.integers(-1, len(GENRES), points).tolist()},
        "key": {"names": list(KEYS), "of": random.integers(-1, len(KEYS), points).tolist()},
        "clusters": [
            {
                "id": n,
                "label": f"Cluster {n}",
                "count": int((cluster == n).sum()),
                "x": float(x),
                "y": float(y),
            }
            for n, (x, y) in enumerate(centres)
        ],
        "seen": points,
        "problem": "",
    }


if __name__ == "__main__":
    main(sys.argv[1:])
