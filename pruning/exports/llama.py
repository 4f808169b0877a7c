"""libllama, from the wheel `llama-cpp-py-sync`: the only module that calls llama.cpp's C functions.

The wheel has the declarations of its own library, so no layout of a struct is repeated here. Native code that
reads a file runs in a helper process (`pruning.exports.helper`).
"""

import importlib
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.errors import InvalidInput
from pruning.exports.types import ShareStep
from pruning.recipe.exports import GgufType

Floats = NDArray[np.float32]

_WARNING, _ERROR, _CONTINUED = 3, 4, 5  # of enum ggml_log_level
_STRING = 3  # of enum llama_model_kv_override_type
_PRE_TOKENIZER = b"tokenizer.ggml.pre"
_BUFFER_BYTES = 2**30
_TENSOR_DONE = re.compile(r"\[\s*(\d+)/\s*(\d+)\]")


# Of libggml-base, whose declarations the wheel lacks.
_GGUF_CALLS = """
struct gguf_init_params { bool no_alloc; void ** context; };
void * gguf_init_from_file(const char * name, struct gguf_init_params parameters);
void gguf_free(void * file);
int64_t gguf_get_n_tensors(const void * file);
const char * gguf_get_tensor_name(const void * file, int64_t number);
int gguf_get_tensor_type(const void * file, int64_t number);
const char * ggml_type_name(int type);
"""


class LlamaFailed(Exception):
    """llama.cpp has refused a file or could not do what it was asked; in its own words."""


class _Library:
    """The functions, and what the library logs."""

    def __init__(self) -> None:
        bindings = importlib.import_module("llama_cpp_py_sync._cffi_bindings")
        self.ffi: Any = bindings.ffi
        try:
            self.calls: Any = bindings.get_lib()
        except (OSError, RuntimeError) as error:
            raise InvalidInput(
                f"llama.cpp's library does not load on this machine: {error}; it needs glibc 2.38 or newer",
                field="exports",
            ) from error
        self.directory = Path(str(bindings.__file__)).parent
        self.version = str(importlib.import_module("llama_cpp_py_sync").__llama_cpp_tag__)
        self.errors: deque[str] = deque(maxlen=4)
        self.listen: Callable[[str], None] = lambda text: None
        self._level = 0
        kind = "void(enum ggml_log_level, const char *, void *)"
        self._callback = self.ffi.callback(kind, self._log)  # referenced for as long as it is called
        self.calls.llama_log_set(self._callback, self.ffi.NULL)
        self.calls.llama_backend_init()

    def _log(self, level: int, text: Any, _: Any) -> None:  # noqa: ANN401 - of cffi
        line = self.ffi.string(text).decode(errors="replace")
        self._level = self._level if level == _CONTINUED else level
        if self._level in (_WARNING, _ERROR) and line.strip(" .\n"):
            self.errors.append(line.strip())
        self.listen(line)

    def failed(self, what: str) -> LlamaFailed:
        """Return an error with the last lines that the library logged as errors."""
        return LlamaFailed(f"{what} ({'; '.join(self.errors) or 'it says nothing more'})")


@cache
def library() -> _Library:
    """Load the library. Raises ImportError without the wheel, InvalidInput where it does not load."""
    return _Library()


def version() -> str:
    """Return which llama.cpp it is: `b11739`."""
    return library().version


class Model:
    """A GGUF file, loaded by llama.cpp. Close it."""

    def __init__(
        self,
        file: Path,
        *,
        vocabulary_only: bool = False,
        without_weights: bool = False,
        pre_tokenizer: str | None = None,
    ) -> None:
        """`without_weights`: the shapes of all tensors are checked, and it cannot compute.

        `pre_tokenizer`: in place of the one that the file names. Raises LlamaFailed.
        """
        of = library()
        parameters = of.calls.llama_model_default_params()
        parameters.vocab_only = vocabulary_only
        parameters.n_gpu_layers = 0
        if without_weights:
            parameters.no_alloc, parameters.load_mode = True, of.calls.LLAMA_LOAD_MODE_NONE
        overrides = of.ffi.new("struct llama_model_kv_override[2]")  # the second one ends the list
        if pre_tokenizer is not None:
            overrides[0].tag, overrides[0].key = _STRING, _PRE_TOKENIZER
            overrides[0].val_str = pre_tokenizer.encode()
            parameters.kv_overrides = overrides
        of.errors.clear()
        self.pointer = of.calls.llama_model_load_from_file(str(file).encode(), parameters)
        if not self.pointer:
            raise of.failed(f"llama.cpp cannot load {file.name}")
        self._vocabulary = of.calls.llama_model_get_vocab(self.pointer)
        self.vocabulary_size: int = of.calls.llama_vocab_n_tokens(self._vocabulary)

    def close(self) -> None:
        library().calls.llama_model_free(self.pointer)

    def tokenize(self, text: str, *, add_special: bool) -> list[int]:
        """Return the ids of a text. Special tokens that stand in it are parsed as such."""
        of = library()
        content = text.encode()
        ids = of.ffi.new("llama_token[]", 2 * len(content) + 16)
        count = of.calls.llama_tokenize(
            self._vocabulary, content, len(content), ids, len(ids), add_special, True
        )
        if count < 0:
            raise LlamaFailed(f"llama.cpp needs {-count} tokens for a text of {len(content)} bytes")
        return list(ids[0:count])


