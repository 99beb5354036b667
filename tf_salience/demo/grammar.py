"""A small grammar of reviews in which the words that carry the label are known.

Negation flips a word, and of two clauses only one decides: what follows "but", or the main clause
beside "although". The other clause often says the opposite, so the words alone, without their
order, do not give the label away.
"""

from __future__ import annotations

import dataclasses
import random

NEGATIVE, POSITIVE = 0, 1
CLASS_NAMES = ("negative", "positive")

# A word and whether it carries the label.
Marked = list[tuple[str, bool]]


@dataclasses.dataclass(frozen=True)
class Sentence:
    """One labelled sentence.

    Attributes:
        text: lowercase words with single spaces between them.
        label: `NEGATIVE` or `POSITIVE`.
        gold: one flag a word of `text`: does the word carry the label?
    """

    text: str
    label: int
    gold: tuple[bool, ...]


@dataclasses.dataclass(frozen=True)
class Topic:
    """What a review is about: things to judge, and the words that judge them."""

    singular: tuple[str, ...]
    plural: tuple[str, ...]
    adjectives: tuple[tuple[str, ...], tuple[str, ...]]  # negative, positive
    openers: tuple[str, ...]


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TOPICS = (
    Topic(
        singular=_split("plot acting script ending dialogue soundtrack story"),
        plural=_split("jokes songs scenes characters"),
        adjectives=(
            _split("dull tedious predictable clumsy forgettable boring"),
            _split("gripping moving witty clever original charming"),
        ),
        openers=("the film lasts two hours and", "we saw it at the cinema and"),
    ),
    Topic(
        singular=_split("soup bread steak dessert sauce salad fish"),
        plural=_split("noodles vegetables starters dumplings"),
        adjectives=(
            _split("bland greasy stale tasteless soggy burnt"),
            _split("tasty delicious fresh crisp flavourful tender"),
        ),
        openers=("we booked a table for four and", "the menu changes every week and"),
    ),
    Topic(
        singular=_split("room lobby bathroom balcony pool garden bar"),
        plural=_split("beds corridors towels lifts"),
        adjectives=(
            _split("dirty shabby damp filthy smelly dingy"),
            _split("spotless cosy comfortable elegant tidy stylish"),
        ),
        openers=("the hotel stands near the station and", "we stayed for three nights and"),
    ),
    Topic(
        singular=_split("screen camera battery keyboard case charger display"),
        plural=_split("speakers buttons headphones menus"),
        adjectives=(
            _split("flimsy unreliable faulty sluggish useless fragile"),
            _split("sturdy reliable quick solid handy polished"),
        ),
        openers=("the phone arrived on monday and", "i bought it in the spring and"),
    ),
)
_SHARED_ADJECTIVES = (
    _split("awful terrible dreadful disappointing poor horrible mediocre bad"),
    _split("wonderful superb excellent delightful terrific brilliant lovely good"),
)
_VERBS = (
    (("hated", "hate"), ("disliked", "dislike"), ("loathed", "loathe"), ("resented", "resent")),
    (("loved", "love"), ("enjoyed", "enjoy"), ("admired", "admire"), ("liked", "like")),
)
_PEOPLE = ("i", "we", "my sister", "my friends", "most people", "our neighbours", "the critics")
_NEGATIONS = ("not", "never", "hardly", "no longer")
# What may stand between the negation, if any, and the adjective.
_DEGREES = {
    "": ("", "", "very", "really", "particularly", "quite"),
    "not": ("", "", "very", "really", "particularly", "all that"),
    "never": ("", "", "very", "really", "particularly", "all that"),
    "hardly": ("",),
    "no longer": ("", "very", "quite so"),
}
_TIMES = ("", "", "", "this time", "in my view", "to be honest", "once again", "at first")
_TAILS = ("", "", "", "from what i saw", "more or less throughout", "as far as i could tell")

_NEGATED = 0.4  # share of clauses with a negation
_VERB_CLAUSES = 0.3
_OPPOSED = 0.75  # share of the clauses that do not decide that say the opposite
_SHAPES = ("plain", "and", "but", "although first", "although last")
_SHAPE_WEIGHTS = (3, 1, 3, 2, 2)


def make_sentences(count: int, *, seed: int) -> list[Sentence]:
    """Makes `count` different sentences, the same ones for the same seed.

    Args:
        count: how many.
        seed: of the random choices.

    Returns:
        The sentences, no text twice, in random order; the labels are balanced by chance.

    Raises:
        ValueError: if `count` is negative.
    """
    if count < 0:
        raise ValueError(f"`count` must not be negative. Received: count={count}")
    rng = random.Random(seed)
    made: dict[str, Sentence] = {}
    while len(made) < count:
        sentence = make_sentence(rng)
        made.setdefault(sentence.text, sentence)
    return list(made.values())


def make_sentence(rng: random.Random) -> Sentence:
    """Makes one sentence from the choices of `rng`."""
    label = rng.choice((NEGATIVE, POSITIVE))
    topic = rng.choice(_TOPICS)
    shape = rng.choices(_SHAPES, _SHAPE_WEIGHTS)[0]
    marked = _plain(rng.choice(_TIMES)) + _sentence_body(rng, topic, label, shape)
    if shape == "plain":
        # Long fillers go with short sentences only, so that none gets long.
        opener = rng.choice(("", *topic.openers))
        marked = _plain(opener) + marked + _plain(rng.choice(_TAILS))
    return Sentence(
        text=" ".join(word for word, _ in marked),
        label=label,
        gold=tuple(gold for _, gold in marked),
    )


def _sentence_body(rng: random.Random, topic: Topic, label: int, shape: str) -> Marked:
    """One clause, or two of which the shape says which one decides."""
    noun, other_noun = rng.sample(topic.singular + topic.plural, 2)
    decides = _clause(rng, topic, noun, label)
    if shape == "plain":
        return decides
    if shape == "and":
        return decides + _plain("and") + _clause(rng, topic, other_noun, label)
    polarity = 1 - label if rng.random() < _OPPOSED else label
    aside = [(word, False) for word, _ in _clause(rng, topic, other_noun, polarity)]
    if shape == "but":
        return aside + _plain("but") + decides
    if shape == "although first":
        return _plain("although") + aside + decides
    return decides + _plain("although") + aside


def _clause(rng: random.Random, topic: Topic, noun: str, polarity: int) -> Marked:
    """A clause of the given polarity, said outright or by denying its opposite."""
    negation = rng.choice(_NEGATIONS) if rng.random() < _NEGATED else ""
    said = 1 - polarity if negation else polarity
    if rng.random() < _VERB_CLAUSES:
        return _verb_clause(rng, noun, said, negation)
    adjective = rng.choice(topic.adjectives[said] + _SHARED_ADJECTIVES[said])
    verb = "were" if noun in topic.plural else "was"
    return (
        _plain(f"the {noun} {verb}")
        + _gold(negation)
        + _plain(rng.choice(_DEGREES[negation]))
        + _gold(adjective)
    )


def _verb_clause(rng: random.Random, noun: str, said: int, negation: str) -> Marked:
    """We (never) liked the soup; we did not like the soup."""
    person = rng.choice(_PEOPLE)
    past, base = rng.choice(_VERBS[said])
    if negation == "not":
        return _plain(f"{person} did") + _gold(f"not {base}") + _plain(f"the {noun}")
    return _plain(person) + _gold(f"{negation} {past}") + _plain(f"the {noun}")


def _plain(text: str) -> Marked:
    return [(word, False) for word in text.split()]


def _gold(text: str) -> Marked:
    return [(word, True) for word in text.split()]
