"""`pruneserve up` as a person has it: a process, its Ctrl-C, its kill -9, and the commands that use it."""

import contextlib
import os
import re
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from transformers import AutoModelForCausalLM

from cli.data_directory import DataDirectory
from cli.embedded.process import LOOPBACK, free_port
from cli.terminal import Exit
from tests.cli.conftest import PATIENCE_SECONDS, PRUNESERVE, SETTINGS, Up, start, up
from tests.eventually import eventually
from tests.limits import with_limits
from tests.small_model import write_small_model
from tests.stand_in_hub import StandInHub

# They share a stack, and come in the order in which they are written.
pytestmark = pytest.mark.slow

# Secrets in the environment of the person who starts `up`.
OF_THE_PERSON = {
    "PRUNESERVE_HUB_TOKEN": "hf_of_the_service",
    "HF_TOKEN": "hf_of_the_person",
    "PRUNESERVE_API_KEY": "a-key-of-the-person",
}


@pytest.fixture(scope="module")
def hub(small_model: Path) -> Iterator[StandInHub]:
    """A Hub that takes requests and never answers."""
    hub = StandInHub(small_model)
    hub.silent = True
    with hub.serving():
        yield hub


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, small_model: Path, hub: StandInHub) -> Iterator[Up]:
    """One stack for the tests that leave it as it was."""
    directory = tmp_path_factory.mktemp("up")
    place = {
        "HF_ENDPOINT": f"http://{LOOPBACK}:{hub.server_port}",
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": str(directory / "huggingface"),
    }
    roots = ("--root", str(small_model.parent))
    with up(directory / "data", *roots, environment=OF_THE_PERSON | place) as running:
        yield running


def said_until_the_link(running: Up) -> list[str]:
    """What `up` has printed, to the line with the sign-in link."""
    assert running.process.stdout is not None
    said = []
    for line in iter(running.process.stdout.readline, ""):
        said.append(line)
        if "token=" in line:
            return said
    raise AssertionError("".join(said))


def test_the_sign_in_link_works_once_and_comes_after_the_workers_self_test(running: Up) -> None:
    said = said_until_the_link(running)
    (ready,) = (place for place, line in enumerate(said) if line.endswith("PruneServe is ready.\n"))
    assert [line for line in said[:ready] if re.search(r"worker \S+ takes jobs$", line)] != []
    link = re.findall(r"http://\S+token=\S+", said[-1])[0]
    with httpx.Client(timeout=60, trust_env=False) as browser:
        assert browser.get(link, follow_redirects=True).is_success
    with httpx.Client(timeout=60, trust_env=False) as another:
        assert another.get(link).status_code == 401


@pytest.mark.nightly
def test_a_job_from_submit_to_download(running: Up, small_model: Path, tmp_path: Path) -> None:
    job = submit(running, small_model)
    followed = running.succeed("wait", job)
    assert re.search(r"\d\d:\d\d:\d\d  queued", followed)
    assert re.search(r"prune done in [\d.]+ s, peak memory [\d.]+ [MG]B", followed)
    assert "50.00% of the weights" in followed
    assert "\x1b" not in followed

    assert job in running.succeed("jobs", "--state", "succeeded", "--method", "gblm")
    assert '"norm": "l2"' in running.succeed("show", job, "--json")
    running.succeed("download", job, "--output", str(tmp_path / "pruned"))
    weights = AutoModelForCausalLM.from_pretrained(tmp_path / "pruned").model.layers[0].mlp.up_proj.weight
    assert (weights == 0).float().mean() == 0.5

    ended = running.command("cancel", job)
    assert ended.returncode == Exit.USAGE
    assert "already succeeded" in ended.stderr


# What counts the questions to the Hub comes before the job whose worker may ask once more after its end.
@pytest.mark.nightly
def test_quick_gives_a_first_result_without_a_hub(
    running: Up, hub: StandInHub, small_model: Path, tmp_path: Path
) -> None:
    model = small_model.parent / "longer"
    write_small_model(model, context=512)
    asked = len(hub.asked)
    summary = tmp_path / "summary.md"
    job = ("run", "--model", str(model), "--sparsity", "50%", "--quick", "--summary", str(summary))
    shown = running.succeed(*job)
    assert len(hub.asked) == asked
    quick = "quick: 16 windows of 512 tokens of the built-in text; not comparable with perplexities"
    assert quick in shown
    title, headline, _ = summary.read_text().split("\n\n", 2)
    assert "succeeded" in title
    assert headline.startswith("**" + quick)
    assert "| speed |" not in summary.read_text()


