"""Registries: entries that a recipe chooses by name, built in or from an installed plug-in.

A registry holds the class that validates a choice, which names its implementation as `module:attribute`. The
implementation is imported when it is first used, so that a recipe can be validated without torch.

A package outside of this tree adds an entry by an entry point, which is loaded at the first lookup that no
built-in entry answers:

    [project.entry-points."pruneserve.methods"]
    toy = "toy_pruning:Toy"
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from threading import RLock
from typing import Annotated, Any, ClassVar, Generic, TypeVar, Union

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from pruning.recipe.fields import StrictModel

EntryT = TypeVar("EntryT")


class UnknownName(KeyError):
    """No entry has this name. The message lists the known names, and does not repeat the given one."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(name)
        near = get_close_matches(name, known, n=1)
        self._known = [f"'{one}'" for one in known]
        self._hint = f"; did you mean '{near[0]}'?" if near else ""

    def message(self, *alternatives: str) -> str:
        """What is accepted: the known names and, after them, the alternatives to a name."""
        return f"must be one of {', '.join([*self._known, *alternatives])}{self._hint}"

    def __str__(self) -> str:
        return self.message()


class PluginError(Exception):
    """An installed plug-in cannot be loaded. The message names it and its distribution."""


class Registry(Mapping[str, EntryT]):
    """Entries by name: the built-in ones in the order of their registration, then those of plug-ins.

    Parameters
    ----------
    group
        The entry-point group of plug-ins.
    load
        Makes an entry of an entry point.
    """

    def __init__(self, group: str, load: Callable[[EntryPoint], EntryT]) -> None:
        self._group = group
        self._load = load
        self._entries: dict[str, EntryT] = {}
        self._plugins_loaded = False
        self._lock = RLock()  # a plug-in that is being loaded may look up entries itself

    def register(self, name: str, entry: EntryT) -> None:
        """Add an entry. Raises ValueError if another one has the name already."""
        if self._entries.setdefault(name, entry) != entry:
            raise ValueError(f"the name {name!r} is taken in {self._group}")

    @property
    def registered(self) -> Mapping[str, EntryT]:
        """The entries registered so far, without looking for plug-ins."""
        return self._entries

    def __getitem__(self, name: str) -> EntryT:
        if name not in self._entries:
            self._load_plugins()
        if name not in self._entries:
            raise UnknownName(name, tuple(self._entries))
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        self._load_plugins()
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        self._load_plugins()
        return len(self._entries)

    def _load_plugins(self) -> None:
        with self._lock:
            if self._plugins_loaded:
                return
            self._plugins_loaded = True
            try:
                for point in entry_points(group=self._group):
                    self._load_plugin(point)
            except PluginError:
                self._plugins_loaded = False  # the next lookup raises again
                raise

    def _load_plugin(self, point: EntryPoint) -> None:
        try:
            self.register(point.name, self._load(point))
        except Exception as error:
            package = point.dist.name if point.dist else "an unknown distribution"
            raise PluginError(
                f"the plug-in {point.name} = {point.value} ({self._group}, from {package}) cannot be loaded: "
                f"{error}; fix or uninstall it"
            ) from error


def _require_name(schema: JsonSchemaValue) -> None:
    """Say in the JSON schema that a recipe must give the name, though the class has a default for it."""
    schema["required"] = ["name", *(name for name in schema.get("required", ()) if name != "name")]


class Options(StrictModel):
    """The options of one registered entry, and where its implementation is.

    A subclass gives `name` a literal type and default, which is the name in a recipe.
    """

    model_config = ConfigDict(json_schema_extra=_require_name)

    implementation: ClassVar[str]  # `module:attribute`, imported when it is used
    name: str = Field(description="The name in a recipe.")


OptionsT = TypeVar("OptionsT", bound=Options)
AddedT = TypeVar("AddedT", bound=Options)


class OptionsRegistry(Registry[type[OptionsT]]):
    """Options classes by name; `base` is what all of them derive from."""

    def __init__(self, group: str, base: type[OptionsT]) -> None:
        super().__init__(group, lambda point: self._checked(point.name, point.load()))
        self._base = base

    def add(self, options: type[AddedT]) -> type[AddedT]:
        """Register an options class by the default of its field `name`; usable as a class decorator."""
        name = options.model_fields["name"].default
        self.register(name, self._checked(name, options))
        return options

    def _checked(self, name: str, options: Any) -> type[OptionsT]:  # noqa: ANN401 - what a plug-in names
        if not (isinstance(options, type) and issubclass(options, self._base)):
            raise TypeError(f"it must be a class derived from {self._base.__name__}")
        if options.model_fields["name"].default != name:
            raise TypeError(f"the field 'name' of {options.__name__} must default to {name!r}")
        return options


class ByName(Generic[OptionsT]):
    """Pydantic annotation: options from a registry, given by name alone or as an object with a `name`.

    Built-in options are a discriminated union, in validation and in the JSON schema. Those of plug-ins are
    found by their name, and do not change the schema.
    """

    def __init__(self, registry: OptionsRegistry[OptionsT], also: Sequence[str] = ()) -> None:
        """`also`: further names for messages, such as presets, which are replaced before validation."""
        self._registry = registry
        self._also = tuple(also)
        self._built_in = dict(registry.registered)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        union: Any = Union[tuple(self._built_in.values())]  # noqa: UP007 - of types known at run time only
        return core_schema.no_info_wrap_validator_function(
            self._validate,
            handler.generate_schema(Annotated[union, Field(discriminator="name")]),
            json_schema_input_schema=handler.generate_schema(Union[str, union]),  # noqa: UP007 - of types known at run time only
            serialization=core_schema.simple_ser_schema("any"),  # a plug-in's options with all their fields
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe what is serialized as the built-in options, which always come as objects."""
        inner: Any = schema
        return handler(inner["schema"] if handler.mode == "serialization" else schema)

    def _validate(self, value: Any, built_in: Callable[[Any], OptionsT]) -> OptionsT:  # noqa: ANN401 - not yet validated
        given = {"name": value} if isinstance(value, str) else value
        name = given.get("name") if isinstance(given, Mapping) else getattr(given, "name", None)
        if not isinstance(name, str):
            known = UnknownName("", (*self._registry, *self._also))
            raise _refused(known.message("or an object with such a name and its options"))
        if name in self._built_in:
            return built_in(given)
        try:
            options = self._registry[name]
        except UnknownName:
            raise _refused(str(UnknownName(name, (*self._registry, *self._also)))) from None
        return options.model_validate(given)


def _refused(message: str) -> PydanticCustomError:
    return PydanticCustomError("unknown_name", "{message}", {"message": message})
