"""How far norms and masks of two runs are apart."""

from safetensors import safe_open


def norms_apart(ours: str, expected: str) -> tuple[float, float]:
    """‖a - b‖ / ‖b‖ over the layers and norms of two files: the largest and the median."""
    with safe_open(ours, "pt") as one, safe_open(expected, "pt") as other:
        apart = sorted(
            float((one.get_tensor(name) - other.get_tensor(name)).norm() / other.get_tensor(name).norm())
            for name in other.keys()  # noqa: SIM118 - not a mapping
        )
    return apart[-1], apart[len(apart) // 2]


def masks_apart(ours: str, expected: str) -> float:
    """The share of the weights in which the masks of two files differ."""
    differing = weights = 0
    with safe_open(ours, "pt") as one, safe_open(expected, "pt") as other:
        for name in other.keys():  # noqa: SIM118 - not a mapping
            mask = other.get_tensor(name)
            differing += int((one.get_tensor(name) != mask).sum())
            weights += mask.numel()
    return differing / weights
