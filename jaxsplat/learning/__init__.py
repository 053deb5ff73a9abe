"""Training of networks: settings, loop, learning rates, checkpoints.

`train` minimises a loss over shuffled epochs, one XLA program a step. Networks are Flax
modules as settings and flat dictionaries of parameters (`initial`, `apply`).
"""

from jaxsplat.learning.checkpoints import Checkpoint, keeping, named
from jaxsplat.learning.loop import Epoch, Loss, Trained, Training, take, train
from jaxsplat.learning.modules import Architecture, Params, apply, initial
from jaxsplat.learning.schedules import Cosine, Steps

__all__ = [
    "Architecture",
    "Checkpoint",
    "Cosine",
    "Epoch",
    "Loss",
    "Params",
    "Steps",
    "Trained",
    "Training",
    "apply",
    "initial",
    "keeping",
    "named",
    "take",
    "train",
]
