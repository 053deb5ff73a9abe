"""PTAD (Zhuo et al.): poses by masks, and a network on photograph and depth."""

import dataclasses
from typing import Literal

from jaxsplat.features.config import IMAGENET_MEAN, IMAGENET_STD
from jaxsplat.features.mmpdn import MmpdnConfig
from jaxsplat.features.resnet import ResNetConfig
from jaxsplat.learning import Cosine, Steps, Training
from jaxsplat.methods.mmpdn_training import MmpdnLoss
from jaxsplat.methods.outline_inputs import FURTHER, NUMBERS
from jaxsplat.methods.outline_poses import OutlinePoses
from jaxsplat.pose.refine.adam_screw import AdamScrew
from jaxsplat.pose.refine.lm import Lm
from jaxsplat.pose.refine.stages import Stage
from jaxsplat.pose.starts.candidates import CandidateStarts
from jaxsplat.pose.starts.upright import UprightStarts
from jaxsplat.scene.meshes import Mesh2Splat

PresetName = Literal["fast", "paper"]
_LAYERS = ("layer1", "layer2", "layer3", "layer4")


@dataclasses.dataclass(frozen=True)
class Ptad:
    """A composition of the method.

    Attributes:
        poses: how poses are found.
        mesh: conversion of the cloud whose render is compared.
        network: that compares.
        loss: by which it is trained.
        training: how long and how fast.
        outlines: whether the network is shown outlines and edges beside brightness and
            depth, and whether defects are told by the masks' differences too.
        planted: defects planted for every normal photograph to train with.
        members: networks that are trained with other seeds; their logits' mean counts.
    """

    poses: OutlinePoses
    mesh: Mesh2Splat
    network: MmpdnConfig
    loss: MmpdnLoss
    training: Training
    outlines: bool
    planted: int
    members: int = 1


def _encoder(width: int, blocks: tuple[int, int, int, int]) -> ResNetConfig:
    return ResNetConfig(
        name="resnet18",
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        tapped=_LAYERS,
        blocks=blocks,
        bottleneck=False,
        width=width,
    )


def paper() -> Ptad:
    """Returns the method as published: 256 pixels, 20 epochs, batch 16, rate 2e-5.

    Where the paper is silent: see docs/papers.md.
    """
    network = MmpdnConfig(_encoder(64, (2, 2, 2, 2)))
    poses = OutlinePoses(
        Mesh2Splat(),
        CandidateStarts(),
        # With no weight on SSIM its loss on masks is Eq. 7.
        AdamScrew(steps=150, ssim_weight=0.0),
        solid=False,
    )
    training = Training(epochs=20, batch=16, rate=Steps(((0, 2e-5),)))
    return Ptad(
        poses, Mesh2Splat(), network, MmpdnLoss(network), training, False, planted=0
    )


# Coverage of closed surfaces needs no more cells than the network has pixels.
_COARSE, _FINE = Mesh2Splat(density=0.06), Mesh2Splat(density=0.25)
# All starts at 64 pixels, the five best again, and the three best of these at 128.
_STAGES = (
    Stage(4, renders=1, steps=8, scale=1.0, keep=5),
    Stage(4, renders=2, steps=6, scale=0.7, keep=3),
    Stage(2, renders=2, steps=6, scale=0.5),
)


def fast() -> Ptad:
    """Returns ours: many starts and Gauss-Newton on masks, outlines told to a small
    network, which also learns where anomalies are, and from planted ones.
    """
    encoder = _encoder(16, (1, 1, 1, 1))
    network = MmpdnConfig(
        encoder, side=128, channels=16, hidden=32, further=FURTHER, numbers=NUMBERS
    )
    poses = OutlinePoses(
        _COARSE,
        UprightStarts(k=12, solid=_COARSE.scale),
        Lm(stages=_STAGES, solid=_COARSE.scale),
        solid=True,
    )
    loss = MmpdnLoss(network, box=0.5, map=1.0, shift=0.5, flips=True)
    training = Training(
        epochs=12, batch=16, rate=Cosine(2e-3), weight_decay=1e-2, clip=1.0
    )
    return Ptad(poses, _FINE, network, loss, training, True, planted=2)


PRESETS = {"fast": fast, "paper": paper}