def test_wait_outlives_a_restart_of_the_api(running: Up, hub: StandInHub, small_model: Path) -> None:
    asked = len(hub.asked)
    worker, api = running_process(running, "worker"), running_process(running, "api")
    worker.suspend()  # so that the job is not over before the API is gone
    job = submit(running, small_model)
    place = ["--url", f"http://{LOOPBACK}:{running.port}", "--key-file", str(running.data.api_key)]
    with subprocess.Popen([*PRUNESERVE, "wait", job, *place], stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        assert "queued" in waiting.stdout.readline()
        api.kill()
        worker.resume()
        rest, _ = waiting.communicate(timeout=PATIENCE_SECONDS)
    assert waiting.returncode == Exit.OK, running.logs()
    assert rest.count("running") == 1
    assert len(hub.asked) == asked, "the model is a directory, and its texts are built in"


def test_a_hub_that_does_not_answer_is_named_with_what_to_do(
    running: Up, hub: StandInHub, small_model: Path
) -> None:
    place = ["--url", f"http://{LOOPBACK}:{running.port}", "--key-file", str(running.data.api_key)]
    job = ["run", "--model", str(small_model), "--sparsity", "0.5", "--cancel-on-interrupt"]
    with subprocess.Popen([*PRUNESERVE, *job, *place], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        hint = next((line for line in process.stdout if "Hugging Face Hub" in line), "")
        # huggingface_hub may have asked for something of its own before.
        eventually(lambda: any("/allenai/c4/" in path for path in hub.asked))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_SECONDS)
    assert "the Hugging Face Hub, for c4, wikitext2. Where the worker does not reach it, give" in hint
    assert "--quick for a first result, or --calibration builtin --evaluation builtin" in hint
    assert process.returncode == Exit.CANCELLED


def test_files_with_secrets_are_closed_to_other_users(running: Up) -> None:
    assert stat.S_IMODE(running.data.api_key.stat().st_mode) == 0o600
    assert stat.S_IMODE(running.data.root.stat().st_mode) == 0o700


def test_a_second_up_on_the_same_data_is_refused(running: Up) -> None:
    second = start(running.data.root, free_port())
    assert second.returncode == Exit.FAILED
    assert f"process {running.process.pid}" in second.stderr
    assert "--data" in second.stderr
    assert running.process.poll() is None


@pytest.mark.threat
def test_no_process_has_a_secret_in_its_environment_or_command_line(running: Up) -> None:
    data = running.data
    secrets = {path.read_text().strip() for path in (data.api_key, data.secret_key)}
    secrets |= {(directory / "password").read_text() for directory in (data.postgres, data.valkey)}
    worker = running_process(running, "worker")
    eventually(lambda: children_that_run_jobs(worker))
    [before] = children_that_run_jobs(worker)
    before.kill()
    eventually(lambda: children_that_run_jobs(worker) not in ([], [before]))

    stack = psutil.Process(running.process.pid)
    of_up = visible(stack)
    # The person's own secrets are in the environment of their own `up`, and in no other.
    assert not [secret for secret in secrets if secret in of_up]
    secrets |= set(OF_THE_PERSON.values())
    seen = {process.pid: visible(process) for process in stack.children(recursive=True)}
    assert len(seen) >= 6
    assert children_that_run_jobs(worker)[0].pid in seen
    assert [(pid, secret) for pid, text in seen.items() for secret in secrets if secret in text] == []


@pytest.mark.threat
def test_a_process_is_handed_only_the_secrets_that_it_needs(running: Up) -> None:
    files = [path for path in running.data.root.glob("*/secrets/*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    given: dict[str, set[str]] = {}
    for path in files:
        given.setdefault(path.parts[-3], set()).add(path.name)
    assert given == {
        "api": {"DATABASE_URL", "PRUNESERVE_SECRET_KEYS", "PRUNESERVE_HUB_TOKEN"},
        "scheduler": {"DATABASE_URL", "BROKER_URL", "PRUNESERVE_SECRET_KEYS", "PRUNESERVE_HUB_TOKEN"},
        "worker": {"DATABASE_URL", "BROKER_URL", "PRUNESERVE_HUB_TOKEN"},
    }


@pytest.mark.threat
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more ()",
        "CREATE TEMPORARY TABLE more ()",
        "ALTER TABLE jobs ADD COLUMN more integer",
        "DROP TABLE jobs",
        "TRUNCATE jobs",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE more",
        "DELETE FROM alembic_version",
        "COPY jobs TO PROGRAM 'id'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_from_bytea(0, 'x')",
    ],
)
def test_the_service_may_change_nothing_but_rows(running: Up, statement: str) -> None:
    url = (running.data.root / "worker" / "secrets" / "DATABASE_URL").read_text().strip()
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_servers_that_die_are_restarted(running: Up) -> None:
    for name in ("valkey", "postgres"):
        victim = server(running, name)
        assert victim is not None
        victim.kill()
        eventually(lambda name=name, before=victim: server(running, name) not in (None, before))
    eventually(lambda: running.command("jobs").returncode == Exit.OK)


def test_ctrl_c_stops_everything_in_order(running: Up) -> None:
    """The last test of the shared stack."""
    assert len(processes_of(running.data)) >= 5
    running.process.send_signal(signal.SIGINT)
    said, _ = running.process.communicate(timeout=PATIENCE_SECONDS)
    assert running.process.returncode == 0
    assert re.findall(r"(\w+) stopped", said) == ["worker", "scheduler", "api", "valkey", "postgres"]
    assert processes_of(running.data) == []
    assert not running.data.address.exists()


@pytest.mark.nightly
def test_processes_die_with_a_killed_up_and_the_next_up_resumes_the_job(
    tmp_path: Path, small_model: Path
) -> None:
    with up(tmp_path / "data", "--root", str(small_model.parent)) as killed:
        job = submit(killed, small_model)
        url = (killed.data.root / "worker" / "secrets" / "DATABASE_URL").read_text().strip()
        with psycopg.connect(url) as connection:  # which the next start undoes
            connection.execute("ALTER ROLE CURRENT_USER PASSWORD 'of a stranger'")
        killed.process.kill()
        killed.process.wait()
        eventually(lambda: not processes_of(killed.data))
        key = killed.data.api_key.read_text()
        killed.data.address.unlink()  # what was killed has left it, and the next start counts as ready by it
    with up(tmp_path / "data", "--root", str(small_model.parent), port=killed.port) as again:
        again.succeed("wait", job)
        assert again.data.api_key.read_text() == key


@pytest.mark.nightly
def test_a_worker_that_takes_no_jobs_is_not_called_ready(tmp_path: Path) -> None:
    with up(tmp_path / "data", environment=with_limits(SETTINGS, MIN_FREE_DISK_BYTES=2**60)) as running:
        said = "".join(said_until_the_link(running))
    assert re.search(
        r"worker \S+ takes no jobs: its disk has [\d.]+ .B free, and 1152922 TB must stay free", said
    )
    assert "PruneServe is up, but its worker takes no jobs" in said
    assert "PruneServe is ready" not in said


def test_a_port_in_use_is_named_and_no_process_is_left(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        refused = start(tmp_path / "data", port)
    assert refused.returncode == Exit.FAILED
    assert f"port {port}" in refused.stderr
    assert "--port" in refused.stderr
    assert processes_of(DataDirectory(tmp_path / "data")) == []
    assert not (tmp_path / "data" / "postgres").exists(), "a database was made first"


def submit(running: Up, model: Path) -> str:
    recipe = model.parent / "recipe.json"
    recipe.write_text('{"calibration": {"dataset": "builtin", "samples": 4, "sequence_length": 32}}')
    options = ["--method", "gblm", "-o", "norm=l2", "--sparsity", "0.5", "--evaluation", "builtin"]
    return running.succeed("submit", "--model", str(model), "--recipe", str(recipe), *options).strip()


def processes_of(data: DataDirectory) -> list[psutil.Process]:
    """Everything that runs in a data directory. Of a closed process only its lock says it."""
    locks = {path.read_text() for path in data.root.glob("*/running.lock")}
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(str(data.root)):
                found.append(process)
        except psutil.AccessDenied:
            if str(process.pid) in locks:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def running_process(running: Up, name: str) -> psutil.Process:
    """The process of `up` with that name. Its command line does not tell: Celery may set another title."""
    return psutil.Process(int((running.data.root / name / "running.lock").read_text()))


def children_that_run_jobs(worker: psutil.Process) -> list[psutil.Process]:
    """The worker's children but for the one that counts semaphores. Celery may set another title."""
    marks = ("spawn_main", "SpawnPoolWorker")
    found = []
    for child in worker.children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended since
            alive = child.status() != psutil.STATUS_ZOMBIE
            if alive and any(mark in " ".join(child.cmdline()) for mark in marks):
                found.append(child)
    return found


def visible(process: psutil.Process) -> str:
    """What /proc shows of a process to its user: the command line, and the initial environment.

    The latter to root alone where the process is closed to others.
    """
    directory = Path("/proc") / str(process.pid)
    try:
        return _environment(directory) + (directory / "cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has ended since, as connections to the database do
        return ""


def _environment(directory: Path) -> str:
    try:
        return (directory / "environ").read_text()
    except PermissionError:
        assert os.geteuid() != 0
        return ""


def server(running: Up, name: str) -> psutil.Process | None:
    """The child of `up` with that program, if there is one at the moment."""
    there = psutil.process_iter(["ppid", "name"])  # of each at one moment: one may end in between
    ours = (it for it in there if it.info["ppid"] == running.process.pid)
    return next((it for it in ours if (it.info["name"] or "").startswith(name)), None)
