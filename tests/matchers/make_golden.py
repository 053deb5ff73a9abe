"""Rewrites golden.npz with kornia's XFeat and LightGlue and the bundled weights.

Run in an environment of its own, from the root of the repository:

    pip install torch==2.13.0 && pip install kornia==0.9.0 safetensors pillow
    python -m tests.matchers.make_golden

The inputs are two neighbouring photographs of the bundled sample at 192 pixels, which
the file holds as bytes. Outputs are the best keypoints of each, with every eighth
descriptor, and which of the two's belong together.
"""

import pathlib

import kornia.feature as kornia
import numpy as np
import safetensors.torch
import torch
from PIL import Image

HERE = pathlib.Path(__file__).parent
PACKAGE = HERE.parents[1] / "jaxsplat"
WEIGHTS = PACKAGE / "matchers" / "weights"
VIEWS = PACKAGE / "data" / "sample" / "01Penguin" / "train" / "good"
SIDE, COUNT = 192, 96


def xfeat() -> kornia.XFeat:
    """Returns XFeat with the bundled weights; what refines matches is never called."""
    model = kornia.XFeat().eval()
    state = safetensors.torch.load_file(str(WEIGHTS / "xfeat.safetensors"))
    missing, unexpected = model.net.load_state_dict(state, strict=False)
    assert not unexpected
    assert all("fine_matcher" in n or "num_batches" in n for n in missing)
    return model


def lighterglue() -> kornia.LightGlue:
    """Returns LighterGlue with the bundled weights, no layer left out."""
    model = kornia.LightGlue(
        None,
        input_dim=64,
        descriptor_dim=96,
        n_layers=6,
        num_heads=1,
        depth_confidence=-1,
        width_confidence=-1,
        flash=False,
    ).eval()
    state = safetensors.torch.load_file(str(WEIGHTS / "lighterglue.safetensors"))
    _, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected
    return model


def main() -> None:
    images = np.stack(
        [
            np.asarray(Image.open(VIEWS / name).convert("RGB").resize((SIDE, SIDE)))
            for name in ("067.png", "094.png")
        ]
    )
    result = {"images": images}
    scaled = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    found = xfeat().detectAndCompute(scaled, top_k=COUNT)
    size = torch.tensor([[SIDE, SIDE]])
    data = {}
    for n, of_image in enumerate(found):
        for key in ("keypoints", "scores"):
            result[f"{key}{n}"] = of_image[key].numpy()
        result[f"descriptors{n}"] = of_image["descriptors"][::8].numpy()
        data[f"image{n}"] = {
            "keypoints": of_image["keypoints"][None],
            "descriptors": of_image["descriptors"][None],
            "image_size": size,
        }
    with torch.no_grad():
        matched = lighterglue()(data)
    result["partner"] = matched["matches0"][0].numpy().astype(np.int16)
    result["match_scores"] = matched["matching_scores0"][0].numpy()
    np.savez_compressed(HERE / "golden.npz", **result)
    print({key: value.shape for key, value in result.items()})
    print((HERE / "golden.npz").stat().st_size, "bytes")
    print("matches", int((result["partner"] >= 0).sum()))


if __name__ == "__main__":
    main()
