"""What the generated models have in common."""

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A request or a response, or a part of one.

    Unknown fields are kept, so that a client works with a newer server. Strings are the server's own: escape
    them before they reach a terminal, a page or a log.
    """

    model_config = ConfigDict(extra="allow")

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 - pydantic's own type
        """Count the tag of a variant, such as `name` of a method, as set: the server needs it to be sent."""
        for name, field in type(self).model_fields.items():
            if get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1:
                self.model_fields_set.add(name)

    def as_sent(self) -> dict[str, Any]:
        """Return the fields that were set or received, and the tags of variants, as plain JSON values."""
        sent: dict[str, Any] = _as_written(self.model_dump(mode="json", exclude_unset=True))
        return sent


def _as_written(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a JSON value with 1 in place of 1.0: one unit of a structure, which the server may ask about."""
    match value:
        case dict():
            return {name: _as_written(inner) for name, inner in value.items()}
        case list():
            return [_as_written(inner) for inner in value]
        case float() if value == 1:
            return 1
    return value


class JobModel(Model):
    """What every description of a job has."""

    state: str

    @property
    def ended(self) -> bool:
        """Whether the job has ended: it changes no more unless it is retried."""
        return self.state in ("succeeded", "failed", "cancelled")


class EventModel(Model):
    """What every event of a job has."""

    data: Any

    @property
    def kind(self) -> str:
        """The kind of the event, such as `state` or `progress`."""
        return str(self.data["kind"] if isinstance(self.data, dict) else self.data.kind)
