"""The field types of requests and recipes. Strings are free of control characters, numbers are bounded."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

_MAX_GROUP = 256
_HUB_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_HUB_ID = re.compile(rf"{_HUB_NAME}(?:/{_HUB_NAME})?")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_GROUP = re.compile(r"([1-9][0-9]{0,2}):([1-9][0-9]{0,2})")


@dataclass(frozen=True, slots=True)
class ErrorMessage:
    """Annotation: every validation error of the type has this message; pydantic's would quote a pattern."""

    message: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Wrap the schema of the type."""
        return core_schema.custom_error_schema(
            handler(source), custom_error_type="in_words", custom_error_message=self.message
        )


class StrictModel(BaseModel):
    """An immutable model that refuses unknown fields, infinities and NaN."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True
    )


def refuse_unprintable(value: str) -> str:
    """Return the text. Raises ValueError for characters that cannot be stored, or that disguise the text.

    JSON allows NUL, control characters and lone surrogates; PostgreSQL and UTF-8 do not. Bidirectional marks
    and line separators make a name look like another one, or like two lines.
    """
    if any(unicodedata.category(character) in _UNPRINTABLE or character in _DIRECTION for character in value):
        raise ValueError(
            "must not contain control characters, lone surrogates, line separators or marks of direction"
        )
    return value


_UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")

# The explicit marks of Unicode's bidirectional algorithm (UAX 9).
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

Text = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(refuse_unprintable)]


def is_local(reference: str) -> bool:
    """Whether a model or dataset reference is a path. What exists on disk makes no difference."""
    return reference.startswith("/")


def absolute_path(value: str) -> str:
    """The path without trailing slashes. Raises ValueError if it has a `..`."""
    if ".." in value.split("/"):
        raise ValueError("must be an absolute path without '..'")
    return value.rstrip("/") or "/"


def _validate_model_id(value: str) -> str:
    if is_local(value):
        return absolute_path(value)
    if value.startswith((".", "~")):
        raise ValueError("is a relative path: give the absolute path, which begins with '/'")
    if not _HUB_ID.fullmatch(value) or "--" in value or ".." in value:
        raise ValueError("must be a Hub id such as 'org/name', or an absolute path under an allowed root")
    return value


def _validate_revision(value: str) -> str:
    if not _REVISION.fullmatch(value) or ".." in value:
        raise ValueError("must be a branch, a tag or a commit")
    return value


class ModelReference(StrictModel):
    """A model by Hub id or absolute path. The plain string `"org/name"` means its default revision."""

    id: Annotated[Text, AfterValidator(_validate_model_id)] = Field(
        description="A Hub id, or an absolute path under an allowed root."
    )
    revision: Annotated[Text, AfterValidator(_validate_revision)] | None = Field(
        None, description="A branch, tag or commit on the Hub; the default branch when left out."
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_string(cls, value: Any) -> Any:  # noqa: ANN401 - what a client sent, not yet validated
        if not isinstance(value, str | Mapping | cls):
            raise ValueError("must be a string, or an object with id and revision")
        return {"id": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _validate_path_without_revision(self) -> "ModelReference":
        if is_local(self.id) and self.revision is not None:
            raise ValueError("a local path has no revision; leave it out")
        return self


def group_of(pattern: str) -> tuple[int, int] | None:
    """Return (N, M) of a pattern of at most N non-zero of M consecutive weights; None for unstructured.

    Raises ValueError for any other text.
    """
    if pattern == "unstructured":
        return None
    match = _GROUP.fullmatch(pattern)
    if match is None or not int(match[1]) < int(match[2]) <= _MAX_GROUP:
        raise ValueError(f"must be 'unstructured' or 'N:M' with 1 <= N < M <= {_MAX_GROUP}, such as '2:4'")
    return int(match[1]), int(match[2])


def implies_sparsity(pattern: object) -> bool:
    """Whether a pattern, not yet validated, implies the sparsity, as N:M does."""
    try:
        return isinstance(pattern, str) and group_of(pattern) is not None
    except ValueError:
        return False


def _validate_pattern(value: str) -> str:
    group_of(value)
    return value


Pattern = Annotated[Text, AfterValidator(_validate_pattern)]


# Not strict for the tuple itself: JSON has lists only.
Globs = Annotated[tuple[Annotated[Text, Field(max_length=256)], ...], Field(max_length=64, strict=False)]


class LayerSelection(StrictModel):
    """Globs (`*`, `?`, `[…]`) on whole layer names, such as `model.layers.0.mlp.up_proj`."""

    include: Globs = Field((), description="Only layers that match one of these are pruned; all when empty.")
    exclude: Globs = Field((), description="Layers that match one of these are not pruned, even if included.")

    def __contains__(self, name: str) -> bool:
        """Whether the layer of this name is pruned."""
        return (not self.include or _matches(name, self.include)) and not _matches(name, self.exclude)

    def unmatched(self, names: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield each glob that matches none of a model's layers, with its field: `include` or `exclude`."""
        for field, globs in (("include", self.include), ("exclude", self.exclude)):
            for glob in globs:
                if not any(fnmatchcase(name, glob) for name in names):
                    yield field, glob


def _matches(name: str, globs: Collection[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)
