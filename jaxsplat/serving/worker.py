"""The one thread that owns the device: batches in, findings written, answers out."""

import base64
import hashlib
import time
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsplat import data
from jaxsplat.methods import Detector, Inspection
from jaxsplat.pose import Outcome
from jaxsplat.report import findings
from jaxsplat.report.findings import Painter
from jaxsplat.report.journal import Journal
from jaxsplat.serving.jobs import Answer, Job
from jaxsplat.serving.service import Service


class Worker:
    """Inspects what waits. A photograph is answered 200 once its row is written."""

    def __init__(
        self,
        detector: Detector,
        identity: str,
        journal: Journal | None,
        service: Service,
    ) -> None:
        """Begins.

        Args:
            detector: that finds.
            identity: of the detector, `findings.identity`.
            journal: takes rows and pictures, or None.
            service: whose line is worked on.
        """
        self._detector = detector
        self._identity = identity
        self._journal = journal
        self._service = service
        self._painter = Painter.of(detector)

    def warm(self) -> float:
        """Compiles, and runs everything once; returns the seconds that it took."""
        begin = time.monotonic()
        self._detector.compile()
        width, height = self._service.limits.least
        # Nothing is there to be found, so that the second look is taken too.
        self._detector.inspect([np.full((height, width, 3), 255, np.uint8)])
        return time.monotonic() - begin

    def work(self, timeout_seconds: float) -> None:
        """Inspects and answers a batch, if there is one in time."""
        jobs = self._service.line.batch(timeout_seconds)
        if not jobs:
            return
        begin = time.monotonic()
        found = self._inspect(jobs)
        self._service.metrics.batch(len(jobs), time.monotonic() - begin)
        for job, one in zip(jobs, found, strict=True):
            job.answer.set_result(self._answer(job, one))

    def _inspect(self, jobs: Sequence[Job]) -> list[Inspection | Exception]:
        """Returns what is found; an error of a batch is sought in each alone."""
        try:
            return [*self._detector.inspect([job.content for job in jobs])]
        except Exception as error:
            if len(jobs) == 1:
                return [error]
            return [one for job in jobs for one in self._inspect([job])]

    def _answer(self, job: Job, found: Inspection | Exception) -> Answer:
        if isinstance(found, Exception):
            return Answer(500, {"error": f"the inspection failed: {_told(found)}"})
        if found.outcome == Outcome.UNREADABLE:
            return Answer(422, {"error": found.reason})
        try:
            row = self._written(job, found)
        except Exception as error:
            text = f"the finding could not be written: {_told(error)}"
            return Answer(500, {"error": text})
        seconds = time.monotonic() - job.arrived
        self._service.metrics.judged(row["verdict"], seconds)
        return Answer(200, row)

    def _written(self, job: Job, found: Inspection) -> dict[str, Any]:
        """Returns a finding's row, which stands in the journal then."""
        name = uuid.uuid4().hex
        row = {
            "id": name,
            "sha256": hashlib.sha256(job.content).hexdigest(),
            "detector": self._identity,
            **findings.row_of(found),
        }
        pictures = {}
        if job.wants_map or self._journal is not None:
            photograph = data.image_in(job.content, name)
            pictures = self._painter.draw(photograph, found)
        if self._journal is not None:
            row = self._journal.add(row, pictures, name)
        if job.wants_map:
            drawn = pictures.get("heat_map")
            encoded = None if drawn is None else base64.b64encode(drawn).decode()
            row = {**row, "heat_map_png": encoded}
        return row


def _told(error: Exception) -> str:
    """Returns an error in one line."""
    return " ".join(str(error).split()) or type(error).__name__
