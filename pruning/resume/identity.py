"""The identity of a run: a resumed run continues with the same recipe, model and windows, or is refused."""

import json
from dataclasses import asdict, dataclass

from pruning.errors import InvalidInput
from pruning.recipe import ModelReference, Stage
from pruning.report import CalibrationFacts, ModelFacts
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import ResumeStore


@dataclass(frozen=True)
class RunIdentity:
    """Everything that must not change between the attempts of one run."""

    recipe: str  # the fingerprint
    commit: str | None  # of a model on the Hub
    digest: str | None  # of one in a directory
    calibration: str | None  # the fingerprint of the windows


class RunIdentityCheck:
    """Compares the identity of a run with the one that its first attempt committed to the resume store."""

    def __init__(self, resume_store: ResumeStore) -> None:
        self._resume_store = resume_store
        found = resume_store.begin(Stage.RESOLVE, {}).get(0)
        self._before = None if found is None else RunIdentity(**json.loads(found.path.read_text()))

    def pinned(self, reference: ModelReference) -> ModelReference:
        """Return the model at the commit that the first attempt resolved its branch to."""
        if self._before is None or self._before.commit is None:
            return reference
        return reference.model_copy(update={"revision": self._before.commit})

    def commit(self, recipe: str, model: ModelFacts, calibration: CalibrationFacts | None) -> None:
        """Commit the identity of a new run. Raise InvalidInput with the field if a resumed run differs."""
        fingerprint = calibration.fingerprint if calibration else None
        now = RunIdentity(recipe, model.commit, model.digest, fingerprint)
        if self._before is None:
            path = self._resume_store.directory(Stage.RESOLVE) / "identity.json"
            path.write_text(json.dumps(asdict(now)))
            self._resume_store.commit(Stage.RESOLVE, 0, HashedFile.of(path))
            return
        for name, field in (
            ("recipe", "recipe"),
            ("commit", "model.id"),
            ("digest", "model.id"),
            ("calibration", "calibration"),
        ):
            before, after = getattr(self._before, name), getattr(now, name)
            if before != after:
                raise InvalidInput(
                    f"the {name} of this run was {before} when it began and is {after} now: start a new run",
                    field=field,
                )
