"""The divergence of the predictions of a pruned model from those of the dense model, token by token.

The dense model's final states, its last block's outputs at the positions that predict a token, are written to
a file while its perplexity is measured. While the pruned model's is, the head makes the dense logits of them
again, a few positions at a time. So the two models are compared without being in memory at once, no logits
are stored, and runs that share the file do not run the dense model's blocks again.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor
from transformers import PreTrainedModel

from pruning.estimate.pieces import DENSE_HEAD_TOKENS
from pruning.evaluation.perplexity import predictions_in
from pruning.evaluation.token_losses import Scored
from pruning.models.blocks import find_stack
from pruning.report.intervals import MOST_KEPT, text_intervals
from pruning.resume.hashed_file import HashedFile, RowsFile

_NAME = "final_states"

# Logits that are compared at a time. A CPU holds little in addition to the pruned model's logits; a GPU is
# kept busy.
_LOGITS_AT_ONCE = {"cpu": 1 << 18, "cuda": 1 << 25}


@dataclass(frozen=True)
class Fidelity:
    """Divergence from the dense model and agreement with it: the means over each window's predictions."""

    window_kl: list[float]  # of KL(dense ‖ pruned), in nats
    window_agreement: list[float]  # shares of tokens for which both models find the same one most probable

    @property
    def kl(self) -> float:
        """The mean over all windows; never negative, except by rounding."""
        return max(0.0, fmean(self.window_kl))

    @property
    def agreement(self) -> float:
        """The mean over all windows."""
        return fmean(self.window_agreement)


def window_facts(
    dense: Sequence[float], result: Sequence[float], fidelity: Fidelity | None
) -> dict[str, Any]:
    """Return what a report has of all windows of a text. `dense`, `result`: the losses of each window.

    Losses are in a millionth of a nat, and left out where there are very many.
    """
    by_window = (fidelity.window_kl, fidelity.window_agreement) if fidelity else ()
    return {
        "kl": fidelity.kl if fidelity else None,
        "agreement": fidelity.agreement if fidelity else None,
        "intervals": text_intervals(dense, result, *by_window),
        "window_losses": tuple(round(loss, 6) for loss in result) if len(result) <= MOST_KEPT else (),
    }


class Recorder:
    """Writes the final states of the model that is measured; an `Observe`."""

    def __init__(self, path: Path, windows: Tensor) -> None:
        """`windows`: as for `window_losses`."""
        self._path, self._windows = path, windows
        self._file: RowsFile | None = None

    def __call__(self, scored: Scored) -> None:
        """Append the states of the chunk's predicting positions."""
        states = scored.hidden.flatten(0, 1)[_predicting(scored, self._windows.shape[1])]
        if self._file is None:
            self._file = RowsFile(self._path, _NAME, states, predictions_in(self._windows))
        self._file.append(states)

    def close(self) -> HashedFile | None:
        """Return the file, (predicted tokens, features); None where not all positions were observed."""
        return self._file.close() if self._file else None


