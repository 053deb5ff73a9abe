"""Local features of images, and which of two images' show the same point.

`detect` finds and describes keypoints, `match` tells which belong together. Weights of
XFeat and LighterGlue come with the package; those of the other networks in
`registry.py` are read from converted files.
"""

from jaxsplat.matchers.network import (
    KeypointDetector,
    KeypointMatcher,
    detect,
    load_detector,
    load_matcher,
    match,
)
from jaxsplat.matchers.records import Keypoints, Matches

__all__ = [
    "KeypointDetector",
    "Keypoints",
    "KeypointMatcher",
    "Matches",
    "detect",
    "load_detector",
    "load_matcher",
    "match",
]
