"""`pruneserve-migrate`: upgrade the schema of the database that `DATABASE_URL` names."""

import argparse
import sys

import migrations
from jobs.secret_files import SecretUnreadable, missing, read_secret


def main() -> None:
    """Run the command that the command line names."""
    parser = argparse.ArgumentParser(prog="pruneserve-migrate", description=__doc__)
    parser.add_argument(
        "--app-role",
        metavar="ROLE",
        help="the role of API, dispatchers and workers, if it is another than that of DATABASE_URL: "
        "it may read and write rows after an upgrade, and change nothing else",
    )
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("upgrade", help="upgrade to the newest revision (the default)")
    commands.add_parser("downgrade", help="downgrade to a revision").add_argument(
        "revision", help="a revision, or 'base' to remove everything"
    )
    commands.add_parser("draft", help="write a new revision from the changes in jobs/tables").add_argument(
        "message", help="what the revision changes"
    )
    arguments = parser.parse_args()

    try:
        database_url = read_secret("DATABASE_URL")
    except SecretUnreadable as error:
        sys.exit(str(error))
    if not database_url:
        sys.exit(missing("DATABASE_URL", "postgresql://user:password@host/name"))
    try:
        if arguments.command == "downgrade":
            migrations.downgrade(database_url, arguments.revision)
        elif arguments.command == "draft":
            migrations.draft(database_url, arguments.message)
        else:
            migrations.upgrade(database_url, app_role=arguments.app_role)
    except migrations.UnsupportedDatabase as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
