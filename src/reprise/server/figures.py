"""The figures of the installation as Prometheus reads them, in a registry of their own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from reprise import __version__
from reprise.server.job_view import job_facts
from reprise.server.machine import job_memory_mb
from reprise.server.meter import BUCKETS, Meter, Times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from reprise.core.figures import SpaceTotals
    from reprise.server.house import House

COUNTED_SECONDS = 60.0
"""Counting vectors reads the whole ledger, and counting what came out of videos all items: not for every look."""


class Figures(Collector):
    """Made once for a server."""

    def __init__(self, house: House, meter: Meter) -> None:
        self._house = house
        self._meter = meter
        self._lock = threading.Lock()
        self._known: tuple[float, list[SpaceTotals], dict[str, int]] = 0.0, [], {}
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Nothing: the registry would otherwise collect everything to learn the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("reprise_build_info", "The version that runs", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield from self._amounts()
        yield from self._work()
        yield from self._under_way()
        yield self._videos()
        yield self._vectors()
        yield from self._http()

    def _amounts(self) -> Iterator[Metric]:
        figures = self._house.app.catalogue().figures
        present, missing = figures.items()
        items = GaugeMetricFamily("reprise_items", "Items in the catalogue", labels=["state"])
        items.add_metric(["present"], present)
        items.add_metric(["missing"], missing)
        yield items
        jobs = GaugeMetricFamily("reprise_jobs", "Jobs by state", labels=["state"])
        for state, count in figures.jobs_by_state().items():
            jobs.add_metric([state], count)
        yield jobs
        yield GaugeMetricFamily("reprise_feed_rows", "Rows of the feed of events", figures.feed_rows())
        memory = job_memory_mb() * 2**20
        yield GaugeMetricFamily("reprise_job_memory_bytes", "Memory of the processes of jobs", memory)

    def _work(self) -> Iterator[Metric]:
        totals = self._house.app.catalogue().figures.operations()
        operations = CounterMetricFamily(
            "reprise_operations", "Operations of all jobs", labels=["model", "outcome"]
        )
        busy = CounterMetricFamily("reprise_busy_seconds", "Seconds that a model worked", labels=["model"])
        heard = CounterMetricFamily("reprise_audio_seconds", "Seconds of sound heard", labels=["model"])
        for total in totals:
            for outcome in ("done", "skipped", "failed"):
                operations.add_metric([total.model, outcome], getattr(total, outcome))
            busy.add_metric([total.model], total.seconds)
            heard.add_metric([total.model], total.audio_seconds)
        yield from (operations, busy, heard)

    def _under_way(self) -> Iterator[Metric]:
        catalogue = self._house.app.catalogue()
        labels = ["job_id", "library", "state"]
        percent = GaugeMetricFamily("reprise_job_percent", "How far a job is, 0 to 100", labels=labels)
        left = GaugeMetricFamily("reprise_job_operations_left", "What is left of a job to do", labels=labels)
        for owner, job_id in catalogue.figures.active_jobs():
            job = job_facts(self._house.of(owner), catalogue.jobs.get(owner, job_id))
            names = [job_id, job["library"], job["state"]]
            percent.add_metric(names, job["percent"])
            left.add_metric(names, job["operations"]["left"])
        yield from (percent, left)

    def _videos(self) -> Metric:
        items = GaugeMetricFamily(
            "reprise_video_items", "Videos and persons, and what came out of them", labels=["kind"]
        )
        for kind, count in self._counted()[1].items():
            items.add_metric([kind], count)
        return items

    def _vectors(self) -> Metric:
        vectors = GaugeMetricFamily(
            "reprise_vectors", "Vectors by space", labels=["owner", "model", "space", "state"]
        )
        for one in self._counted()[0]:
            vectors.add_metric([one.owner, one.model, one.space, one.state], one.vectors)
        return vectors

    def _counted(self) -> tuple[list[SpaceTotals], dict[str, int]]:
        with self._lock:
            at, spaces, items = self._known
            if not at or time.monotonic() - at > COUNTED_SECONDS:
                figures = self._house.app.catalogue().figures
                spaces, items = figures.spaces(), figures.video_items()
                self._known = time.monotonic(), spaces, items
            return spaces, items

    def _http(self) -> Iterator[Metric]:
        requests, times = self._meter.read()
        counted = CounterMetricFamily(
            "reprise_http_requests", "Requests that were answered", labels=["method", "route", "status"]
        )
        for (method, route, status), count in requests.items():
            counted.add_metric([method, route, str(status)], count)
        yield counted
        took = HistogramMetricFamily(
            "reprise_http_request_seconds",
            "Seconds until an answer begins",
            labels=["method", "route"],
        )
        for key, one in times.items():
            took.add_metric(list(key), _cumulated(one), one.seconds)
        yield took


def _cumulated(times: Times) -> list[tuple[str, float]]:
    """As Prometheus wants them: each bucket holds those before it."""
    so_far, buckets = 0, []
    for end, count in zip((*map(str, BUCKETS), "+Inf"), times.counts, strict=True):
        so_far += count
        buckets.append((end, float(so_far)))
    return buckets
