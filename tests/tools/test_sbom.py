"""What `make sbom` says, of documents as cyclonedx-py writes them."""

from typing import Any

from tools.sbom import restricted


def component(name: str, version: str, *licences: dict[str, Any]) -> dict[str, Any]:
    return {"bom-ref": f"{name}=={version}", "name": name, "version": version, "licenses": [*licences]}


DOCUMENT = {
    "metadata": {"component": {"bom-ref": "root-component"}},
    "components": [
        component("Torch", "2.13.0+cpu", {"license": {"id": "BSD-3-Clause"}}),
        component("typing_extensions", "4.16.0", {"expression": "PSF-2.0"}),
        component("pytest", "9.0", {"license": {"id": "MIT"}}),
    ],
    "dependencies": [
        {"ref": "root-component", "dependsOn": ["Torch==2.13.0+cpu", "pytest==9.0"]},
        {"ref": "Torch==2.13.0+cpu", "dependsOn": ["typing_extensions==4.16.0"]},
        {"ref": "pytest==9.0"},
    ],
}


def test_the_document_has_the_locked_parts_and_no_other() -> None:
    locked = {"torch": "2.13.0", "typing-extensions": "4.16.0", "nvidia-nccl-cu13": "2.29.7"}
    document = restricted(DOCUMENT, locked)
    parts = {part["name"]: (part["version"], part.get("licenses")) for part in document["components"]}
    assert parts == {
        "Torch": ("2.13.0", [{"license": {"id": "BSD-3-Clause"}}]),
        "typing_extensions": ("4.16.0", [{"expression": "PSF-2.0"}]),
        "nvidia-nccl-cu13": ("2.29.7", None),
    }
    assert document["dependencies"] == [
        {"ref": "root-component", "dependsOn": ["Torch==2.13.0+cpu"]},
        {"ref": "Torch==2.13.0+cpu", "dependsOn": ["typing_extensions==4.16.0"]},
    ]


def test_a_part_of_another_version_is_named_without_its_licence() -> None:
    [part] = restricted(DOCUMENT, {"typing-extensions": "4.17.0"})["components"]
    assert (part["version"], part.get("licenses")) == ("4.17.0", None)
