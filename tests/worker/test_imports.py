import subprocess
import sys


def test_the_parent_of_a_worker_starts_without_torch() -> None:
    """It takes seconds and hundreds of megabytes, and the child that runs jobs imports it once more."""
    program = "import sys; sys.modules['torch'] = sys.modules['transformers'] = None; import worker.__main__"
    subprocess.run([sys.executable, "-c", program], check=True)
