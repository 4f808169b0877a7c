"""`python -m migrations`: bring the database that `DATABASE_URL` names up to date."""

import argparse
import os
import sys

import migrations


def main() -> None:
    """Read the command line and the environment."""
    parser = argparse.ArgumentParser(prog="python -m migrations", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("upgrade", help="to the newest revision (what happens without a command)")
    commands.add_parser("downgrade", help="back to a revision").add_argument("revision", help="or 'base'")
    commands.add_parser("draft", help="write a revision from the tables' changes").add_argument("message")
    arguments = parser.parse_args()

    database_url = os.environ.get("DATABASE_URL")
    if not database_url:
        sys.exit("DATABASE_URL is not set; give the database as postgresql://user:password@host/name")
    try:
        if arguments.command == "downgrade":
            migrations.downgrade(database_url, arguments.revision)
        elif arguments.command == "draft":
            migrations.draft(database_url, arguments.message)
        else:
            migrations.upgrade(database_url)
    except migrations.UnsupportedDatabase as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
