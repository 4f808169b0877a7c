"""What a run began with: one that is taken up goes on with the same, or not at all."""

import json
from dataclasses import asdict, dataclass

from pruning.errors import InvalidInput
from pruning.recipe import ModelReference, Stage
from pruning.report.schema import CalibrationFacts, ModelFacts
from pruning.resume.store import ResumeStore


@dataclass(frozen=True)
class RunIdentity:
    """Everything that must not change between the attempts of one run."""

    recipe: str  # the fingerprint
    commit: str | None  # of a model on the Hub
    digest: str | None  # of one in a directory
    calibration: str | None  # the fingerprint of the windows


class RunIdentityCheck:
    """The subject of a run, as its first attempt has noted it in the resume store."""

    def __init__(self, resume_store: ResumeStore) -> None:
        """Look what was noted."""
        self._resume_store = resume_store
        found = resume_store.begin(Stage.RESOLVE, {}).get(0)
        self._before = None if found is None else RunIdentity(**json.loads(found.read_text()))

    def model(self, reference: ModelReference) -> ModelReference:
        """The same model as then: by the commit that its branch meant."""
        if self._before is None or self._before.commit is None:
            return reference
        return reference.model_copy(update={"revision": self._before.commit})

    def note(self, recipe: str, model: ModelFacts, calibration: CalibrationFacts | None) -> None:
        """Note the subject, or raise InvalidInput, naming the field, where it is not what it was."""
        fingerprint = calibration.fingerprint if calibration else None
        now = RunIdentity(recipe, model.commit, model.digest, fingerprint)
        if self._before is None:
            path = self._resume_store.directory(Stage.RESOLVE) / "subject.json"
            path.write_text(json.dumps(asdict(now)))
            self._resume_store.commit(Stage.RESOLVE, 0, path)
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
