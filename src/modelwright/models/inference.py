"""Ask a model: bits of texts and completions, and generation piece by piece. Any Hugging Face causal model folder.

Everything is a pure function of the weights, the input and the seed on CPU (for a fixed number of threads).
Bits are -log2 of the probability, summed in float64; a text starts from the end-of-text token, as in training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

LOGITS_PER_BATCH = 32_000_000  # elements of one batch of logits: 128 MB in float32, twice that at its peak


@dataclass(frozen=True)
class Loaded:
    """A model in memory. `end_of_text` also begins a text; `end_tokens` are all ids that end an answer."""

    model: Any
    tokenizer: Any
    context_length: int
    end_of_text: int
    device: str
    end_tokens: frozenset[int]


@dataclass(frozen=True)
class Piece:
    """A piece of an answer: whole characters, the number of tokens since the last piece (an end token counts),
    and in the last piece why it ended: "stop" (end token or stop sequence) or "length"."""

    text: str
    tokens: int
    finish_reason: str | None = None


def load(model: Path, adapter: Path | None = None, device: str = "cpu") -> Loaded:
    """Load a model folder (safetensors only), with a PEFT adapter on top if given; float32 on CPU.

    Raises InputError where the folder holds no model, no tokenizer or no end-of-text token.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    for name in ("config.json", "tokenizer.json"):
        if not (model / name).is_file():
            raise InputError(f"{model} is no model folder: {name} is missing", hint="name a Hugging Face folder")
    logging.disable_progress_bar()
    device = device if device != "cuda" or torch.cuda.is_available() else "cpu"  # a CPU build on a machine with a GPU
    dtype = torch.float32 if device == "cpu" else "auto"
    try:
        network = AutoModelForCausalLM.from_pretrained(model, dtype=dtype, use_safetensors=True, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{model} cannot be loaded: {error}", hint="a causal language model in safetensors") from error
    end_tokens = _end_tokens(network, tokenizer)
    if not end_tokens:
        raise InputError(f"{model} names no end-of-text token", hint="set eos_token_id in its config.json")
    context_length = int(network.config.max_position_embeddings)
    if adapter is not None:
        from modelwright.engines.peft import load_adapter

        network = load_adapter(network, adapter)
    network = network.to(device).eval()
    return Loaded(network, tokenizer, context_length, end_tokens[0], device, frozenset(end_tokens))


def _end_tokens(network: Any, tokenizer: Any) -> list[int]:
    found: list[int] = []
    generation = getattr(network, "generation_config", None)
    for value in (
        network.config.eos_token_id,
        getattr(generation, "eos_token_id", None),
        tokenizer.eos_token_id,
    ):
        for token in value if isinstance(value, list) else [value]:
            if token is not None and token not in found:
                found.append(int(token))
    return found


def encode(loaded: Loaded, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of texts. A special token's name inside a text stays text; nothing is added in front."""
    if not texts:
        return []
    encoded = loaded.tokenizer(
        list(texts), add_special_tokens=False, split_special_tokens=True, verbose=False, return_attention_mask=False
    )
    return [list(ids) for ids in encoded["input_ids"]]


def rolling_bits(
    loaded: Loaded, texts: Sequence[str], progress: Callable[[int, int], None] | None = None
) -> npt.NDArray[np.float64]:
    """Bits of each text, float64 [texts]: every token is predicted once, the first from end-of-text.

    A text longer than the context is read in windows that overlap by half, so that each later token sees at
    least half a context. `progress(done, total)` counts windows. An empty text has 0 bits.
    """
    sequences = [[loaded.end_of_text, *ids] for ids in encode(loaded, texts)]
    return _bits(loaded, sequences, [1] * len(sequences), progress)


def completion_bits(
    loaded: Loaded,
    prompts: Sequence[str],
    completions: Sequence[str],
    progress: Callable[[int, int], None] | None = None,
) -> npt.NDArray[np.float64]:
    """Bits of each completion given its prompt, float64 [pairs]; prompt and completion are encoded apart.

    What does not fit the context is cut from the left of the prompt; a completion longer than half a context
    keeps at least half a context before each of its tokens where there is as much.
    """
    if len(prompts) != len(completions):
        raise ValueError(f"{len(prompts)} prompts, {len(completions)} completions")
    sequences, firsts = [], []
    for prompt, completion in zip(encode(loaded, prompts), encode(loaded, completions), strict=True):
        first = 1 + len(prompt)
        sequence = [loaded.end_of_text, *prompt, *completion]
        surplus = len(sequence) - 1 - loaded.context_length  # the last token is only predicted, never read
        cut = min(max(0, surplus), max(0, first - 1 - loaded.context_length // 2))
        sequences.append(sequence[cut:])
        firsts.append(first - cut)
    return _bits(loaded, sequences, firsts, progress)


def windows(length: int, first: int, context: int) -> list[tuple[int, int, int]]:
    """Windows (start, scored from, end) over a sequence of `length` tokens.

    A window reads [start, end - 1) and predicts [scored from, end). Every token from `first` on is predicted
    once; all but the first window read at least context // 2 tokens before the first that they predict.
    """
    found = []
    scored, start = first, 0
    while scored < length:
        end = min(length, start + context + 1)
        if end > scored:
            found.append((start, scored, end))
            scored = end
        start = max(start + 1, scored - 1 - context // 2)
    return found


def _bits(
    loaded: Loaded,
    sequences: Sequence[Sequence[int]],
    firsts: Sequence[int],
    progress: Callable[[int, int], None] | None,
) -> npt.NDArray[np.float64]:
    """Sum over windows, batched by length so that little is padded; the order of summing is fixed."""
    import numpy as np

    jobs = [
        (row, *window)
        for row, (sequence, first) in enumerate(zip(sequences, firsts, strict=True))
        for window in windows(len(sequence), first, loaded.context_length)
    ]
    jobs.sort(key=lambda job: (job[1] - job[3], job[0], job[1]))  # longest first: memory is highest at once
    total = np.zeros(len(sequences), dtype=np.float64)
    limit = max(1, LOGITS_PER_BATCH // int(loaded.model.config.vocab_size))  # tokens
    done = 0
    while done < len(jobs):
        longest = jobs[done][3] - jobs[done][1] - 1
        batch = jobs[done : done + max(1, limit // longest)]
        for job, bits in zip(batch, _window_bits(loaded, sequences, batch), strict=True):
            total[job[0]] += bits
        done += len(batch)
        if progress is not None:
            progress(done, len(jobs))
    return total


def _window_bits(
    loaded: Loaded, sequences: Sequence[Sequence[int]], batch: Sequence[tuple[int, int, int, int]]
) -> list[float]:
    import math

    import torch

    longest = max(end - start for _, start, _, end in batch)
    tokens = torch.full((len(batch), longest), loaded.end_of_text, dtype=torch.long)
    scored = torch.zeros((len(batch), longest - 1), dtype=torch.bool)
    for row, (sequence, start, first, end) in enumerate(batch):
        tokens[row, : end - start] = torch.tensor(sequences[sequence][start:end], dtype=torch.long)
        scored[row, first - start - 1 : end - start - 1] = True
    tokens, scored = tokens.to(loaded.device), scored.to(loaded.device)
    with torch.inference_mode():
        losses = torch.zeros(scored.shape, dtype=torch.float64, device=loaded.device)
        losses[scored] = _losses(loaded.model, tokens, scored).double()
        sums = losses.sum(dim=1)
    return [float(value) / math.log(2) for value in sums.cpu()]


def _losses(model: Any, tokens: torch.Tensor, scored: torch.Tensor) -> torch.Tensor:
    """Loss in nats of the scored tokens, row by row, float32. Padding stands to the right, where no token looks:
    no mask is needed. The head is computed for scored tokens only, where the model allows it."""
    import torch

    from modelwright.models.head import has_plain_head, token_losses

    inputs, targets = tokens[:, :-1], tokens[:, 1:][scored]
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model  # LoRA layers lie inside of it
    if has_plain_head(bare):
        hidden = bare.model(input_ids=inputs, use_cache=False).last_hidden_state
        return token_losses(hidden[scored], bare.get_output_embeddings().weight, targets)
    logits = model(input_ids=inputs, use_cache=False).logits[scored].float()
    return torch.nn.functional.cross_entropy(logits, targets, reduction="none")


def prompt_ids(loaded: Loaded, prompt: str) -> list[int]:
    """Ids of a prompt that begins a text: end-of-text, then the prompt, as documents begin in training."""
    return [loaded.end_of_text, *encode(loaded, [prompt])[0]]


def generate(
    loaded: Loaded,
    prompt_ids: Sequence[int],
    *,
    max_tokens: int,
    temperature: float = 0.0,
    top_p: float = 1.0,
    stop: Sequence[str] = (),
    seed: int | None = None,
) -> Iterator[Piece]:
    """Answer a prompt piece by piece, with a key-value cache; the last piece has a finish reason.

    Temperature 0 takes the likeliest token. Pieces hold whole characters and never any part of a stop sequence,
    which may span several tokens. Raises InputError where the prompt leaves no room in the context.
    """
    if len(prompt_ids) >= loaded.context_length:
        raise InputError(
            f"the prompt has {len(prompt_ids)} tokens; the model reads {loaded.context_length}, the answer included",
            hint=f"shorten the prompt to at most {loaded.context_length - 1} tokens",
            value=len(prompt_ids),
        )
    return _generate(loaded, list(prompt_ids) or [loaded.end_of_text], max_tokens, temperature, top_p, stop, seed)


def _generate(
    loaded: Loaded,
    prompt: list[int],
    max_tokens: int,
    temperature: float,
    top_p: float,
    stop: Sequence[str],
    seed: int | None,
) -> Iterator[Piece]:
    import torch

    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    text, gate = _Text(loaded.tokenizer), _StopGate(tuple(s for s in stop if s))
    room = min(max_tokens, loaded.context_length - len(prompt))
    ids, cache, waiting = prompt, None, 0
    for _ in range(room):
        with torch.inference_mode():
            output = loaded.model(
                input_ids=torch.tensor([ids], device=loaded.device),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
        cache = output.past_key_values
        token = _choose(output.logits[0, -1].double().cpu(), temperature, top_p, generator)
        ids, waiting = [token], waiting + 1
        if token in loaded.end_tokens:
            piece, _ = gate.add(text.flush())
            yield Piece(piece + ("" if gate.stopped else gate.flush()), waiting, "stop")
            return
        piece, stopped = gate.add(text.add(token))
        if stopped:
            yield Piece(piece, waiting, "stop")
            return
        if piece:
            yield Piece(piece, waiting)
            waiting = 0
    piece, stopped = gate.add(text.flush())
    yield Piece(piece if stopped else piece + gate.flush(), waiting, "stop" if stopped else "length")


def _choose(logits: torch.Tensor, temperature: float, top_p: float, generator: torch.Generator) -> int:
    """A token id from float64 logits [vocabulary]: argmax, or nucleus sampling (Holtzman et al. 2020)."""
    import torch

    if temperature <= 0:
        return int(logits.argmax())
    probabilities = torch.softmax(logits / temperature, dim=-1)
    if top_p < 1:
        ordered, order = torch.sort(probabilities, descending=True, stable=True)
        ordered[ordered.cumsum(0) - ordered >= top_p] = 0  # the token that crosses top_p stays
        probabilities = torch.zeros_like(probabilities).scatter_(0, order, ordered)
    return int(torch.multinomial(probabilities, 1, generator=generator))


class _Text:
    """Token ids to text, whole characters only: an unfinished UTF-8 character waits for its next token."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.ids: list[int] = []
        self.shown = 0  # ids whose text was given out
        self.begin = 0  # ids before this one cannot change the text of what follows

    def _decode(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def add(self, token: int) -> str:
        self.ids.append(token)
        before = self._decode(self.ids[self.begin : self.shown])
        now = self._decode(self.ids[self.begin :])
        if now.endswith("\ufffd"):
            return ""
        self.begin, self.shown = self.shown, len(self.ids)
        return now[len(before) :]

    def flush(self) -> str:
        """What is left when nothing follows; an unfinished character becomes U+FFFD."""
        before = self._decode(self.ids[self.begin : self.shown])
        now = self._decode(self.ids[self.begin :])
        self.begin = self.shown = len(self.ids)
        return now[len(before) :]


class _StopGate:
    """Lets text through except what could still become a stop sequence."""

    def __init__(self, stop: tuple[str, ...]) -> None:
        self.stop = stop
        self.held = ""
        self.stopped = False

    def add(self, text: str) -> tuple[str, bool]:
        self.held += text
        found = [(self.held.find(stop) + len(stop), self.held.find(stop)) for stop in self.stop if stop in self.held]
        if found:  # the one that is complete first, so that the answer does not depend on where tokens end
            self.stopped = True
            return self.held[: min(found)[1]], True
        keep = max((_overlap(self.held, s) for s in self.stop), default=0)
        text, self.held = self.held[: len(self.held) - keep], self.held[len(self.held) - keep :]
        return text, False

    def flush(self) -> str:
        text, self.held = self.held, ""
        return text


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    for size in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:size]):
            return size
    return 0
