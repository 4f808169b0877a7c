"""`pruneserve logs`: the events of a job, as lines for people or as lines of JSON."""

from collections.abc import Iterator
from uuid import UUID

from cli.render.views import PlainView
from cli.terminal import out, print_json_line
from pruneserve_client import Client
from pruneserve_client.models import Event


def print_log(client: Client, job_id: UUID, *, follow: bool, as_json: bool) -> None:
    """Print the events so far; with `follow` also those that come, until the job has ended."""
    view = PlainView(out)
    for event in _following(client, job_id) if follow else client.events(job_id):
        if as_json:
            print_json_line(event.as_sent())
        else:
            view.show(event)


def _following(client: Client, job_id: UUID) -> Iterator[Event]:
    return (item for item in client.follow(job_id) if isinstance(item, Event))
