"""Files of strangers are read by helpers: as in this process, or refused, whatever becomes of the helper."""

import faulthandler
import json
import os
import re
import resource
import shutil
import signal
import socket
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet
import pytest
from safetensors.torch import load_file

from pruning.allowed_roots import freeze
from pruning.checkpoint.checkpoint import Checkpoint, describe_here, resolve
from pruning.checkpoint.description import Description
from pruning.checkpoint.model_files import ModelFiles
from pruning.data.conversations import labelled_ids
from pruning.data.text import parse_here
from pruning.errors import InvalidInput
from pruning.recipe import Evaluation, ModelReference, Recipe
from pruning.sandbox import sandbox as sandbox_module
from pruning.sandbox import starter as starter_module
from pruning.sandbox.confine import Limits, _address_space
from pruning.sandbox.frames import END, ERROR, IDS, JSON, TEXT, Broken, Gone, Outside, TooLate
from pruning.sandbox.sandbox import Sandbox, _Helper, _Subject
from pruning.sandbox.starter import NoSandbox, Starter
from tests.pruning.runs import run_recipe

pytestmark = [pytest.mark.threat, pytest.mark.slow]

PASSWORD = "hunter2"
SMALL = Limits(memory_bytes=2**28)

# A letter becomes a million letters, and each of those becomes a million.
_MILLIONS = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1_000_000}
BOMB = {"type": "Sequence", "normalizers": [_MILLIONS, _MILLIONS]}
PADDING = {
    "strategy": {"Fixed": 10**12},
    "direction": "Right",
    "pad_to_multiple_of": None,
    "pad_id": 0,
    "pad_type_id": 0,
    "pad_token": "<s>",
}


@pytest.fixture
def model_dir(tiny_llama_dir: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_llama_dir, tmp_path / "model")


@pytest.fixture
def own_starter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Starter]:
    """A new process that starts helpers, from an environment with a secret."""
    monkeypatch.setenv("DATABASE_URL", f"postgresql://user:{PASSWORD}@host/name")
    started = Starter()
    monkeypatch.setattr(sandbox_module, "starter", lambda: started)
    yield started
    started.stop()


def with_tokenizer(directory: Path, **changes: object) -> Checkpoint:
    path = directory / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return resolve(ModelReference(id=str(directory)))


def with_template(directory: Path, template: str) -> Checkpoint:
    path = directory / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "chat_template": template}))
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


