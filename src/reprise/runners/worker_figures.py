"""The figures of a supervisor's workers as Prometheus reads them. They come over pipes, so no process cuts into another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from reprise import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prometheus_client.core import Metric

    from reprise.runners.supervisor import Worker

KIND = "text/plain; version=0.0.4; charset=utf-8"


class WorkerFigures(Collector):
    """``queue``: messages that wait, ``waiting``: jobs that nobody is at; ``None``: not known now."""

    def __init__(
        self,
        workers: Sequence[Worker],
        queue: Callable[[], int | None],
        waiting: Callable[[], int | None],
    ) -> None:
        self._workers = workers
        self._queue = queue
        self._waiting = waiting
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
        yield from self._processes()
        yield from self._work()
        yield self._errors()
        yield from self._to_do()

    def _processes(self) -> Iterator[Metric]:
        labels = ["worker", "device"]
        up = GaugeMetricFamily("reprise_worker_up", "Whether the worker process lives", labels=labels)
        busy = GaugeMetricFamily("reprise_worker_busy", "Whether it is at a job", labels=labels)
        restarts = CounterMetricFamily(
            "reprise_worker_restarts", "How often it was started again", labels=labels
        )
        for worker in self._workers:
            names = _names(worker)
            up.add_metric(names, worker.up)
            busy.add_metric(names, worker.up and worker.totals.beat.get("job_id") is not None)
            restarts.add_metric(names, max(0, worker.totals.starts - 1))
        yield from (up, busy, restarts)

    def _work(self) -> Iterator[Metric]:
        slices = CounterMetricFamily(
            "reprise_worker_slices", "Slices by how they ended", labels=["worker", "device", "end"]
        )
        operations = CounterMetricFamily(
            "reprise_worker_operations",
            "Operations that it finished",
            labels=["worker", "device", "model", "outcome"],
        )
        seconds = CounterMetricFamily(
            "reprise_worker_busy_seconds", "Seconds at jobs", labels=["worker", "device"]
        )
        for worker in self._workers:
            names, totals = _names(worker), worker.totals
            seconds.add_metric(names, totals.all_seconds())
            for end, count in totals.all_slices().items():
                slices.add_metric([*names, end], count)
            for model, (done, failed) in totals.all_operations().items():
                operations.add_metric([*names, model, "done"], done)
                operations.add_metric([*names, model, "failed"], failed)
        yield from (slices, operations, seconds)

    def _errors(self) -> Metric:
        errors = GaugeMetricFamily(
            "reprise_worker_last_error_timestamp_seconds",
            "When it last met an error, by the error's code",
            labels=["worker", "device", "code"],
        )
        for worker in self._workers:
            if code := worker.totals.beat.get("error"):
                errors.add_metric([*_names(worker), code], worker.totals.beat.get("error_at", 0.0))
        return errors

    def _to_do(self) -> Iterator[Metric]:
        told = (
            ("reprise_queue_messages", "Messages that no worker has taken", self._queue()),
            ("reprise_jobs_waiting", "Jobs that wait for a worker", self._waiting()),
        )
        for name, text, value in told:
            if value is not None:
                yield GaugeMetricFamily(name, text, value)


def _names(worker: Worker) -> list[str]:
    return [str(worker.post.number), worker.post.device]