class Context:
    """Computes with a model. Close it before the model."""

    def __init__(self, model: Model, *, length: int, threads: int, at_once: int = 128) -> None:
        """`length`: of a sequence at most. `at_once`: tokens per call, whose logits are held together."""
        of = library()
        parameters = of.calls.llama_context_default_params()
        parameters.n_ctx, parameters.n_seq_max = length, 1
        parameters.n_batch = parameters.n_ubatch = at_once
        parameters.n_threads = parameters.n_threads_batch = threads
        of.errors.clear()
        self._pointer = of.calls.llama_init_from_model(model.pointer, parameters)
        if not self._pointer:
            raise of.failed("llama.cpp cannot compute with the model")
        self._batch = of.calls.llama_batch_init(at_once, 0, 1)
        self._at_once, self._vocabulary_size = at_once, model.vocabulary_size

    def close(self) -> None:
        library().calls.llama_batch_free(self._batch)
        library().calls.llama_free(self._pointer)

    def logits(self, ids: Sequence[int]) -> Iterator[Floats]:
        """Yield the logits of a sequence piece by piece, (tokens, vocabulary) each, valid until the next."""
        of = library()
        self.clear()
        for start in range(0, len(ids), self._at_once):
            piece = ids[start : start + self._at_once]
            self.decode(piece, start, all_logits=True)
            size = len(piece) * self._vocabulary_size
            buffer = of.ffi.buffer(of.calls.llama_get_logits(self._pointer), size * 4)
            yield np.frombuffer(buffer, np.float32).reshape(len(piece), self._vocabulary_size)

    def clear(self) -> None:
        """Forget the sequence so far."""
        library().calls.llama_memory_clear(library().calls.llama_get_memory(self._pointer), True)

    def decode(self, ids: Sequence[int], start: int, *, all_logits: bool = False) -> None:
        """Compute with the tokens from position `start` on. Raises LlamaFailed."""
        batch = self._batch
        batch.n_tokens = len(ids)
        for place, token in enumerate(ids):
            batch.token[place], batch.pos[place] = token, start + place
            batch.n_seq_id[place], batch.seq_id[place][0] = 1, 0
            batch.logits[place] = all_logits or place == len(ids) - 1
        if library().calls.llama_decode(self._pointer, batch):
            raise library().failed("llama.cpp cannot compute with the tokens")


def tensor_types(file: Path) -> dict[str, str]:
    """Return the type of each tensor of a GGUF file, by name. Raises LlamaFailed."""
    ffi = importlib.import_module("cffi").FFI()
    ffi.cdef(_GGUF_CALLS)
    calls = ffi.dlopen(str(next(library().directory.glob("libggml-base.so*"))))
    opened = calls.gguf_init_from_file(str(file).encode(), {"no_alloc": True, "context": ffi.NULL})
    if not opened:
        raise library().failed(f"llama.cpp cannot read {file.name}")
    names = {
        calls.gguf_get_tensor_name(opened, number): calls.gguf_get_tensor_type(opened, number)
        for number in range(calls.gguf_get_n_tensors(opened))
    }
    types = {
        ffi.string(name).decode(): ffi.string(calls.ggml_type_name(kind)).decode().upper()
        for name, kind in names.items()
    }
    calls.gguf_free(opened)
    return types


@contextmanager
def computing(file: Path, *, length: int, threads: int, at_once: int = 128) -> Iterator[Context]:
    """Load a file and compute with it in the body. Raises LlamaFailed."""
    with (
        closing(Model(file)) as model,
        closing(Context(model, length=length, threads=threads, at_once=at_once)) as it,
    ):
        yield it


def quantize(
    source: Path,
    target: Path,
    to: GgufType,
    *,
    importance: Mapping[str, Floats],
    threads: int,
    step: ShareStep,
) -> None:
    """Write `source` as another type.

    `importance`: by the name of a tensor, an importance per column; one after the other for experts.
    `step`: called with the share that is done. Raises LlamaFailed.
    """
    of = library()
    parameters = of.ffi.new("llama_model_quantize_params *", of.calls.llama_model_quantize_default_params())
    parameters.ftype, parameters.nthread = to.number, threads
    parameters.max_buf_size = _BUFFER_BYTES
    entries = of.ffi.new("struct llama_model_imatrix_data[]", len(importance) + 1)  # the last one ends it
    kept = []
    for entry, (name, values) in zip(entries, importance.items(), strict=False):
        held = (
            of.ffi.new("char[]", name.encode()),
            of.ffi.from_buffer("float[]", np.ascontiguousarray(values)),
        )
        entry.name, entry.data = held
        entry.size = values.size
        kept.append(held)
    if importance:
        parameters.imatrix = entries

    def report(line: str) -> None:
        if found := _TENSOR_DONE.search(line):
            step(int(found[1]) / int(found[2]))

    of.errors.clear()
    of.listen = report
    try:
        if of.calls.llama_model_quantize(str(source).encode(), str(target).encode(), parameters):
            raise of.failed(f"llama.cpp cannot quantise {source.name}")
    finally:
        of.listen = lambda text: None
