"""A small grammar of reviews in which the words that carry the label are known.

Negation flips a word, and of two clauses only one decides: the one after "but", or the main clause
beside "although". The other clause often says the opposite, so a bag of words does not predict the
label.
"""

import dataclasses
import random

NEGATIVE, POSITIVE = 0, 1
CLASS_NAMES = ("negative", "positive")

#: Words, each with True if it carries the label.
MarkedWords = list[tuple[str, bool]]


@dataclasses.dataclass(frozen=True)
class Sentence:
    """One labelled sentence.

    Attributes:
        text: lowercase words with single spaces between them.
        label: `NEGATIVE` or `POSITIVE`.
        gold: a flag for each word of `text`, True if the word carries the label.
    """

    text: str
    label: int
    gold: tuple[bool, ...]


@dataclasses.dataclass(frozen=True)
class Topic:
    """The words of one kind of review.

    Attributes:
        singular: nouns of things to judge.
        plural: nouns in the plural.
        negative: adjectives.
        positive: adjectives.
        openers: how a review may start.
    """

    singular: tuple[str, ...]
    plural: tuple[str, ...]
    negative: tuple[str, ...]
    positive: tuple[str, ...]
    openers: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TOPICS = (
    Topic(
        singular=_words("plot acting script ending dialogue soundtrack story"),
        plural=_words("jokes songs scenes characters"),
        negative=_words("dull tedious predictable clumsy forgettable boring"),
        positive=_words("gripping moving witty clever original charming"),
        openers=("the film lasts two hours and", "we saw it at the cinema and"),
    ),
    Topic(
        singular=_words("soup bread steak dessert sauce salad fish"),
        plural=_words("noodles vegetables starters dumplings"),
        negative=_words("bland greasy stale tasteless soggy burnt"),
        positive=_words("tasty delicious fresh crisp flavourful tender"),
        openers=("we booked a table for four and", "the menu changes every week and"),
    ),
    Topic(
        singular=_words("room lobby bathroom balcony pool garden bar"),
        plural=_words("beds corridors towels lifts"),
        negative=_words("dirty shabby damp filthy smelly dingy"),
        positive=_words("spotless cosy comfortable elegant tidy stylish"),
        openers=("the hotel stands near the station and", "we stayed for three nights and"),
    ),
    Topic(
        singular=_words("screen camera battery keyboard case charger display"),
        plural=_words("speakers buttons headphones menus"),
        negative=_words("flimsy unreliable faulty sluggish useless fragile"),
        positive=_words("sturdy reliable quick solid handy polished"),
        openers=("the phone arrived on monday and", "i bought it in the spring and"),
    ),
)
SHARED_ADJECTIVES = (
    _words("awful terrible dreadful disappointing poor horrible mediocre bad"),
    _words("wonderful superb excellent delightful terrific brilliant lovely good"),
)
VERBS = (
    (("hated", "hate"), ("disliked", "dislike"), ("loathed", "loathe"), ("resented", "resent")),
    (("loved", "love"), ("enjoyed", "enjoy"), ("admired", "admire"), ("liked", "like")),
)
_PEOPLE = ("i", "we", "my sister", "my friends", "most people", "our neighbours", "the critics")
_NEGATIONS = ("not", "never", "hardly", "no longer")
# Degree words between a negation, if any, and the adjective.
_DEGREES = {
    "": ("", "", "very", "really", "particularly", "quite"),
    "not": ("", "", "very", "really", "particularly", "all that"),
    "never": ("", "", "very", "really", "particularly", "all that"),
    "hardly": ("",),
    "no longer": ("", "very", "quite so"),
}
_TIMES = ("", "", "", "this time", "in my view", "to be honest", "once again", "at first")
_TAILS = ("", "", "", "from what i saw", "more or less throughout", "as far as i could tell")

