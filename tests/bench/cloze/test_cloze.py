"""The cloze task: how its questions are made, and what holds for all that are committed."""

import json
import re
from collections import Counter

from bench.cloze.make import AMBIGUOUS, DATA, questions

ARTICLE = (
    "The oldest houses of this quiet place stand on the bank of a broad and shallow river. "
    "Its people have caught and smoked fish there for as long as anybody can remember. "
    "They sold it to the monks who had settled on the other side of the valley. "
    "Every spring the water rose and took a part of the lower bank with it, so that in time the houses "
    "moved up the slope towards the church. "
    "Of the old bank nothing is left but a row of stones which children call the bridge."
)


def test_a_question_is_a_passage_without_its_last_word_beside_words_that_end_other_sentences() -> None:
    first, second = made = questions(ARTICLE)
    for question, begins, answer in (
        (first, "The oldest houses", " remember"),
        (second, "They sold", " church"),
    ):
        prompt, choices, place = question["question"], question["choices"], question["answer"]
        assert isinstance(choices, list)
        assert isinstance(place, int)
        assert choices[place] == answer
        assert str(prompt).startswith(begins)
        assert f"{prompt}{answer}." in ARTICLE
    # What is left of the five endings: the first prompt has the river, the second the valley.
    assert {*first["choices"]} == {" remember", " valley", " church", " bridge"}  # type: ignore[misc]
    assert {*second["choices"]} == {" river", " remember", " church", " bridge"}  # type: ignore[misc]
    assert questions(ARTICLE) == made


def test_what_can_be_copied_from_the_prompt_is_not_asked() -> None:
    assert not questions(ARTICLE.replace("quiet place", "remembered place"))


def test_what_two_choices_fit_is_left_out_by_the_end_of_its_prompt() -> None:
    (left,) = questions(ARTICLE, ["as long as anybody can"])
    assert str(left["question"]).startswith("They sold")


def test_no_answer_is_asked_for_twice() -> None:
    assert questions(f"{ARTICLE}\n\n{ARTICLE}") == questions(ARTICLE)


def test_a_sentence_in_which_markup_has_left_something_is_not_asked_about() -> None:
    article = f"{ARTICLE}\nTravellers who came by night were shown their way by a lantern."
    for broken in ("quiet  place", "quiet place ()", "quiet place.Smith, Of Rivers.", "place, , which is"):
        (left,) = questions(article.replace("quiet place", broken))
        assert str(left["question"]).startswith("Its people")


def test_the_committed_questions_have_one_answer_that_the_prompt_does_not_give_away() -> None:
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


def test_the_committed_questions_are_without_the_ambiguous_ones_and_have_their_licence() -> None:
    left_out = tuple(AMBIGUOUS.read_text().splitlines())
    assert all(left_out)
    prompts = [json.loads(line)["question"] for line in DATA.read_text().splitlines()]
    assert not [prompt for prompt in prompts if prompt.endswith(left_out)]
    assert "creativecommons.org/licenses/by-sa/3.0" in DATA.with_name("LICENSE").read_text()
