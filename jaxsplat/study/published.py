"""Figures of the papers, for the columns beside ours; never measured here.

They are on data that is not at hand (MAD-Sim at 800 pixels, RAD) and on GPUs, so they
can be set beside figures of other objects but not compared with them. Shares are in
per cent, as printed.
"""

import re
from typing import NamedTuple


class Means(NamedTuple):
    """Means over MAD-Sim's 20 classes in per cent, None where none was given."""

    image_auroc: float
    pixel_auroc: float | None = None
    aupro: float | None = None
    pixel_ap: float | None = None


# Kruse et al. 2024, tables 1 and 2, also of OmniAD (Zhou et al. 2023); RPE-PAD, tables
# 1 and 2; IGSPAD (MM 2024), tables 1 and 2.
METHODS = ("OmniAD", "SplatPose", "RPE-PAD", "IGSPAD")
MEANS = {
    "OmniAD": Means(90.9, 98.4, 86.6),
    "SplatPose": Means(93.9, 99.5, 95.8),
    "RPE-PAD": Means(93.8, 99.2, 96.2),
    "IGSPAD": Means(97.96, 99.74, None, 75.53),
}
# Image AUROC of MAD-Sim's classes: OmniAD, SplatPose, its deviation over five seeds,
# RPE-PAD, IGSPAD; from the same tables.
_MAD_SIM = {
    "Gorilla": (93.6, 91.7, 1.1, 88.3, 96.1),
    "Unicorn": (94.0, 97.9, 1.1, 96.4, 99.7),
    "Mallard": (84.7, 97.4, 0.5, 97.5, 100.0),
    "Turtle": (95.6, 97.2, 0.7, 98.3, 99.1),
    "Whale": (82.5, 95.4, 3.0, 98.3, 96.3),
    "Bird": (92.4, 94.0, 1.2, 92.1, 99.9),
    "Owl": (88.2, 86.8, 0.9, 89.7, 98.5),
    "Sabertooth": (95.7, 95.2, 1.5, 96.2, 99.6),
    "Swan": (86.5, 93.0, 0.7, 89.1, 97.2),
    "Sheep": (90.1, 96.7, 0.1, 92.6, 94.2),
    "Pig": (88.3, 96.1, 1.9, 96.5, 98.1),
    "Zalika": (88.2, 89.9, 0.7, 89.2, 92.6),
    "Phoenix": (82.3, 84.2, 0.3, 85.1, 98.4),
    "Elephant": (92.5, 94.7, 0.9, 94.5, 99.7),
    "Parrot": (97.0, 96.1, 1.1, 98.0, 99.0),
    "Cat": (84.9, 82.4, 1.3, 88.7, 97.7),
    "Scorpion": (91.5, 99.2, 0.1, 93.7, 100.0),
    "Obesobeso": (97.1, 95.7, 0.7, 97.3, 94.4),
    "Bear": (98.8, 98.9, 0.2, 99.1, 99.9),
    "Puppy": (93.5, 96.1, 0.9, 94.3, 98.9),
}
# Image AUROC of RAD's classes: OmniAD, SplatPose, RPE-PAD; RPE-PAD, table 3.
_RAD = {
    "binderclip": (48.0, 52.1, 72.1),
    "bowl": (37.0, 80.6, 84.2),
    "box": (62.0, 55.5, 84.9),
    "can": (46.3, 37.7, 69.6),
    "charger": (51.5, 57.4, 71.3),
    "cup1": (48.5, 81.2, 77.6),
    "cup2": (54.4, 48.1, 65.9),
    "glue": (62.6, 42.3, 81.5),
    "phonecase": (53.4, 32.7, 82.7),
    "rubberduck": (33.0, 26.9, 69.1),
    "spoon": (37.3, 70.9, 88.3),
    "spraybottle": (51.6, 60.2, 86.9),
    "tennisball": (37.6, 91.6, 71.4),
}
# Share of training views: image AUROC and AUPRO; Kruse et al. 2024, table 5.
SPARSE_VIEWS = {
    20: {"OmniAD": (67.2, 73.7), "SplatPose": (77.6, 86.5)},
    40: {"OmniAD": (79.1, 81.5), "SplatPose": (89.3, 93.3)},
    60: {"OmniAD": (82.2, 85.0), "SplatPose": (92.2, 95.0)},
    80: {"OmniAD": (86.8, 86.8), "SplatPose": (93.1, 95.5)},
    100: {"OmniAD": (90.9, 86.6), "SplatPose": (93.9, 95.8)},
}
# Pose steps of SplatPose: image AUROC. That of 25 is read in Kruse et al. 2024,
# section 4.5, that of 175 in table 1; figure 3 gives no other number.
STEPS = {25: 61.0, 175: 93.9}
# Without any optimisation for a photograph: image AUROC, pixel AUROC, AUPRO; RPE-PAD,
# table 5.
WITHOUT_REFINEMENT = {
    "OmniAD": Means(60.8, 91.3, 69.5),
    "SplatPose": Means(60.9, 91.0, 68.5),
    "RPE-PAD": Means(93.8, 99.2, 96.2),
}

# Mean translation error in scene units and rotation error in radians, on training views
# that were held out, of MAD-Sim and of NeRF-synthetic; Kruse et al. 2024, table 4.
POSE_ERRORS = {
    "coarse (LoFTR)": {"mad": (0.803, 0.163), "synthetic": (0.624, 0.084)},
    "iNeRF": {"mad": (0.179, 0.056), "synthetic": (0.055, 0.007)},
    "SplatPose": {"mad": (0.094, 0.040), "synthetic": (0.021, 0.003)},
}


class Seconds(NamedTuple):
    """Seconds a photograph, on one NVIDIA RTX 3090; RPE-PAD, table 4."""

    pose: float
    rendering: float
    detection: float
    total: float


SECONDS = {
    "OmniAD": Seconds(55.047, 3.277, 0.003, 58.327),
    "SplatPose": Seconds(4.095, 0.005, 0.003, 4.103),
    "RPE-PAD": Seconds(0.006, 0.002, 0.003, 0.011),
}
# Seconds of training, and of a photograph without its coarse pose, on one NVIDIA RTX
# 3090; Kruse et al. 2024, table 3.
TRAINING_SECONDS = {"OmniAD": 16423.0, "SplatPose": 294.0}
QUERY_SECONDS = {"OmniAD": 66.0, "SplatPose": 5.0}


def image_auroc(category: str) -> dict[str, float]:
    """Returns the image AUROC of a class of MAD-Sim or RAD by method, in per cent.

    Args:
        category: its name, with or without a number before it, as in "01Gorilla".

    Returns:
        Nothing for other objects.
    """
    name = re.sub(r"^[0-9]+[ _-]?", "", category)
    for known, values in _MAD_SIM.items():
        if known.lower() == name.lower():
            omni, splatpose, _, rpe, igspad = values
            return dict(zip(METHODS, (omni, splatpose, rpe, igspad), strict=True))
    found = _RAD.get(name.lower())
    return {} if found is None else dict(zip(METHODS, found))
