import subprocess
import sys

import pytest

NEVER = (
    "matplotlib",  # loaded with the first picture: it takes a second
    "torch",
    "transformers",
    "safetensors",
    "datasets",
    "pyarrow",
)


@pytest.mark.parametrize("module", ["api.app", "api.__main__", "scheduler"])
def test_it_starts_where_there_is_no_torch(module: str) -> None:
    program = f"import sys; sys.modules.update(dict.fromkeys({NEVER!r})); import {module}"
    subprocess.run([sys.executable, "-c", program], check=True)
