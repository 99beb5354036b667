"""The contents of a report, made by hand: what the page is given."""

import base64

import numpy as np

GOOD, BAD = (
    ["gentle", "funny", "moving", "honest", "warm"],
    ["dull", "loud", "tired", "empty", "clumsy"],
)
OTHER = ["a", "the", "film", ",", "story", "and", "its", "ending", ".", "which", "is"]


def i32(values):
    return {"i32": base64.b64encode(np.asarray(values, "<i4").tobytes()).decode()}


def f32(values):
    return {"f32": base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()}


def ids_of(rows):
    """The vocabulary of rows of tokens, and their ids, one row after another."""
    vocabulary = {}
    ids = [vocabulary.setdefault(token, len(vocabulary)) for row in rows for token in row]
    return list(vocabulary), i32(ids)


def offsets_of(rows, texts):
    """Start and stop, in UTF-16 code units, of tokens that stand in their text in order."""
    pairs = []
    for row, text in zip(rows, texts, strict=True):
        cursor = 0
        for token in row:
            cursor = text.index(token, cursor)
            start = len(text[:cursor].encode("utf-16-le", "surrogatepass")) // 2
            cursor += len(token)
            stop = len(text[:cursor].encode("utf-16-le", "surrogatepass")) // 2
            pairs.append((start, stop))
    return i32(pairs)


def target(scores, names=("positive",), name=None, index=None, output=None):
    """A target; `scores`, one row an example."""
    size = len(scores)
    sums = np.array([np.sum(row) for row in scores])
    output = sums + 0.2 if output is None else np.asarray(output)
    error = np.linspace(0.0005, 0.03, size)
    return {
        "names": list(names),
        "name": i32(np.zeros(size) if name is None else name),
        "index": None if index is None else i32(index),
        "scores": f32(np.concatenate([np.asarray(row, float) for row in scores])),
        "output": f32(output),
        "baseline_output": f32(np.full(size, 0.2)),
        "delta": f32(sums - (output - 0.2)),
        "error": f32(error),
        "converged": i32(error < 0.025),
        "evaluations": i32(np.full(size, 17)),
    }


def run(rows, targets, *, name="Integrated gradients", method="integrated_gradients", **fields):
    """A run of rows of tokens."""
    vocabulary, tokens = ids_of(rows)
    return {
        "name": name,
        "method": method,
        "signed": method != "gradient_norm",
        "facts": [["model", "lstm"], ["layer", "embedding"], ["steps", "auto"]],
        "vocabulary": vocabulary,
        "lengths": i32([len(row) for row in rows]),
        "tokens": tokens,
        "words": None,
        "spellings": None,
        "offsets": None,
        "segments": None,
        "targets": targets,
        "matrix": None,
        "predictions": None,
        "accuracy": None,
        **fields,
    }


def contents(runs, size, **fields):
    """The contents of a report of runs."""
    return {
        "title": "Reviews",
        "created": "2026-11-29 12:00 UTC",
        "versions": {"tf_salience": "0.2.0", "keras": "3.15.0"},
        "size": size,
        "texts": None,
        "classes": [],
        "labels": None,
        "predictions": None,
        "runs": runs,
        "words": [],
        "accuracy": None,
        "convergence": [],
        "tables": [],
        "notes": [],
        **fields,
    }