# Shares of the clauses: with a negation, with a verb of liking, and, of those that do not decide,
# with the opposite polarity.
_NEGATION_SHARE, _VERB_SHARE, _OPPOSITE_SHARE = 0.4, 0.3, 0.75
_SHAPES = ("plain", "and", "but", "although first", "although last")
_SHAPE_WEIGHTS = (3, 1, 3, 2, 2)


def make_sentences(count: int, *, seed: int) -> list[Sentence]:
    """Makes `count` different sentences, the same ones for the same seed.

    Args:
        count: the number of sentences.
        seed: seed of the random choices.

    Returns:
        The sentences in random order, no text twice; either label is equally likely.

    Raises:
        ValueError: if `count` is negative.
    """
    if count < 0:
        raise ValueError(f"`count` must not be negative. Received: count={count}")
    rng = random.Random(seed)
    sentences: dict[str, Sentence] = {}
    while len(sentences) < count:
        sentence = make_sentence(rng)
        sentences.setdefault(sentence.text, sentence)
    return list(sentences.values())


def make_sentence(rng: random.Random) -> Sentence:
    """Makes one sentence from the choices of `rng`."""
    label = rng.choice((NEGATIVE, POSITIVE))
    topic = rng.choice(TOPICS)
    shape = rng.choices(_SHAPES, _SHAPE_WEIGHTS)[0]
    words = _unmarked(rng.choice(_TIMES)) + _clauses(rng, topic, label, shape)
    if shape == "plain":
        # Fillers only where there is one clause, so that no sentence becomes long.
        opener = rng.choice(("", *topic.openers))
        words = _unmarked(opener) + words + _unmarked(rng.choice(_TAILS))
    texts, gold = zip(*words, strict=True)
    return Sentence(" ".join(texts), label, gold)


def _clauses(rng: random.Random, topic: Topic, label: int, shape: str) -> MarkedWords:
    """Makes one clause, or two of which the shape says which one carries the label."""
    noun, second_noun = rng.sample(topic.singular + topic.plural, 2)
    main = _clause(rng, topic, noun, label)
    if shape == "plain":
        return main
    if shape == "and":
        return main + _unmarked("and") + _clause(rng, topic, second_noun, label)
    polarity = 1 - label if rng.random() < _OPPOSITE_SHARE else label
    concession = [(word, False) for word, _ in _clause(rng, topic, second_noun, polarity)]
    if shape == "but":
        return concession + _unmarked("but") + main
    if shape == "although first":
        return _unmarked("although") + concession + main
    return main + _unmarked("although") + concession


def _clause(rng: random.Random, topic: Topic, noun: str, polarity: int) -> MarkedWords:
    """Makes a clause of the given polarity, directly or by negation of the opposite."""
    negation = rng.choice(_NEGATIONS) if rng.random() < _NEGATION_SHARE else ""
    word_polarity = 1 - polarity if negation else polarity
    if rng.random() < _VERB_SHARE:
        return _verb_clause(rng, noun, word_polarity, negation)
    adjectives = (topic.negative, topic.positive)[word_polarity] + SHARED_ADJECTIVES[word_polarity]
    adjective = rng.choice(adjectives)
    verb = "were" if noun in topic.plural else "was"
    return (
        _unmarked(f"the {noun} {verb}")
        + _gold(negation)
        + _unmarked(rng.choice(_DEGREES[negation]))
        + _gold(adjective)
    )


def _verb_clause(rng: random.Random, noun: str, word_polarity: int, negation: str) -> MarkedWords:
    """Makes a clause such as "we (never) liked the soup" or "we did not like the soup"."""
    person = rng.choice(_PEOPLE)
    past, base = rng.choice(VERBS[word_polarity])
    if negation == "not":
        return _unmarked(f"{person} did") + _gold(f"not {base}") + _unmarked(f"the {noun}")
    return _unmarked(person) + _gold(f"{negation} {past}") + _unmarked(f"the {noun}")


def _unmarked(text: str) -> MarkedWords:
    return [(word, False) for word in text.split()]


def _gold(text: str) -> MarkedWords:
    return [(word, True) for word in text.split()]