class Comparison:
    """Compares the model that is measured with the dense one, by the latter's final states; an `Observe`."""

    def __init__(
        self, states: Path, model: PreTrainedModel, dense_head: Mapping[str, Tensor], *, length: int
    ) -> None:
        """Compare with the `states` that a `Recorder` has written for the same windows.

        `model`: the measured one. `dense_head`: the dense model's tensors that it has others for, see
        `differences_outside_blocks`.
        """
        self._model, self._dense_head = model, dict(dense_head)
        self._length = length
        with safe_open(states, framework="pt") as file:  # memory-mapped: read as it is used
            self._states = file.get_tensor(_NAME)
        self._done = 0
        self._kl = self._agreeing = torch.empty(0)  # of each predicted token, where the logits are

    def __call__(self, scored: Scored) -> None:
        """Compare the predictions at the chunk's predicting positions."""
        device = scored.logits.device
        pruned = scored.logits.flatten(0, 1)
        places = _predicting(scored, self._length)
        if not len(places):
            return
        if not self._done:
            dtype = torch.promote_types(scored.logits.dtype, torch.float32)
            self._kl = torch.empty(len(self._states), dtype=dtype, device=device)
            self._agreeing = torch.empty_like(self._kl, dtype=torch.bool)
        with self._dense_tensors():
            for rows in torch.split(places, DENSE_HEAD_TOKENS[device.type]):
                states = self._states[self._done : self._done + len(rows)].to(device)
                self._compare(scored.head(states[None])[0], pruned, rows)

    def result(self) -> Fidelity | None:
        """Return the means over the predicted tokens of each window.

        None where they were not all observed, and where the divergence is not finite: the pruned model rules
        out a token that the dense one does not, or the logits of one of them are not numbers.
        """
        if self._done != len(self._states):
            return None
        kl, agreeing = (
            of_tokens.view(-1, self._length - 1).double().mean(1).cpu()
            for of_tokens in (self._kl, self._agreeing)
        )
        return Fidelity(kl.tolist(), agreeing.tolist()) if kl.isfinite().all() else None

    def _compare(self, dense: Tensor, pruned: Tensor, rows: Tensor) -> None:
        """Compare the next positions. `dense`: (positions, vocabulary); `pruned` has those in its `rows`."""
        at_once = max(1, _LOGITS_AT_ONCE[dense.device.type] // dense.shape[1])
        for ours, where in zip(torch.split(dense, at_once), torch.split(rows, at_once), strict=True):
            here = slice(self._done, self._done + len(where))
            self._kl[here], self._agreeing[here] = compared(ours, pruned[where])
            self._done = here.stop

    @contextmanager
    def _dense_tensors(self) -> Iterator[None]:
        """While active, what surrounds the blocks is the dense model's."""
        replaced = {name: _tensor(self._model, name) for name in self._dense_head}
        own = {name: tensor.data for name, tensor in replaced.items()}
        try:
            for name, tensor in replaced.items():
                self._dense_head[name] = tensor.data = self._dense_head[name].to(tensor.device, tensor.dtype)
            yield
        finally:
            for name, tensor in replaced.items():
                tensor.data = own[name]


def compared(dense: Tensor, pruned: Tensor) -> tuple[Tensor, Tensor]:
    """Return KL(dense ‖ pruned) in nats, and whether the largest logits agree, for each position.

    Logits are (positions, vocabulary); the results (positions,), in float32 (float64 for float64 logits).
    A token that is impossible for the dense model adds nothing, as 0·ln 0 = 0.
    """
    dtype = torch.promote_types(dense.dtype, torch.float32)
    ours, theirs = dense.to(dtype).log_softmax(-1), pruned.to(dtype).log_softmax(-1)
    differences = torch.sub(ours, theirs, out=theirs)  # in their places: logits are large
    terms = differences.mul_(ours.exp_()).masked_fill_(ours == 0, 0.0)
    return terms.sum(-1), dense.argmax(-1) == pruned.argmax(-1)


def differences_outside_blocks(dense: PreTrainedModel, pruned: PreTrainedModel) -> dict[str, Tensor] | None:
    """Return copies of the dense model's tensors outside the blocks that are others in the pruned one.

    They are all that its logits depend on besides the last block's output. Buffers that no checkpoint holds
    are none of them: a model has rotary frequencies for the kinds of blocks that it has. None where the
    models cannot be compared, because these tensors have other names or shapes.
    """
    of_dense, of_pruned = _outside_blocks(dense), _outside_blocks(pruned)
    shapes = [{name: tensor.shape for name, tensor in found.items()} for found in (of_dense, of_pruned)]
    if shapes[0] != shapes[1]:
        return None
    differing = (name for name, tensor in of_dense.items() if not torch.equal(tensor, of_pruned[name]))
    return {name: of_dense[name].detach().clone() for name in differing}


def _outside_blocks(model: PreTrainedModel) -> dict[str, Tensor]:
    stack = find_stack(model)
    inside = {tensor for block in stack.blocks for tensor in _named(block.module).values()}
    stored = model.state_dict().keys()
    return {name: tensor for name, tensor in _named(model).items() if tensor not in inside and name in stored}


def _named(module: torch.nn.Module) -> dict[str, Tensor]:
    return dict(chain(module.named_parameters(), module.named_buffers()))


def _tensor(model: PreTrainedModel, name: str) -> Tensor:
    owner, _, attribute = name.rpartition(".")
    found: Tensor = getattr(model.get_submodule(owner), attribute)
    return found


def _predicting(scored: Scored, length: int) -> Tensor:
    """Return the chunk's predicting positions, as indices into (windows · positions), on its device.

    All but the last of a window predict.
    """
    width = len(scored.positions)
    predicting = min(scored.positions.stop, length - 1) - scored.positions.start
    places = torch.arange(len(scored.windows) * width).view(-1, width)[:, : max(0, predicting)]
    return places.flatten().to(scored.hidden.device)
