"""The version and the REST reference of the documentation site, as hooks of MkDocs.

The reference is Markdown from the OpenAPI document: a table per operation and per schema. The plug-ins that
render OpenAPI either load Swagger from another host, or leave out the types of nullable fields and repeat
every schema at every answer.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from pruning.version import pruneserve_version

PAGE = "reference/rest.md"
SNAPSHOT = Path(__file__).parents[1] / "contracts" / "openapi.json"

Schema = dict[str, Any]

_BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the version into the footer of each page."""
    config.copyright = f"PruneServe {pruneserve_version()}"
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page to the site."""
    document = json.loads(SNAPSHOT.read_text())
    files.append(File.generated(config, PAGE, content="\n".join(reference(document)) + "\n"))
    return files


def reference(document: Schema) -> Iterator[str]:
    """Yield the lines of the page: the operations by tag, then the schemas by name."""
    yield "# REST reference\n"
    yield f"{document['info']['description'].strip()}\n"
    yield "`GET /v1/openapi.json` answers with the document from which this page is made.\n"
    operations = [
        (operation["tags"][0], f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    for tag, tagged in groupby(sorted(operations, key=lambda found: found[:2]), key=lambda found: found[0]):
        yield f"## {tag.capitalize()}\n"
        for _, name, operation in tagged:
            yield from _operation(name, operation, document["components"]["responses"])
    yield "## Schemas\n"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _schema(name, schema)


def _operation(name: str, operation: Schema, shared: Schema) -> Iterator[str]:
    yield f"### `{name}`\n"
    yield f"**{operation['summary']}.** {operation.get('description', '')}\n"
    parameters = [
        (f"`{each['name']}`", each["in"], type_of(each["schema"]), each.get("description", ""))
        for each in operation.get("parameters", ())
    ]
    yield from _table(("parameter", "in", "type", "meaning"), parameters)
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"Body (`{media}`): {type_of(content.get('schema', {}))}\n"
    responses = {
        status: shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
        for status, each in operation["responses"].items()
    }
    answers = [
        (
            status,
            " or ".join(_answer(media, content) for media, content in each.get("content", {}).items()),
            each["description"],
        )
        for status, each in responses.items()
    ]
    yield from _table(("status", "answer", "meaning"), answers)


def _answer(media: str, content: Schema) -> str:
    schema = content.get("schema")
    return type_of(schema) if schema else f"`{media}`"


def _schema(name: str, schema: Schema) -> Iterator[str]:
    yield f"### {name} {{: #{name} }}\n"
    if description := schema.get("description"):
        yield f"{description}\n"
    if "properties" not in schema:
        yield f"{type_of(schema)}\n"
        return
    required = schema.get("required", ())
    fields = [
        (
            f"`{field}`",
            type_of(each),
            "required" if field in required else _default(each),
            each.get("description", ""),
        )
        for field, each in schema["properties"].items()
    ]
    yield from _table(("field", "type", "default", "meaning"), fields)


def _default(schema: Schema) -> str:
    return _value(schema["default"]) if "default" in schema else ""


def type_of(schema: Schema) -> str:
    """Return a schema's type in Markdown, with links to the named ones and with its bounds."""
    bounds = [text.format(schema[key]) for key, text in _BOUNDS.items() if key in schema]
    return ", ".join([_plain_type(schema), *bounds])


def _plain_type(schema: Schema) -> str:
    for keyword, render in _BY_KEYWORD.items():
        if keyword in schema:
            return render(schema[keyword])
    kind = schema.get("type", "any")
    if kind == "array":
        return _list_type(schema)
    values = schema.get("additionalProperties")
    if kind == "object" and isinstance(values, dict) and values:
        return f"object of {type_of(values)}"
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def _link(reference: str) -> str:
    name = reference.rpartition("/")[2]
    return f"[{name}](#{name})"


def _alternatives(schemas: list[Schema]) -> str:
    return " or ".join(dict.fromkeys(type_of(each) for each in schemas))


def _value(value: object) -> str:
    return f"`{json.dumps(value)}`"


_BY_KEYWORD: dict[str, Callable[[Any], str]] = {
    "$ref": _link,
    "anyOf": _alternatives,
    "oneOf": _alternatives,
    "allOf": lambda schemas: " and ".join(map(type_of, schemas)),
    "const": _value,
    "enum": lambda values: ", ".join(map(_value, values)),
}


def _list_type(schema: Schema) -> str:
    if positions := schema.get("prefixItems"):
        return f"list of ({', '.join(map(type_of, positions))})"
    return f"list of {type_of(schema.get('items', {}))}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_cell(text) for text in row)} |"
    yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
