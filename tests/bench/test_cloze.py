"""The questions of the cloze task."""

import json
import re
from collections import Counter
from pathlib import Path

DATA = Path(__file__).parents[2] / "bench" / "cloze" / "wikipedia_cloze.jsonl"


def test_each_question_has_one_answer_that_its_prompt_does_not_contain() -> None:
    kept = [json.loads(line) for line in DATA.read_text().splitlines()]
    assert len(kept) > 300
    for question in kept:
        words = [choice.strip() for choice in question["choices"]]
        assert len(set(words)) == 4
        assert question["choices"] == [f" {word}" for word in words]
        prompt = question["question"].lower()
        assert not [word for word in words if re.search(rf"\b{word.removesuffix('s')}", prompt)]
    assert len({question["choices"][question["answer"]] for question in kept}) == len(kept)
    for part in (slice(None, 60), slice(-60, None)):
        assert len({question["question"][part] for question in kept}) == len(kept)
    places = Counter(question["answer"] for question in kept)
    assert all(0.7 < 4 * places[place] / len(kept) < 1.3 for place in range(4))
    assert "creativecommons.org/licenses/by-sa/3.0" in DATA.with_name("LICENSE").read_text()
