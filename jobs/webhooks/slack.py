"""Messages in the form that Slack's incoming webhooks take, as do those of Mattermost and Rocket.Chat.

A message is `{"text": …}` with the event in words, the job as a link to its page, and what decides whether
to look at it. Whatever a request has named is escaped as Slack asks, so that it makes no link and no mention.
"""

from typing import Any

_MOST_OF_AN_ERROR = 500
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

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
    event = _IN_WORDS.get(payload["type"], payload["type"])
    lines = [f"*{_escaped(event)}*: {_link(data)}", *_result(data), *_error(data)]
    return {"text": "\n".join(lines)}


def _link(data: dict[str, Any]) -> str:
    what = [data["model"], data["method"]]
    if data["sparsity"]:
        what += [data["pattern"], f"{data['sparsity']:.0%} sparsity"]
    label, page = _escaped(" · ".join(what)), data["page"]
    # Without the service's public address there is no link that would work in Slack.
    if page.startswith(("https://", "http://")):
        # In a link, a bar ends the address.
        return f"<{_escaped(page)}|{label.replace('|', '/')}>"
    return f"{label} (job {data['id']})"


def _result(data: dict[str, Any]) -> list[str]:
    measured = data["perplexity"] or {}
    dense, pruned = measured.get("dense"), measured.get("pruned")
    if dense is None or pruned is None:
        return []
    gate = data["gate"]
    told = f", gate {gate['state']}" if gate else ""
    return [_escaped(f"perplexity {dense:.2f} → {pruned:.2f}{told}")]


def _error(data: dict[str, Any]) -> list[str]:
    if not data["error"]:
        return []
    message = str(data["error"]["message"])
    short = message if len(message) <= _MOST_OF_AN_ERROR else f"{message[:_MOST_OF_AN_ERROR]}…"
    return [_escaped(" ".join(short.split()))]


def _escaped(text: str) -> str:
    return text.translate(_ESCAPED)
