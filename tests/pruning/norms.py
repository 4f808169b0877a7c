"""Compares gradient norms bit for bit."""

import torch

from pruning.calibration.window_norms import GradientNorms


def assert_equal(found: GradientNorms, expected: GradientNorms) -> None:
    assert found.keys() == expected.keys() == {"l1", "l2"}
    for norm, layers in expected.items():
        assert list(found[norm]) == list(layers)
        for name, tensor in layers.items():
            assert torch.equal(found[norm][name], tensor), (norm, name)
