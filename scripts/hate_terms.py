"""Terms for groups of people, their spelling variants, and the templates behind the cases of HateCheck."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections import Counter, defaultdict

GROUPS = {
    "women": "woman women female females",
    "gay people": "gay gays homosexual homosexuals lesbian lesbians bisexual bisexuals lgbt lgbtq",
    "disabled people": "disabled handicapped crippled disability disabilities autistic",
    "Muslims": "muslim muslims islamic islam moslem moslems",
    "black people": "black blacks africans african",
    "trans people": "trans transgender transgendered transsexual transsexuals transwoman transwomen transman transmen",
    "immigrants": "immigrant immigrants migrant migrants refugee refugees foreigner foreigners asylum",
    "Jews": "jew jews jewish",
    "Asian people": "asian asians chinese japanese korean koreans",
    "Latino people": "latino latinos latina latinas hispanic hispanics mexican mexicans",
    "Arabs": "arab arabs",
    "Roma": "roma gypsy gypsies",
    "white people": "white whites",
    "indigenous people": "indigenous aboriginal aboriginals aborigines",
}
NAMES = tuple(GROUPS)
PERSON = "people person persons folk folks human humans"
NEGATION = (
    "not no never nobody nothing none neither nor cannot can't don't won't isn't aren't wasn't doesn't didn't "
    "shouldn't wouldn't couldn't without ain't t haven't hasn't"
)
COMMON = 100
_LEET = {"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7"}


def variants(word: str) -> set[str]:
    """Spellings with one letter as a digit, a vowel left out, or two neighbours exchanged; only of longer words."""
    if len(word) < 5:
        return set()
    found = {word[:i] + _LEET[letter] + word[i + 1 :] for i, letter in enumerate(word) if letter in _LEET}
    found |= {word[:i] + word[i + 1 :] for i, letter in enumerate(word) if letter in "aeiou"}
    found |= {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1)}
    return found - {word}


_IDENTITY = re.compile(
    r"\b(?:an? |the )?(?:wom[ae]n|female|(?:gay|disabled|black|trans) (?:people|person)|gays?|disabled|muslims?|blacks?"
    r"|trans|immigrants?)\b",
    re.IGNORECASE,
)


def templates(rows: list[dict]) -> list[str]:
    """For each case of HateCheck a name that it shares with the cases of its template.

    Cases of one functional class are joined when their words, group terms apart, agree for 7 in 10 or in all but one:
    rather too many than too few, so that no template is on both sides of a split.
    """
    words = [re.sub(r"[^a-z<>' ]+", "", _IDENTITY.sub("<G>", row["text"]).lower()).split() for row in rows]
    parent = list(range(len(rows)))

    def find(item: int) -> int:
        while parent[item] != item:
            item = parent[item] = parent[parent[item]]
        return item

    classes = defaultdict(list)
    for item, row in enumerate(rows):
        classes[row["functionality"]].append(item)
    for items in classes.values():
        for place, one in enumerate(items):
            for other in items[place + 1 :]:
                if find(one) != find(other) and _alike(words[one], words[other]):
                    parent[find(one)] = find(other)
    return [f"{rows[find(item)]['functionality']} {find(item)}" for item in range(len(rows))]


def _alike(one: list[str], other: list[str]) -> bool:
    longest = max(len(one), len(other))
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    common = sum(block.size for block in matcher.get_matching_blocks())
    return common >= 0.7 * longest or longest - common <= 1


def fold(name: str, folds: int) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % folds


def training_cases(rows: list[dict]) -> tuple[list[dict], list[str]]:
    """The cases whose templates are trained on, 7 in 10, with their templates."""
    names = templates(rows)
    chosen = [item for item, name in enumerate(names) if fold(name, 10) < 7]
    return [rows[item] for item in chosen], [names[item] for item in chosen]


def slurs(rows: list[dict], common: set[str]) -> dict[str, str]:
    """Words that stand in slur cases of one group alone, in no other case, and are not common -> the group. Only hashes
    of them are written out.
    """
    about = ("slur_h", "slur_reclaimed_nh", "slur_homonym_nh", "counter_quote_nh", "counter_ref_nh")
    targets, others = defaultdict(set), set()
    for row in rows:
        words = re.findall(r"[a-z']+", row["text"].lower())
        if row["functionality"] == "slur_h":
            for word in words:
                targets[word].add(row["target"])
        elif row["functionality"] not in about and not row["functionality"].startswith("spell"):
            others.update(words)
    names = {word for word in targets if word not in common | others and len(word) > 2}
    return {
        word: next(iter(targets[word])) for word in names if len(targets[word]) == 1 and targets[word] <= set(NAMES)
    }


def common_words(texts: list[str]) -> tuple[set[str], set[str]]:
    """(all words, those that stand in the texts COMMON times or more)."""
    seen = Counter(word for text in texts for word in re.findall(r"[a-z']+", text.lower()))
    return set(seen), {word for word, count in seen.items() if count >= COMMON}
