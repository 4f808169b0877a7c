"""The token ids of a conversation, in the model's own chat template, and which of them are answers.

What is trained on are the answers: the assistant's messages, with what the template writes behind each. All
else is their context. A template is a program of its author's: it runs where the tokenizer does.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from transformers import PreTrainedTokenizerBase

from pruning.data.tokens import Labelled, LabelsInside, Tokenizer, token_ids
from pruning.errors import InvalidInput
from pruning.inputs.jsonl import ASSISTANT

Messages = Sequence[Mapping[str, str]]

_FIELD = "model.id"

# Goes before a template that asks for today's date, so that equal conversations give equal token ids on any
# day. This date is what some templates write themselves where they know none.
_ON_ONE_DAY = (
    "{% macro strftime_now(format) %}{{ format | replace('%d', '26') | replace('%b', 'Jul') | "
    "replace('%B', 'July') | replace('%m', '07') | replace('%y', '24') | replace('%Y', '2024') }}"
    "{% endmacro +%}"
)


def labelled_ids(tokenizer: Tokenizer, conversation: str) -> Labelled:
    """Return the token ids of a conversation up to its last answer, and which of them are answers.

    `conversation`: as `pruning.inputs.jsonl.conversation_of_line` returns it.

    The ids are those of the text as a whole. An answer begins with the first that differs from what a model
    is given when it is asked for it.

    Raises InvalidInput(field='model.id') where the tokenizer has no template, the template refuses the
    conversation, or rewrites what it wrote before.
    """
    if isinstance(tokenizer, LabelsInside):
        return tokenizer.labelled_ids(conversation)
    assert isinstance(tokenizer, PreTrainedTokenizerBase)  # noqa: S101 - there are no others
    as_written = partial(tokenizer, add_special_tokens=False)  # the template writes those that it needs
    ids, answers = list[int](), list[bool]()
    for asked, answered in turns(json.loads(conversation), tokenizer):
        longer = token_ids(as_written, answered)
        same = _in_common(ids, longer)
        start = max(same, _in_common(token_ids(as_written, asked), longer))
        answers = answers[:same] + [False] * (start - same) + [True] * (len(longer) - start)
        ids = longer
    return ids, answers


def turns(messages: Messages, tokenizer: PreTrainedTokenizerBase) -> Iterator[tuple[str, str]]:
    """Yield for each answer what a model is given when it is asked for it, and the same with the answer.

    Raises what `labelled_ids` raises.
    """
    if not tokenizer.chat_template:
        raise InvalidInput(
            "the model's tokenizer has no chat template; take a model that was tuned for conversations, or "
            "train on a text",
            field=_FIELD,
        )
    done = ""
    for number, message in enumerate(messages):
        if message["role"] != ASSISTANT:
            continue
        asked = _written(tokenizer, messages[:number], ask=True)
        answered = _written(tokenizer, messages[: number + 1], ask=False)
        if not (asked.startswith(done) and answered.startswith(asked)):
            raise InvalidInput(
                "the model's chat template rewrites earlier messages; give each answer on a line of its own, "
                "with prompt and answer",
                field=_FIELD,
            )
        yield asked, answered
        done = answered


def _written(tokenizer: PreTrainedTokenizerBase, messages: Messages, *, ask: bool) -> str:
    try:
        template = tokenizer.get_chat_template()
        text = tokenizer.apply_chat_template(
            [dict(message) for message in messages],
            chat_template=_ON_ONE_DAY + template if "strftime_now" in template else template,
            tokenize=False,
            add_generation_prompt=ask,
        )
    except Exception as error:  # a template is a program of its author's
        raise InvalidInput(
            f"the model's chat template refuses a conversation ({type(error).__name__}); check the roles and "
            "their order",
            field=_FIELD,
        ) from error
    return str(text)


def _in_common(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many ids both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))
