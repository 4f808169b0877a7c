"""What the images install satisfies pyproject.toml, is locked by hashes, and is what the tests run with."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

REQUIREMENTS = Path(__file__).parents[1] / "requirements"
LAYERS = {
    "api": ("otel",),
    "torch": ("otel", "torch", "engines"),
    "zero-shot": ("otel", "torch", "engines", "zero-shot"),
}
"""The files of `make lock`, each with what it adds to those before it; and the extras of pyproject.toml."""

PYTHON = "3.11"
ENTRY = re.compile(r"^([\w.-]+)==(\S+)(?: ;[^\\\n]*)? \\\n(?:    --hash=\S+(?: \\)?\n)+", re.MULTILINE)

PROJECT = tomllib.loads((REQUIREMENTS.parent / "pyproject.toml").read_text())
ON_A_WORKER = {
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.7",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "extra": "",
}
FILES = [*LAYERS, "build"]


def text(layer: str) -> str:
    return (REQUIREMENTS / f"{layer}.txt").read_text()


def locked(layer: str) -> dict[str, str]:
    """Return the versions in an image, by package: no file repeats what a lower layer has."""
    files = FILES[: FILES.index(layer) + 1] if layer in LAYERS else [layer]
    entries = [found.groups() for file in files for found in ENTRY.finditer(text(file))]
    assert len(entries) == len(dict(entries))
    return dict(entries)


def satisfied(requirement: Requirement, within: dict[str, str]) -> bool:
    if requirement.marker and not requirement.marker.evaluate(ON_A_WORKER):
        return True
    version = within.get(canonicalize_name(requirement.name))
    return version is not None and requirement.specifier.contains(version, prereleases=True)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_satisfies_the_project(layer: str) -> None:
    wanted = PROJECT["project"]["dependencies"] + [
        each for extra in LAYERS[layer] for each in PROJECT["project"]["optional-dependencies"][extra]
    ]
    within = locked(layer)
    assert [each for each in wanted if not satisfied(Requirement(each), within)] == []


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_has_all_that_its_parts_need(layer: str) -> None:
    """By the metadata of those parts that are installed here in the same version."""
    within = locked(layer)
    missing, checked = [], 0
    for name, version in within.items():
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        if Version(found.version).public == version:
            checked += 1
            requirements = [Requirement(each) for each in found.requires or ()]
            missing += [f"{name}: {each}" for each in requirements if not satisfied(each, within)]
    assert missing == []
    assert checked > len(within) / 2


@pytest.mark.parametrize("file", FILES)
def test_every_entry_has_hashes_and_no_file_has_an_address(file: str) -> None:
    whole = text(file)
    assert "".join(found[0] for found in ENTRY.finditer(whole)) == whole
    assert "://" not in whole
    assert not re.search(r"^\s*--(?!hash=sha256:[0-9a-f]{64}( \\)?$)", whole, re.MULTILINE)


def test_the_wheel_is_built_with_what_it_asks_for() -> None:
    within = locked("build")
    assert all(satisfied(Requirement(each), within) for each in PROJECT["build-system"]["requires"])


def test_the_tests_run_with_the_torch_of_the_image() -> None:
    installed = Version(distribution("torch").version).public
    assert installed == locked("torch")["torch"]


@pytest.mark.threat
def test_the_dockerfile_installs_every_file_with_its_hashes() -> None:
    dockerfile = Path(REQUIREMENTS.parent / "Dockerfile").read_text().replace("\\\n", "")
    installs = re.findall(r"pip install.*--requirement /requirements/(\S+)\.txt", dockerfile)
    assert sorted(installs) == sorted(FILES)
    for line in re.findall(r"pip install.*--requirement.*", dockerfile):
        assert "--require-hashes" in line


def test_a_change_of_the_code_leaves_the_layers_of_dependencies_as_they_are() -> None:
    dockerfile = Path(REQUIREMENTS.parent / "Dockerfile").read_text()
    stages = {stage.split()[2]: stage for stage in re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)[1:]}
    for name in ("api", "worker"):
        assert set(re.findall("^COPY (.*?)/", stages[f"{name}-dependencies"], re.MULTILINE)) == {
            "requirements"
        }
        copied = re.findall("^COPY (.*)", stages[name], re.MULTILINE)
        of_the_dependencies = f"--from={name}-dependencies /opt/pruneserve /opt/pruneserve"
        assert copied == [of_the_dependencies, "--from=wheel /wheels /wheels"]
        # Ours comes from the wheel alone, as a layer of its own; above it is at most a converter.
        _, _, above = stages[name].partition("COPY --from=wheel")
        converter = ["python -m pruning.exports.packages"] if name == "worker" else []
        install = "pip install --no-deps --no-index /wheels/*.whl"
        assert re.findall("^(?:RUN|USER) (.*)", above, re.MULTILINE) == [install, *converter, "pruneserve"]


def test_no_step_of_the_dockerfile_reads_another_stage_through_a_mount() -> None:
    """Buildah's cache does not look into it: an image would be built with the code of the one before."""
    dockerfile = Path(REQUIREMENTS.parent / "Dockerfile").read_text()
    assert "type=cache" in dockerfile
    assert not re.search(r"--mount=\S*from=", dockerfile)


def test_the_layer_with_our_code_is_small() -> None:
    """Source and bytecode are about the same size; the images promise less than 20 MB for both."""
    packages = [name.rstrip("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]
    files = [
        file for package in packages for file in (REQUIREMENTS.parent / package).rglob("*") if file.is_file()
    ]
    assert 0 < sum(file.stat().st_size for file in files if "__pycache__" not in file.parts) < 10e6
