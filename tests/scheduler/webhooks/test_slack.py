"""What stands in messages to Slack, Mattermost and Rocket.Chat, whatever a request and an error say."""

from typing import Any

import pytest

from scheduler.webhook_sender import slack_message

PAGE = "https://prune.example.org/jobs/0198"
FAILED = {
    "type": "invalid_input",
    "message": "see [here](https://evil.example) @channel @all evil.example *x*",
}


def text(model: str, page: str = PAGE, error: dict[str, Any] | None = None) -> str:
    measured = {"perplexity": {"dense": 10.0, "pruned": 12.5}, "gate": {"state": "failed"}}
    facts = {"id": "0198", "page": page, "model": model, "method": "gblm", "pattern": "2:4", "sparsity": 0.5}
    message = slack_message({"type": "job.failed", "data": facts | measured | {"error": error}})
    return message["text"]


@pytest.mark.parametrize(
    "name", ["Qwen/Qwen2.5-0.5B-Instruct", "HuggingFaceTB/SmolLM2-1.7B", "/models/gpt_neo_125M"]
)
def test_a_usual_name_stays_as_it_is(name: str) -> None:
    label = f"{name} · gblm · 2:4 · 50% sparsity"
    assert text(name).splitlines() == [f"*Failed*: <{PAGE}|{label}>", "perplexity 10.00 → 12.50, gate failed"]
    assert text(name, page="/jobs/0198").splitlines()[0] == f"*Failed*: {label} (job 0198)"


@pytest.mark.threat
@pytest.mark.parametrize(
    "hostile",
    [
        "/models/@channel",
        "/models/#general ~town-square :boom:",
        "/models/[a](https://evil.example)",
        "/models/>|<!channel>",
        "www.evil.example/login",
        "evil.example/login",
        "10.1.2.3/login",
        "203.0.113.7:8080/x",
        "_x_ *y* `z` ~~a~~ $b$ ||c||",
        "a\n# b\u2028c\u202ed\uff20all\u00adevil\uff0eexample",
        "mailto:a@evil.example",
    ],
)
@pytest.mark.parametrize("page", [PAGE, "/jobs/0198"])
def test_nothing_of_a_strangers_becomes_a_link_or_a_mention(hostile: str, page: str) -> None:
    first, second, third = text(hostile, page, FAILED).splitlines()
    assert (second, third) == ("perplexity 10.00 → 12.50, gate failed", "error invalid_input")
    frame = ("<" + page + "|", ">") if page == PAGE else ("", " (job 0198)")
    shown = first.removeprefix("*Failed*: " + frame[0]).removesuffix(
        " · gblm · 2:4 · 50% sparsity" + frame[1]
    )
    assert first == f"*Failed*: {frame[0]}{shown} · gblm · 2:4 · 50% sparsity{frame[1]}"
    assert len(shown) == len(hostile)
    # Character by character: what stays is as it was, and no address of a host or of numbers is left.
    assert all(new in {old, "?"} for old, new in zip(hostile, shown, strict=True))
    assert set("@#~[]()<>|*`$!\n&").isdisjoint(shown)
    for point, character in enumerate(shown):
        if character in ".:":
            assert shown[point - 1].isdecimal()
            assert shown[point + 1].isdecimal()
    assert max(word.count(".") + word.count(":") for word in shown.replace("?", " ").split(" ")) <= 1
    assert shown.isascii()


def test_a_long_name_is_cut() -> None:
    assert text("a" * 5000).count("a") < 250
