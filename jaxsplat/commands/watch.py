"""Inspects photographs as they come into folders, until a signal."""

import pathlib
from collections.abc import Sequence

from jaxsplat.commands import watching
from jaxsplat.commands.told import Told
from jaxsplat.methods import Detector
from jaxsplat.pose import Outcome
from jaxsplat.report.journal import Journal
from jaxsplat.report.progress import Progress


def watch(
    detector: Detector,
    identity: str,
    folders: Sequence[pathlib.Path],
    journal: Journal | None,
    told: Told,
    progress: Progress,
    poll_seconds: float,
) -> None:
    """Tells findings until SIGINT or SIGTERM, and ends after the current batch.

    Args:
        detector: that finds.
        identity: of the detector, `findings.identity`.
        folders: that photographs come into.
        journal: holds the photographs that this detector has inspected before, or None.
        told: takes what is found.
        progress: takes remarks.
        poll_seconds: between two looks into the folders.
    """
    judged = {} if journal is None else _judged(journal, identity)
    arrivals = watching.Arrivals(folders, progress.note, judged)
    together = detector.method.together
    with watching.stop_on_signals() as stop:
        detector.compile()
        progress.note(f"watching {', '.join(map(str, folders))}")
        while not stop.is_asked:
            due, gone = arrivals.look()
            for path in gone:
                told.not_judged(path, "went away before it was inspected")
            for first in range(0, len(due), together):
                if stop.is_asked:
                    break
                batch = due[first : first + together]
                for path, found in zip(batch, detector.inspect(batch), strict=True):
                    is_read = found.outcome != Outcome.UNREADABLE
                    size, modified = arrivals.stamp(path)
                    if arrivals.may_tell(path, is_read):
                        origin = {
                            "bytes": size,
                            "modified_ns": modified,
                            "detector": identity,
                        }
                        told.tell(path, found, origin)
            stop.sleep(poll_seconds)
    for path in arrivals.waiting:
        told.not_judged(path, "was not inspected before the end")
    progress.note(
        "stopped; without --out, the same command inspects all that is there again"
        if journal is None
        else f"stopped; the same command goes on after the rows in {journal.folder}"
    )


def _judged(journal: Journal, identity: str) -> dict[str, tuple[int, int]]:
    """Returns size and time of change of what a detector has inspected, by its path."""
    return {
        row["file"]: (row["bytes"], row["modified_ns"])
        for row in journal.rows()
        if row.get("detector") == identity
        and row.keys() >= {"file", "bytes", "modified_ns"}
    }
