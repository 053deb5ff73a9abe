"""The ablation leaves out one of the paper's parts at a time."""

from experiments.bench import regression
from jaxsplat.methods import find_method
from jaxsplat.pose import RegressedStarts


def test_each_setting_lacks_one_part() -> None:
    part = find_method("rpe_pad", "fast").starts
    assert isinstance(part, RegressedStarts)
    assert regression.settings(part, False) == {"all": part}
    found = regression.settings(part, True)
    whole = part.regression
    assert found["all"] == part
    layers = {name: each.regression.irprn.layers for name, each in found.items()}
    pairs = {name: each.regression.pairs for name, each in found.items()}
    views = {name: each.regression.noise.views for name, each in found.items()}
    for counts, name, full, without in (
        (layers, "without IRPRN", whole.irprn.layers, 0),
        (pairs, "without MPTS", whole.pairs, 1),
        (views, "without RVSS", whole.noise.views, 0),
    ):
        assert counts == {key: without if key == name else full for key in found}
