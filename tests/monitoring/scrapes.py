"""What Prometheus would have scraped of real processes, as series for `promql`."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.monitoring.promql import Labels

Samples = dict[Labels, float]

STEP_SECONDS = 60


@dataclass(frozen=True)
class Scrape:
    """All targets at one moment."""

    at: float
    samples: Samples

    @property
    def names(self) -> set[str]:
        return {dict(labels)["__name__"] for labels in self.samples}

    def value(self, name: str, **labels: str) -> float | None:
        wanted = {("__name__", name), *labels.items()}
        found = [value for of, value in self.samples.items() if wanted <= of]
        return sum(found) if found else None


def scrape(targets: Mapping[str, str]) -> Scrape:
    """Ask each of these targets: by the name of Prometheus's job, the address and port."""
    at, samples = time.time(), Samples()
    for job, instance in targets.items():
        target = {"job": job, "instance": instance}
        try:
            text = (
                httpx.get(f"http://{instance}/metrics", timeout=10, trust_env=False).raise_for_status().text
            )
        except httpx.HTTPError:
            samples[frozenset({"__name__": "up", **target}.items())] = 0
            continue
        samples[frozenset({"__name__": "up", **target}.items())] = 1
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if not sample.name.endswith("_created"):
                    labels = {"__name__": sample.name, **sample.labels, **target}
                    samples[frozenset(labels.items())] = sample.value
    return Scrape(at, samples)


@dataclass(frozen=True)
class History:
    """A scrape every minute: first `healthy` ones, then `faulty` ones, each state as it was last seen.

    A time (`…_timestamp_seconds`) that moved between two scrapes of a state goes on with the clock, at the
    age that it had; one that stood still stands still. Seconds count from the first scrape, which is at 0.
    """

    healthy: Sequence[Scrape]
    healthy_minutes: int
    faulty: Sequence[Scrape]
    faulty_minutes: int

    def series(self) -> dict[Labels, list[tuple[float, float]]]:
        found: dict[Labels, list[tuple[float, float]]] = {}
        stopped: dict[Labels, float] = {}
        for minute in range(self.healthy_minutes + self.faulty_minutes):
            state = self.healthy if minute < self.healthy_minutes else self.faulty
            now = float(minute * STEP_SECONDS)
            for labels, value in state[-1].samples.items():
                shown = value
                if dict(labels)["__name__"].endswith("_timestamp_seconds"):
                    moves = state[0].samples.get(labels) != value
                    shown = now - (state[-1].at - value)
                    shown = shown if moves else stopped.setdefault(labels, shown)
                found.setdefault(labels, []).append((now, shown))
        return found
