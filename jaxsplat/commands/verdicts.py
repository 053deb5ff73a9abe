"""What a detector can tell, in lines for people."""

from jaxsplat.methods import Detector


def why_none(detector: Detector) -> str:
    """Returns why a detector gives no photograph a verdict, "" where it gives them."""
    if detector.unfit:
        return detector.unfit
    if detector.threshold is not None:
        return ""
    if detector.fitted is None or not detector.fitted.held_out:
        return (
            "no good view was kept apart from the fit to tell a threshold; take 10 "
            "photographs or more"
        )
    return (
        f"none of the {len(detector.fitted.held_out)} good views that the fit did not "
        "see was found at its pose"
    )


def summary(detector: Detector) -> list[str]:
    """Returns the numbers of a fit, and whether verdicts are possible, a line each."""
    fitted = detector.fitted
    if fitted is None:
        return []
    lines = [
        f"fitted {len(fitted.views)} views, {len(fitted.held_out)} kept apart: "
        f"{fitted.gaussians:,} Gaussians, PSNR {fitted.psnr:.1f} dB",
        f"seconds: fit {fitted.seconds:.0f}, parts {fitted.prepare_seconds:.0f}, "
        f"compilation {fitted.compile_seconds:.0f}",
    ]
    if detector.quality is not None:
        lines.append(f"held-out good views: {detector.quality.told}")
    if reason := why_none(detector):
        return [*lines, f"verdicts: none are possible: {reason}"]
    told = (
        f"verdicts: possible; scores above {detector.threshold:.6g} are defects, as "
        f"{len(fitted.calibrated_on)} good views tell that the fit did not see"
    )
    return [*lines, told]
