"""A dispatcher whose rounds are an hour apart: `python -m tests.worker.dispatcher.rare_rounds`.

What happens within a test is what it was told of.
"""

from worker import dispatch
from worker.dispatcher import checks, sizing

dispatch._SECONDS_BETWEEN_ROUNDS = 3600.0
sizing._SECONDS_BETWEEN_ROUNDS = 3600.0
checks._SECONDS_BETWEEN_ROUNDS = 3600.0

if __name__ == "__main__":
    dispatch.main()
