"""What a sandbox reads of a checkpoint, and how it refuses one."""

import json
from pathlib import Path

import psutil
import pytest

from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.errors import InvalidInput
from pruning.recipe import ModelReference
from pruning.sandbox.confine import SandboxLimits
from pruning.sandbox.fork_server import ForkServer
from pruning.sandbox.sandbox import Sandbox

SMALL = SandboxLimits(memory_bytes=2**28)


def with_tokenizer(directory: Path, **changes: object) -> Checkpoint:
    path = directory / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return resolve(ModelReference(id=str(directory)))


def ids(sandbox: Sandbox, checkpoint: Checkpoint, text: str) -> list[int]:
    with sandbox.tokenizer(checkpoint.files) as tokenizer:
        found: list[int] = tokenizer(text, verbose=False)["input_ids"]
        return found


def refusal(sandbox: Sandbox, checkpoint: Checkpoint, text: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        ids(sandbox, checkpoint, text)
    assert refused.value.field == "model.id"
    return str(refused.value)


def helper_of(server: ForkServer) -> psutil.Process:
    (helper,) = psutil.Process(server.process).children()
    return helper


def lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
