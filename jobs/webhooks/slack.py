"""Messages in the form that Slack's incoming webhooks take, as do those of Mattermost and Rocket.Chat.

A message is `{"text": …}` with the event in words, the job as a link to its page, and what decides whether
to look at it. The three read different markup in a text, and make links and mentions of plain words as well.
So words of a request, such as the model's, keep only letters, digits and what `_NOT_NEUTRAL` leaves, and an
error is reported by its type: its message, which may quote text of any origin, is on the page.
"""

import re
from typing import Any

_MOST_OF_A_WORD = 200
# A point is left in `1.7B`, but neither in a name of a host nor in an address of numbers,
# a colon in `2:4`, and an underscore in `gpt_neo`.
_NOT_NEUTRAL = re.compile(
    r"(?!(?<=[0-9])[.:](?=[0-9])(?![0-9]+[.:])|(?<=[A-Za-z0-9])_(?=[A-Za-z0-9]))[^A-Za-z0-9 /-]"
)

_IN_WORDS = {
    "job.started": "Started",
    "job.succeeded": "Succeeded",
    "job.failed": "Failed",
    "job.cancelled": "Cancelled",
    "job.gate_failed": "Missed its gate",
}


def slack_message(payload: dict[str, Any]) -> dict[str, str]:
    """Return the message for the body of a Standard Webhook, whose links are absolute if they can be."""
    data = payload["data"]
    if "model" not in data:
        return {"text": "A test message of PruneServe: this webhook works."}
    event = _IN_WORDS.get(payload["type"], _neutral(payload["type"]))
    return {"text": "\n".join([f"*{event}*: {_link(data)}", *_result(data), *_error(data)])}


def _link(data: dict[str, Any]) -> str:
    what = [_neutral(data["model"]), _neutral(data["method"])]
    if data["sparsity"]:
        what += [_neutral(data["pattern"]), f"{data['sparsity']:.0%} sparsity"]
    label, page = " · ".join(what), data["page"]
    # Without the service's public address there is no link that would work in Slack.
    if page.startswith(("https://", "http://")):
        return f"<{page}|{label}>"
    return f"{label} (job {data['id']})"


def _result(data: dict[str, Any]) -> list[str]:
    measured = data["perplexity"] or {}
    dense, pruned = measured.get("dense"), measured.get("pruned")
    if dense is None or pruned is None:
        return []
    gate = data["gate"]
    gate_state = f", gate {_neutral(gate['state'])}" if gate else ""
    return [f"perplexity {dense:.2f} → {pruned:.2f}{gate_state}"]


def _error(data: dict[str, Any]) -> list[str]:
    return [f"error {_neutral(data['error']['type'])}"] if data["error"] else []


def _neutral(text: str) -> str:
    """Return a text in which Slack, Mattermost and Rocket.Chat find no link, no mention and no markup."""
    neutral = _NOT_NEUTRAL.sub("?", text)
    return neutral if len(neutral) <= _MOST_OF_A_WORD else f"{neutral[:_MOST_OF_A_WORD]}…"
