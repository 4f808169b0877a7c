"""`python -m jobs new-key --owner ada`: make an API key in the database that `DATABASE_URL` names.

On one machine `pruneserve up` makes the first key; on servers of your own this does.
"""

import argparse

from jobs.access import api_keys
from jobs.database import engine_from, sessions
from jobs.settings import settings


def main() -> None:
    """Parse the command line, make the key, print it once."""
    parser = argparse.ArgumentParser(prog="python -m jobs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    new_key = commands.add_parser("new-key", help="print a new API key; it cannot be read again")
    new_key.add_argument("--owner", required=True, help="whose jobs it makes and sees")
    new_key.add_argument("--name", default="", help="what it is for")
    new_key.add_argument(
        "--scope",
        action="append",
        choices=[*api_keys.SCOPES],
        help="may be repeated; jobs:read and jobs:write unless given",
    )
    arguments = parser.parse_args()

    engine = engine_from(settings(), pool_size=1)
    with sessions(engine).begin() as session:
        scopes = arguments.scope or api_keys.ORDINARY_SCOPES
        key = api_keys.create(session, arguments.owner, arguments.name, scopes)
    print(key)
    engine.dispose()


if __name__ == "__main__":
    main()