class TestWhatComesBack:
    @pytest.mark.parametrize("text", ["", "for x in (1, 2): </s> print", "naïve 漢字 \0 🦙", "a" * 100_000])
    def test_token_ids_are_those_of_this_process(self, text: str, tiny_llama_dir: Path) -> None:
        checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
        assert ids(Sandbox(), checkpoint, text) == checkpoint.tokenizer()(text)["input_ids"]

    def test_one_helper_answers_many_texts(self, tiny_llama_dir: Path) -> None:
        checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
        here = checkpoint.tokenizer()
        with Sandbox().tokenizer(checkpoint.files) as tokenizer:
            for number in range(200):
                text = f"{number} for {number * number}"
                assert tokenizer(text, verbose=False)["input_ids"] == here(text)["input_ids"]

    def test_documents_are_those_of_this_process(self, tmp_path: Path) -> None:
        texts = ["One.", "", "zwei, naïve", "🦙" * 5000, "x" * 3_000_000]
        (tmp_path / "a.txt").write_text("\n\n".join(texts))
        (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
        pyarrow.parquet.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
        for name in ("a.txt", "a.jsonl", "a.parquet"):
            file = freeze(tmp_path / name, None, field="calibration.dataset")
            found = list(Sandbox().documents(file, name, "calibration.dataset"))
            assert found == list(parse_here(file, name, "calibration.dataset"))
            assert len(found) == (1 if name == "a.txt" else 4)

    def test_a_conversation_is_read_and_labelled_as_in_this_process(
        self, model_dir: Path, tmp_path: Path
    ) -> None:
        checkpoint = with_template(
            model_dir,
            "{{ strftime_now('%Y') }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}",
        )
        turns = [("user", "naïve 🦙"), ("assistant", "for x in"), ("user", "b"), ("assistant", "print")]
        record = {"messages": [{"role": role, "content": content} for role, content in turns]}
        (tmp_path / "a.jsonl").write_text(json.dumps(record))
        file = freeze(tmp_path / "a.jsonl", None, field="recovery.distil.dataset")
        here = list(parse_here(file, "a.jsonl", "recovery.distil.dataset", conversations=True))
        sandbox = Sandbox()
        assert list(sandbox.documents(file, "a.jsonl", "f", conversations=True)) == here
        assert json.loads(here[0]) == record["messages"]
        with sandbox.tokenizer(checkpoint.files) as tokenizer:
            found = labelled_ids(tokenizer, here[0])
        assert found == labelled_ids(checkpoint.tokenizer(), here[0])
        assert any(found[1])

    def test_what_is_wrong_with_a_file_is_told_in_the_same_words(
        self, tmp_path: Path, model_dir: Path
    ) -> None:
        (tmp_path / "a.jsonl").write_text('{"text": "one"}\n{"words": 2}\n')
        file = freeze(tmp_path / "a.jsonl", None, field="evaluation.dataset")
        with pytest.raises(InvalidInput, match="line 2: not an object with a string field") as refused:
            list(Sandbox().documents(file, "a.jsonl", "evaluation.dataset"))
        assert refused.value.field == "evaluation.dataset"
        (model_dir / "tokenizer.json").write_text("{}")
        checkpoint = resolve(ModelReference(id=str(model_dir)))
        assert "put tokenizer.json and tokenizer_config.json next" in refusal(Sandbox(), checkpoint, "a")
        (model_dir / "config.json").write_text('{"model_type": "t5"}')
        with pytest.raises(InvalidInput, match="a t5 is not a causal language model"):
            resolve(ModelReference(id=str(model_dir)), describe_files=Sandbox().describe)

    def test_a_description_is_that_of_this_process(self, model_dir: Path) -> None:
        (model_dir / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
        frozen = resolve(ModelReference(id=str(model_dir))).frozen
        names = sorted(path.name for path in model_dir.iterdir())
        small = frozen.named(set(names) - {"model.safetensors"})
        found = Sandbox().describe(small, names)
        assert found == describe_here(small, names)
        assert (found.licence, found.weight_files) == ("apache-2.0", ("model.safetensors",))

    def test_a_run_gives_the_same_model_and_report(self, model_dir: Path, tmp_path: Path) -> None:
        text = tmp_path / "text.jsonl"
        text.write_text("\n".join(json.dumps({"text": f"word {number} " * 30}) for number in range(20)))
        calibration = {"dataset": str(text), "samples": 4, "sequence_length": 32}
        recipe = Recipe.model_validate(
            {"model": str(model_dir), "method": "gblm", "sparsity": 0.5, "calibration": calibration}
        )
        evaluation = Evaluation(dataset="builtin", sequence_length=32, windows=2)
        here = run_recipe(recipe, evaluation, output=tmp_path / "here")
        inside = run_recipe(recipe, evaluation, output=tmp_path / "inside", reading=Sandbox(scratch=tmp_path))
        assert inside.model_dump(exclude={"stages"}) == here.model_dump(exclude={"stages"})
        weights = [load_file(tmp_path / name / "model.safetensors") for name in ("here", "inside")]
        assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])
        assert {path.name for path in tmp_path.iterdir()} == {"here", "inside", "model", "text.jsonl"}


