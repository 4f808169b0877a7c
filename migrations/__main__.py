"""`pruneserve-migrate`: make the schema of the database that `DATABASE_URL` names."""

import argparse
import sys

from psycopg import errors
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

import migrations
from jobs.database import in_one_line
from jobs.secret_files import close_to_others, missing, program, read_secret


@program
def main() -> None:
    """Make the schema, or exit with what keeps it from being made."""
    parser = argparse.ArgumentParser(prog="pruneserve-migrate", description=__doc__)
    parser.add_argument(
        "--app-role",
        metavar="ROLE",
        help="the role of API, schedulers and workers, if it is another than that of DATABASE_URL: "
        "it may then read and write rows, and change nothing else",
    )
    arguments = parser.parse_args()

    close_to_others()
    database_url = read_secret("DATABASE_URL")
    if not database_url:
        sys.exit(missing("DATABASE_URL", "postgresql://user:password@host/name"))
    try:
        migrations.upgrade(database_url, app_role=arguments.app_role)
    except migrations.UnsupportedDatabase as error:
        sys.exit(str(error))
    except SQLAlchemyError as error:
        sys.exit(_explained(error, arguments.app_role))


def _explained(error: SQLAlchemyError, app_role: str | None) -> str:
    said, cause = in_one_line(error), error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, errors.UndefinedObject) and app_role:
        return f"--app-role {app_role}: {said}; create that role first"
    if isinstance(cause, errors.InsufficientPrivilege):
        return f"the role of DATABASE_URL may not change the schema: {said}; connect as the role that owns it"
    if isinstance(error, OperationalError):
        return f"the database of DATABASE_URL cannot be used: {said}"
    return f"the database refuses: {said}"


if __name__ == "__main__":
    main()