def reviews(size=60, length=12, seed=0):
    """Reviews with two methods, two classes, labels, words and tables."""
    random = np.random.default_rng(seed)
    rows, texts = [], []
    for _ in range(size):
        row = [str(random.choice(OTHER)) for _ in range(length)]
        for place in random.choice(length, max(length // 5, 1), replace=False):
            row[place] = str(random.choice(GOOD if random.random() < 0.5 else BAD))
        rows.append(row)
        texts.append(" ".join(row).replace(" ,", ",").replace(" .", "."))
    weight = {**dict.fromkeys(GOOD, 1.2), **dict.fromkeys(BAD, -1.1)}
    scores = [
        [weight.get(token, 0) * random.uniform(0.6, 1) + random.normal(0, 0.05) for token in row]
        for row in rows
    ]
    noisy = [np.array(row) * 0.1 + random.normal(0, 0.03, length) for row in scores]
    sums = np.array([np.sum(row) for row in scores])
    labels = (sums + random.normal(0, 0.6, size) > 0).astype(int)
    predictions = (sums > 0).astype(int)
    both = [
        target(scores, ["positive"], index=np.ones(size)),
        target([-np.array(row) for row in scores], ["negative"], index=np.zeros(size)),
    ]
    offsets = offsets_of(rows, texts)
    confusion = np.zeros((2, 2), int)
    np.add.at(confusion, (labels, predictions), 1)
    known = {
        "predictions": i32(predictions),
        "accuracy": {
            "value": float((labels == predictions).mean()),
            "correct": int((labels == predictions).sum()),
            "count": size,
            "confusion": confusion.tolist(),
        },
        "offsets": offsets,
    }
    return contents(
        [
            run(rows, both, **known),
            run(
                rows,
                [target(noisy, ["positive"]), target([-row for row in noisy], ["negative"])],
                name="Gradient · input",
                method="gradient_dot_input",
                **known,
            ),
            run(
                rows,
                [target([np.abs(row) for row in scores])],
                name="Gradient norm",
                method="gradient_norm",
                **known,
            ),
        ],
        size,
        texts=texts,
        classes=["negative", "positive"],
        labels=i32(labels),
        predictions=i32(predictions),
        words=[
            {"run": 0, "target": name, "rows": word_rows(rows, scores, sign)}
            for name, sign in (("negative", -1), ("positive", 1))
        ],
        accuracy=known["accuracy"],
        convergence=[
            {
                "run": 0,
                "edges": [0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03],
                "counts": [10, 10, 10, 10, 10, size - 50],
                "unconverged": size - 50,
                "tolerance": 0.025,
            }
        ],
        notes=["A sample of sixty reviews."],
        tables=[
            {
                "title": "Faithfulness",
                "caption": "60 examples, zeros",
                "heads": ["method", "AOPC", "sufficiency"],
                "rows": [["integrated_gradients", "0.412", "0.120"], ["random", "0.101", "0.4"]],
                "align": "lrr",
            }
        ],
    )


def word_rows(rows, scores, sign):
    """Words with the highest and the lowest mean, with an interval."""
    values = {}
    for row, row_scores in zip(rows, scores, strict=True):
        for token, score in zip(row, row_scores, strict=True):
            values.setdefault(token, []).append(sign * score)
    means = [
        [word, len(v), float(np.mean(v)), float(np.mean(v) - 0.1), float(np.mean(v) + 0.1)]
        for word, v in values.items()
    ]
    means.sort(key=lambda row: -row[2])
    return means[:6] + means[-6:]


def translation():
    """A run of matrices: each output token and the input tokens that it comes from."""
    source = ["le", "film", "est", "vraiment", "très", "bon"]
    outputs = ["the", "film", "is", "really", "very", "good"]
    scores = np.eye(6) + 0.1 * np.arange(36).reshape(6, 6) / 36
    matrix = {
        "targets": outputs,
        "scores": f32(scores.ravel()),
        "output": f32(np.linspace(1, 2, 6)),
        "delta": None,
        "target_tokens": i32(range(6)),
    }
    mean = target([scores.mean(0)], ["mean of the targets"])
    return contents([run([source], [mean], name="Translation", matrix=[matrix])], 1)


def pieces_of_words():
    """Pieces that are put together, special tokens, two segments and their own text."""
    rows = [["[CLS]", "un", "##believ", "##able", "film", "[SEP]", "it", "is", "[SEP]"]]
    vocabulary, _ = ids_of([[*rows[0], "unbelievable"]])
    text = "Unbelievable film!  It is."
    places = [-1, 0, 2, 8, 13, -1, 20, 23, -1]
    stops = [-1, 2, 8, 12, 17, -1, 22, 25, -1]
    spelled = ["unbelievable", "film", "it", "is"]
    starts = {1: 0, 4: 1, 6: 2, 7: 3}
    made = run(
        rows,
        [target([[0.1, 0.2, 0.3, 0.4, -0.5, 0.0, 0.2, 0.1, 0.05]])],
        words=i32([-1, 0, 0, 0, 1, -1, 2, 3, -1]),
        offsets=i32(list(zip(places, stops, strict=True))),
        segments=[[["review", 0, 6], ["claim", 6, 9]]],
        vocabulary=vocabulary,
        spellings=i32(
            [vocabulary.index(spelled[starts[n]]) if n in starts else -1 for n in range(9)]
        ),
    )
    return contents([made], 1, texts=[text])


def scripts():
    """Texts of several scripts, laid over their own text."""
    texts = [
        "הסרט מצוין, אבל הסוף (השלישי) ארוך מדי!",
        "فيلم رائع، لكن النهاية طويلة.",
        "这部电影非常好，我很喜欢。",
        "So good 👩‍👩‍👧 👍🏽 nai\u0308ve café!",
    ]
    rows = [
        ["הסרט", "מצוין", ",", "אבל", "הסוף", "השלישי", "ארוך", "מדי", "!"],
        ["فيلم", "رائ", "ع", "لكن", "النهاية", "طويلة", "."],
        ["这", "部", "电影", "非常", "好", "我", "很", "喜欢", "。"],
        ["So", "good", "👩", "‍", "👩", "‍", "👧", "👍", "🏽", "nai", "̈", "ve", "café", "!"],
    ]
    random = np.random.default_rng(3)
    scores = [random.normal(size=len(row)) for row in rows]
    return contents(
        [run(rows, [target(scores)], offsets=offsets_of(rows, texts))], len(rows), texts=texts
    )
