"""The measurements of one model, and the observers that compare the predictions of two."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Protocol, Self

from torch import Tensor
from transformers import PreTrainedModel

from pruning.evaluation.cache import DenseMeasurement
from pruning.evaluation.final_states import Comparison, Fidelity, Recorder, differences_outside_blocks
from pruning.evaluation.perplexity import EvaluationSet
from pruning.evaluation.token_losses import Observe
from pruning.evaluation.zero_shot import Score
from pruning.recipe import Stage
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import ResumeStore

_FIRST_STATES = 2
"""The block number under which the final states on the first text are committed to the resume store."""


@dataclass(frozen=True)
class Measurement:
    """The measurements of one model."""

    losses: list[Sequence[float]]  # on each text, the mean of each window
    scores: list[Score]
    over_limit: bool = False  # on the first text, and not measured further
    reused: bool = False  # all of its losses were known
    states: list[str | None] = field(default_factory=list)  # of the dense model's final states, the SHA-256
    fidelity: list[Fidelity | None] = field(default_factory=list)  # of the pruned model; None: not compared

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        stored = json.loads(path.read_text())
        scores = [Score(**score) for score in stored["scores"]]
        fidelity = [Fidelity(**found) if found else None for found in stored["fidelity"]]
        return cls(**stored | {"scores": scores, "fidelity": fidelity})

    def write(self, path: Path) -> None:
        """Write JSON, from which floats come back bit for bit."""
        path.write_text(json.dumps(asdict(self)))


class Observers(Protocol):
    """Observes a model while it is measured, text by text."""

    def observing(
        self, number: int, text: EvaluationSet, model: PreTrainedModel
    ) -> AbstractContextManager[Observe | None]:
        """Return a context in which text `number` is measured, and its observer."""

    def complete(self, measurement: Measurement) -> Measurement:
        """Add the observations to the measurement."""


class Recording:
    """Of the dense model: its final states on each text, in files that the resume store commits."""

    def __init__(self, resume_store: ResumeStore, texts: int) -> None:
        self._resume_store = resume_store
        self.files: list[HashedFile | None] = [None] * texts
        """By number of text; None for a model that cannot be compared by its final states."""

    def use(self, known: Mapping[int, HashedFile | None]) -> None:
        """Use known files for some texts, which are then not observed."""
        for number, file in known.items():
            self.files[number] = file

    def found(
        self,
        wanted: Sequence[str | None],
        stored: Mapping[int, HashedFile],
        known: Mapping[int, DenseMeasurement],
    ) -> bool:
        """Take an earlier attempt's files, by their SHA-256; return whether all are stored or known."""
        available = [*stored.values(), *(measured.states for measured in known.values())]
        by_hash = {file.sha256: file for file in available if file is not None}
        self.files = [by_hash.get(sha256) if sha256 else None for sha256 in wanted]
        return all(file or not sha256 for file, sha256 in zip(self.files, wanted, strict=True))

    @contextmanager
    def observing(self, number: int, text: EvaluationSet, model: PreTrainedModel) -> Iterator[Observe | None]:
        """While active, write the final states; then commit them."""
        path = self._resume_store.directory(Stage.EVALUATE) / f"final-states-{number}.safetensors"
        recorder = Recorder(path, text.windows)
        try:
            yield recorder
        finally:
            file = self.files[number] = recorder.close()
        if file is not None:
            self._resume_store.commit(Stage.EVALUATE, _FIRST_STATES + number, file)

    def complete(self, measurement: Measurement) -> Measurement:
        return replace(measurement, states=[file.sha256 if file else None for file in self.files])


class Comparing:
    """Of the pruned model: how near its predictions are to those of the dense model's final states."""

    def __init__(self, states: Sequence[HashedFile | None]) -> None:
        """`states`: of the dense model, by number of text."""
        self._states = states
        self._dense_head: Mapping[str, Tensor] | None = None
        self._fidelity: list[Fidelity | None] = []

    @property
    def is_possible(self) -> bool:
        """Whether there are final states on any text."""
        return any(self._states)

    def note_differences(self, dense: PreTrainedModel, pruned: PreTrainedModel) -> None:
        """Keep the dense model's tensors that its logits need and the pruned model has others for."""
        self._dense_head = differences_outside_blocks(dense, pruned)

    @contextmanager
    def observing(self, number: int, text: EvaluationSet, model: PreTrainedModel) -> Iterator[Observe | None]:
        """While active, compare, where that is possible."""
        states = self._states[number]
        if states is None or self._dense_head is None:
            yield None
            self._fidelity.append(None)
            return
        length = text.windows.shape[1]
        comparison = Comparison(states.path, model, self._dense_head, length=length)
        yield comparison
        self._fidelity.append(comparison.result())

    def complete(self, measurement: Measurement) -> Measurement:
        return replace(measurement, fidelity=self._fidelity)