class TestHostileFiles:
    def test_a_tokenizer_that_aborts_its_process_is_refused(self, model_dir: Path) -> None:
        checkpoint = with_tokenizer(model_dir, normalizer=BOMB)
        tokenizer = checkpoint.tokenizer()
        if (child := os.fork()) == 0:  # where it is read, the process ends, and no exception is raised
            allowed = _address_space() + SMALL.memory_bytes
            resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))
            faulthandler.disable()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            with suppress(BaseException):
                tokenizer("a")
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGABRT
        message = refusal(Sandbox(SMALL), checkpoint, "a")
        assert "it ends the process that reads it (SIGABRT)" in message

    def test_a_tokenizer_that_pads_to_a_trillion_tokens_does_not_end_the_run(self, model_dir: Path) -> None:
        expected = resolve(ModelReference(id=str(model_dir))).tokenizer()("for x")["input_ids"]
        checkpoint = with_tokenizer(model_dir, padding=PADDING)
        assert ids(Sandbox(SMALL), checkpoint, "for x") == expected

    def test_a_panic_is_refused_in_the_same_words(self, model_dir: Path) -> None:
        slow = {"type": "Split", "pattern": {"Regex": "((a+)+)+b"}, "behavior": "Isolated", "invert": False}
        checkpoint = with_tokenizer(model_dir, pre_tokenizer=slow)
        assert "the model's tokenizer gave up on the text" in refusal(Sandbox(), checkpoint, "a" * 40)

    @pytest.mark.parametrize(
        ("limits", "reason"),
        [
            (Limits(cpu_seconds=1), "more than 1 s of processor time"),
            (Limits(wall_seconds=0.5), "reading it takes more than 0.5 s"),
        ],
    )
    def test_a_text_that_takes_too_long_is_refused(
        self, limits: Limits, reason: str, tiny_llama_dir: Path
    ) -> None:
        checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
        assert reason in refusal(Sandbox(limits), checkpoint, "for x in range " * 2_000_000)

    def test_a_chat_template_that_never_ends_is_refused(self, model_dir: Path) -> None:
        loops = "{% for i in range(99999) %}" * 3 + "{% endfor %}" * 3
        checkpoint = with_template(model_dir, loops)

        def labelled() -> None:
            with Sandbox(Limits(cpu_seconds=1)).tokenizer(checkpoint.files) as tokenizer:
                labelled_ids(
                    tokenizer, '[{"role": "user", "content": ""}, {"role": "assistant", "content": ""}]'
                )

        with pytest.raises(InvalidInput, match="more than 1 s of processor time") as refused:
            labelled()
        assert refused.value.field == "model.id"

    def test_a_text_that_takes_too_much_memory_is_refused(self, tmp_path: Path) -> None:
        with (tmp_path / "a.txt").open("wb") as file:
            file.truncate(2**30)
        frozen = freeze(tmp_path / "a.txt", None, field="calibration.dataset")
        with pytest.raises(InvalidInput, match=r"a\.txt cannot be used.*MemoryError") as refused:
            list(Sandbox(SMALL).documents(frozen, "a.txt", "calibration.dataset"))
        assert refused.value.field == "calibration.dataset"

    def test_files_that_leave_too_few_descriptors_are_refused_or_read(self, model_dir: Path) -> None:
        for number in range(60):
            (model_dir / f"LICENSE{number:02}").write_text("mine")
        names = [path.name for path in model_dir.iterdir()]
        small = ModelFiles.freeze(model_dir, set(names) - {"model.safetensors"}, None)
        assert Sandbox().describe(small, names)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        opened = len(list(Path("/proc/self/fd").iterdir())) - 1
        outcomes: set[object] = set()
        for more in range(-2, 6):
            resource.setrlimit(resource.RLIMIT_NOFILE, (opened + len(small.files) + more, limits[1]))
            try:
                outcomes.add(type(Sandbox().describe(small, names)))
            except InvalidInput as refused:
                outcomes.add(refused.field)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert outcomes == {Description, "model.id"}

    def test_a_helper_that_is_killed_is_refused_and_the_next_one_works(self, tiny_llama_dir: Path) -> None:
        checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))

        def killed() -> None:
            with Sandbox().tokenizer(checkpoint.files) as tokenizer:
                helper_of(starter_module.starter()).kill()
                tokenizer("a", verbose=False)

        with pytest.raises(InvalidInput, match="SIGKILL") as refused:
            killed()
        assert refused.value.field == "model.id"
        assert ids(Sandbox(), checkpoint, "a")
        assert psutil.Process(starter_module.starter().process).children() == []


def helper_of(starter: Starter) -> psutil.Process:
    (helper,) = psutil.Process(starter.process).children()
    return helper


def lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class TestWhatAHelperHolds:
    def test_it_has_no_secret_and_no_descriptor_but_those_of_its_task(
        self, own_starter: Starter, tiny_llama_dir: Path
    ) -> None:
        checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
        with Path(__file__).open(), Sandbox().tokenizer(checkpoint.files):
            environment = Path(f"/proc/{own_starter.process}/environ").read_bytes()
            assert b"HF_HUB_OFFLINE=1" in environment, "a fork has it as well"
            assert PASSWORD.encode() not in environment
            try:
                helper = Path(f"/proc/{helper_of(own_starter).pid}")
                opened = {str(path.readlink()) for path in (helper / "fd").iterdir()}
                assert (helper / "environ").read_bytes() == environment
            except PermissionError:
                pytest.skip("nobody but root may look at a helper")
        files = {str(file.root / file.path) for file in checkpoint.files.files}
        others = {path for path in opened - files if not path.startswith("socket:")}
        assert others == {os.devnull}
        assert len(opened - files - others) == 1, "the connection"

    def test_it_may_write_nothing_while_libraries_read(
        self, own_starter: Starter, tiny_llama_dir: Path, tmp_path: Path
    ) -> None:
        def writes_nothing() -> bool:
            limits = Path(f"/proc/{helper_of(own_starter).pid}/limits").read_text()
            return re.search(r"^Max file size +0 +0 +bytes", limits, re.MULTILINE) is not None

        checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
        with Sandbox().tokenizer(checkpoint.files):
            assert writes_nothing()
        (tmp_path / "a.jsonl").write_text((json.dumps({"text": "x" * 1000}) + "\n") * 5000)
        file = freeze(tmp_path / "a.jsonl", None, field="calibration.dataset")
        documents = Sandbox().documents(file, "a.jsonl", "calibration.dataset")
        assert next(documents)
        assert writes_nothing()
        documents.close()

    def test_it_ends_with_its_starter(self, own_starter: Starter, tiny_llama_dir: Path) -> None:
        checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
        helpers: list[psutil.Process] = []

        def orphaned() -> None:
            with Sandbox().tokenizer(checkpoint.files) as tokenizer:
                helpers.append(helper_of(own_starter))
                psutil.Process(own_starter.process).kill()
                tokenizer("a", verbose=False)

        with pytest.raises(NoSandbox):
            orphaned()
        deadline = time.monotonic() + 10
        while lives(helpers[0]):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def test_a_starter_that_has_died_is_replaced(self, tiny_llama_dir: Path) -> None:
        checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
        before = starter_module.starter()
        psutil.Process(before.process).kill()
        os.waitid(os.P_PID, before.process, os.WEXITED | os.WNOWAIT)
        assert ids(Sandbox(), checkpoint, "a")
        assert starter_module.starter() is not before

    @pytest.fixture
    def without_landlock(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
        """Hide Landlock from a new process that starts helpers, and from those."""
        (tmp_path / "hidden").mkdir()
        (tmp_path / "hidden/sitecustomize.py").write_text(
            "import pruning.sandbox.confine as confine\n"
            "def without(*arguments): raise OSError(38, 'Function not implemented')\n"
            "confine.open_only = without\n"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hidden"))
        started = Starter()
        monkeypatch.setattr(sandbox_module, "starter", lambda: started)
        yield
        started.stop()

    @pytest.mark.usefixtures("without_landlock")
    def test_all_layers_can_be_demanded(self, tiny_llama_dir: Path) -> None:
        checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
        assert ids(Sandbox(), checkpoint, "a")
        with pytest.raises(NoSandbox, match="does not give a helper: landlock"):
            ids(Sandbox(all_layers=True), checkpoint, "a")

    @pytest.mark.usefixtures("without_landlock")
    def test_without_landlock_no_word_of_it_is_shown(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text('{"text": "one"}\n{"words": 2}\n')
        file = freeze(tmp_path / "a.jsonl", None, field="evaluation.dataset")
        with pytest.raises(InvalidInput, match=r"a\.jsonl cannot be used.*kernel lacks Landlock") as refused:
            list(Sandbox().documents(file, "a.jsonl", "evaluation.dataset"))
        assert "line 2" not in str(refused.value)


class TestAHelperThatLies:
    """The test is the helper: whatever it sends is refused, and nothing of it is run or kept."""

    @pytest.fixture
    def ends(self) -> Iterator[tuple[_Helper, Callable[[bytes, bytes], None], socket.socket]]:
        ours, theirs = socket.socketpair()

        def send(kind: bytes, payload: bytes) -> None:
            theirs.sendall(kind + len(payload).to_bytes(8, "little") + payload)

        with ours, theirs:
            yield _Helper(Outside(ours, 0.2), _Subject.of_tokenizer()), send, theirs

    @pytest.mark.parametrize(
        ("kind", "payload"),
        [
            (IDS, b"\x80\x04N."),  # a pickle
            (IDS, b"1234567"),
            (TEXT, b"ids"),
            (END, b""),
            (IDS, array("q", [1] * (2**20 + 17)).tobytes()),
            (ERROR, b"[" * 50_000),
            (ERROR, b"\x80\x04N."),
            (b"?", b""),
        ],
    )
    def test_what_is_no_ids_is_refused(
        self,
        ends: tuple[_Helper, Callable[[bytes, bytes], None], socket.socket],
        kind: bytes,
        payload: bytes,
    ) -> None:
        helper, send, theirs = ends
        theirs.setblocking(False)
        with suppress(BlockingIOError):
            send(kind, payload)
        with pytest.raises((Broken, TooLate)):
            helper.token_ids("a")

    @pytest.mark.parametrize("labels", [[1], [0, 2], [0, -1], [0, 1, 1]])
    def test_what_is_no_label_is_refused(
        self, ends: tuple[_Helper, Callable[[bytes, bytes], None], socket.socket], labels: list[int]
    ) -> None:
        helper, send, _ = ends
        send(IDS, array("q", [5, 6]).tobytes())
        send(IDS, array("q", labels).tobytes())
        with pytest.raises(Broken, match="no labels"):
            helper.labelled_ids("[]")

    def test_a_frame_is_not_waited_for_beyond_its_bound(
        self, ends: tuple[_Helper, Callable[[bytes, bytes], None], socket.socket]
    ) -> None:
        helper, _, theirs = ends
        theirs.sendall(JSON + (2**62).to_bytes(8, "little"))
        with pytest.raises(Broken, match=str(2**62)):
            helper.receive_json()

    def test_an_error_keeps_the_field_of_what_was_asked(
        self, ends: tuple[_Helper, Callable[[bytes, bytes], None], socket.socket]
    ) -> None:
        helper, send, _ = ends
        send(JSON, b"{}")
        helper.begin({})
        send(ERROR, json.dumps({"message": "bad", "field": "owner", "missing": {"landlock": ""}}).encode())
        with pytest.raises(InvalidInput, match="bad") as refused:
            helper.receive_json()
        assert refused.value.field == "model.id"

    @pytest.mark.parametrize(
        ("told", "shown"),
        [
            ({"message": PASSWORD}, "lacks Landlock"),
            ({"kind": PASSWORD}, "it makes its library fail (with an error)"),
            ({"kind": "MemoryError"}, "it makes its library fail (MemoryError)"),
            ({"message": {"MemoryError": PASSWORD}, "kind": "MemoryError"}, "lacks Landlock"),
        ],
    )
    def test_what_it_found_without_landlock_is_not_shown(
        self,
        ends: tuple[_Helper, Callable[[bytes, bytes], None], socket.socket],
        told: dict[str, object],
        shown: str,
    ) -> None:
        helper, send, _ = ends
        send(JSON, b'{"landlock": "Function not implemented"}')
        assert helper.begin({}) == ["landlock"]
        send(ERROR, json.dumps(told).encode())
        with pytest.raises(InvalidInput) as refused:
            helper.receive_json()
        assert shown in str(refused.value)
        assert PASSWORD not in str(refused.value)

    def test_a_helper_that_drips_is_given_up(
        self, ends: tuple[_Helper, Callable[[bytes, bytes], None], socket.socket]
    ) -> None:
        helper, _, theirs = ends
        theirs.sendall(JSON + (10).to_bytes(8, "little") + b"1")
        with pytest.raises(TooLate):
            helper.receive_json()
        theirs.close()
        with pytest.raises((TooLate, Gone)):
            helper.receive_json()

    @pytest.mark.parametrize(
        "changes",
        [
            {"config": []},
            {"config": {"model_type": "llama", "num_hidden_layers": 10**9}},
            {"config": {"model_type": "llama", "auto_map": {"AutoConfig": "x.Y"}, "quantization_config": 1}},
            {"weight_files": []},
            {"weight_files": ["../../etc/passwd.safetensors"]},
            {"weight_files": ["config.json"]},
            {"weight_files": "model.safetensors"},
            {"licence": "[mit](https://evil.example)"},
            {"licence": 3},
        ],
    )
    def test_a_description_is_checked_again(self, changes: dict[str, object]) -> None:
        names = ["config.json", "model.safetensors"]
        honest = {"config": {"model_type": "llama"}, "weight_files": ["model.safetensors"], "licence": None}
        assert Description.checked(honest, names).weight_files == ("model.safetensors",)
        with pytest.raises(InvalidInput) as refused:
            Description.checked({**honest, **changes}, names)
        assert refused.value.field == "model.id"
