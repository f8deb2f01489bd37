"""Figures for Prometheus: counts and times, nothing about a person or a commune."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

__all__ = ["AnswerFigures", "PageFigures"]

#: Bounds of the histograms, seconds: the aim is three seconds from pick to answer.
BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 120, 240)


disable_created_metrics()  # half of the lines, of use to nobody


class AnswerFigures:
    """What the analysis service did."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answers = Counter(
            "eo_answers", "Questions answered, by what came of them.",
            ("method", "theme", "outcome"), registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "eo_answer_seconds", "From question to answer.", ("method", "theme", "kept"),
            buckets=BUCKETS, registry=self.registry,
        )  # fmt: skip

    def count(self, method: str, theme: str, outcome: str, kept: bool, seconds: float) -> None:
        """One answer. ``outcome`` is ``answer`` or the kind of the error."""
        self.answers.labels(method, theme, outcome).inc()
        self.seconds.labels(method, theme, str(kept).lower()).observe(seconds)

    def text(self) -> str:
        """Prometheus' text format."""
        return generate_latest(self.registry).decode()


class PageFigures:
    """What the page's server did."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "eo_http_requests", "Requests, by route and status.", ("route", "status"),
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "eo_http_seconds", "From request to its last byte.", ("route",),
            buckets=BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.refused = Counter(
            "eo_messages_refused", "Messages of pages that were not let through.", ("kind",),
            registry=self.registry,
        )  # fmt: skip
        self.sessions = Gauge("eo_sessions", "Sessions of visitors.", registry=self.registry)
        self.most = Gauge("eo_sessions_limit", "Sessions that may be.", registry=self.registry)
        self.heated = Gauge("eo_kernels_ready", "Sessions made ready.", registry=self.registry)
        self.turned_away = Gauge(
            "eo_visitors_waited", "Times that the waiting page was shown.", registry=self.registry
        )
        self.taken_back = Gauge(
            "eo_sessions_taken_back", "Sessions ended for want of a page.", registry=self.registry
        )
        self.died = Gauge("eo_sessions_died", "Sessions that died.", registry=self.registry)
        self.service = Gauge(
            "eo_service_up", "1 if the analysis service answers.", registry=self.registry
        )

    def text(self) -> str:
        """Prometheus' text format."""
        return generate_latest(self.registry).decode()
