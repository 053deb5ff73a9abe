"""What a run leaves for people: its folder, figures, tables, page and progress line."""

from jaxsplat.report.content import (
    CategoryReport,
    Chart,
    FitView,
    Line,
    PartRow,
    QueryRow,
    ShownForeground,
)
from jaxsplat.report.html_section import write_section
from jaxsplat.report.locks import Lock
from jaxsplat.report.numbers import (
    CalibrationSummary,
    CategoryMetrics,
    PartSummary,
    PoseSummary,
    QuerySeconds,
    Seconds,
    VerdictSummary,
)
from jaxsplat.report.poses import PoseRow
from jaxsplat.report.progress import Progress
from jaxsplat.report.results import CategoryFolder, Place
from jaxsplat.report.run_folder import RunFolder
from jaxsplat.report.summary import metrics_record
from jaxsplat.report.tables import text_table

__all__ = [
    "CategoryFolder",
    "CategoryMetrics",
    "CategoryReport",
    "Chart",
    "FitView",
    "Line",
    "Lock",
    "PartRow",
    "PartSummary",
    "Place",
    "PoseRow",
    "CalibrationSummary",
    "PoseSummary",
    "VerdictSummary",
    "Progress",
    "QueryRow",
    "QuerySeconds",
    "RunFolder",
    "Seconds",
    "ShownForeground",
    "metrics_record",
    "text_table",
    "write_section",
]
