"""Conversations as text: the model's own chat template, or a plain one that is named wherever it was used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ROLES = ("system", "user", "assistant", "tool")
PLAIN = "modelwright-plain-1"
"""Name of the template for models that bring none. Changing its text means a new name."""
PLAIN_STOP = "\n### "
"""Where a model that answers in the plain template begins the next turn."""


@dataclass(frozen=True)
class Rendered:
    """Text for the model, the template's name (`model` for the tokenizer's own) and the stop that belongs to it."""

    text: str
    template: str
    stop: tuple[str, ...] = ()


def check(messages: Any) -> str | None:
    """What is wrong with `messages`, in words, or None."""
    if not isinstance(messages, (list, tuple)) or not messages:
        return "messages must be a list with at least one message"
    for index, message in enumerate(messages):
        if not isinstance(message, Mapping):
            return f"messages[{index}] must be an object with role and content"
        if message.get("role") not in ROLES:
            return f"messages[{index}].role must be one of {', '.join(ROLES)}, not {message.get('role')!r}"
        if not isinstance(message.get("content"), str):
            return f"messages[{index}].content must be text"
    return None


def render(messages: Sequence[Mapping[str, str]], tokenizer: Any = None, *, answer_next: bool = True) -> Rendered:
    """Conversation -> text. `answer_next` ends it with the opening of the assistant's turn.

    Uses the tokenizer's chat template where it has one, else the plain template.
    """
    if tokenizer is not None and getattr(tokenizer, "chat_template", None):
        text = tokenizer.apply_chat_template(
            [dict(message) for message in messages], tokenize=False, add_generation_prompt=answer_next
        )
        return Rendered(str(text), "model")
    turns = [f"### {message['role'].capitalize()}\n{message['content']}\n\n" for message in messages]
    return Rendered("".join(turns) + ("### Assistant\n" if answer_next else ""), PLAIN, (PLAIN_STOP,))


def prompt_and_completion(messages: Sequence[Mapping[str, str]], tokenizer: Any = None) -> tuple[str, str]:
    """A conversation that ends with the assistant -> (all that the model is given, what it should say)."""
    prompt = render(messages[:-1], tokenizer).text
    whole = render(messages, tokenizer, answer_next=False).text
    completion = whole[len(prompt) :] if whole.startswith(prompt) else messages[-1]["content"]
    return prompt, completion.rstrip()
