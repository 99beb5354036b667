"""`tfs.plot`: on the Axes of the user or on new ones, with the numbers that were given."""

import itertools
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import tf_salience as tfs
from tf_salience.visualization import color_scale
from tf_salience.visualization.plot import axes, sheet

matplotlib = pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
matplotlib.use("agg")

from matplotlib import pyplot  # noqa: E402
from matplotlib.colors import to_hex  # noqa: E402
from matplotlib.patches import Rectangle  # noqa: E402


def salience(tokens, scores, method="integrated_gradients", **fields):
    return tfs.TokenSalience(
        tokens=list(tokens),
        scores=np.array(scores, np.float32),
        segments={"text": slice(0, len(tokens))},
        target=1,
        target_name="positive",
        output=0.5,
        baseline_output=0.25,
        convergence_delta=0.0,
        error_estimate=0.0,
        converged=True,
        evaluations=7,
        config={"method": {"class_name": method}, "embeddings": ["words"]},
        **fields,
    )


GOOD = salience(["a", "good", "dull", "film"], [0.0, 2.0, -1.0, 0.5])
NORM = salience(GOOD.tokens, [0.0, 4.0, 1.0, 0.5], "gradient_norm")
RECORDS = [
    {
        "probe": probe,
        "epoch": epoch,
        "step": 10 * epoch,
        "method": "integrated_gradients",
        "tokens": ["a", "b", "c"],
        "target_name": "positive",
        "scores": [0.0, epoch + 1.0, -1.0],
    }
    for epoch in range(3)
    for probe in range(2)
]
WORDS = [
    SimpleNamespace(word=f"w{number}", count=number, mean=mean, low=mean - 0.5, high=mean + 0.25)
    for number, mean in enumerate([3.0, -2.0, 0.1, 1.0])
]


@pytest.fixture
def explainer():
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Embedding(10, 4, keras.initializers.RandomNormal(0, 1), name="words"),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(8, "tanh", kernel_initializer=keras.initializers.RandomNormal(0, 5)),
            keras.layers.Dense(1),
        ]
    )
    model.build((None, 3))

    def make(method, **arguments):
        return tfs.Explainer(model, method, **arguments)

    return make


IDS = np.array([[1, 2, 3]])

DRAWN = {
    "sentence": lambda ax, _: tfs.plot.sentence(GOOD, ax=ax),
    "heatmap": lambda ax, _: tfs.plot.heatmap({"a": GOOD, "b": NORM}, ax=ax),
    "history": lambda ax, _: tfs.plot.history(RECORDS, ax=ax),
    "path": lambda ax, make: tfs.plot.path(make("integrated_gradients"), IDS, ax=ax),
    "corpus": lambda ax, _: tfs.plot.corpus(WORDS, ax=ax),
}


@pytest.mark.parametrize("name", DRAWN)
def test_axes_of_the_user_are_returned_and_pyplot_is_left_alone(name, explainer, tmp_path):
    pyplot.close("all")
    figure = axes.make_figure(5, 3)
    ax = figure.add_subplot()
    assert DRAWN[name](ax, explainer) is ax
    assert pyplot.get_fignums() == []
    for suffix in ("png", "svg", "pdf"):
        file = tmp_path / f"picture.{suffix}"
        figure.savefig(file)
        assert file.stat().st_size > 1000


@pytest.mark.parametrize("name", DRAWN)
def test_without_axes_there_is_a_figure_of_pyplot(name, explainer):
    pyplot.close("all")
    ax = DRAWN[name](None, explainer)
    assert pyplot.get_fignums() == [ax.figure.number]
    assert ax.figure.canvas.get_width_height()[0] > 100
    pyplot.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def boxes(ax):
    """The colours of the boxes behind tokens, from left to right."""
    patches = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_height() > 10]
    return [to_hex(patch.get_facecolor()) for patch in patches]


def test_a_sentence_has_the_colours_of_the_scale():
    ax = tfs.plot.sentence(GOOD, axes.make_figure(6, 2).add_subplot())
    assert texts(ax) == GOOD.tokens
    assert boxes(ax) == [color_scale.background(score) for score in (1.0, -0.5, 0.25)]
    assert ax.get_title("left") == GOOD.header
    ax = tfs.plot.sentence(NORM, axes.make_figure(6, 2).add_subplot(), title="")
    expected = [color_scale.background(score, signed=False) for score in (1.0, 0.25, 0.125)]
    assert boxes(ax) == expected
    ax = tfs.plot.sentence(GOOD, axes.make_figure(6, 2).add_subplot(), largest=4.0)
    assert boxes(ax)[0] == color_scale.background(0.5)


def test_the_bar_below_a_token_is_as_high_as_its_score_and_dashed_against():
    ax = tfs.plot.sentence(GOOD, axes.make_figure(6, 2).add_subplot())
    heights = {}
    for patch in ax.patches:
        if patch.get_height() < 10:
            heights.setdefault(round(patch.get_height(), 3), []).append(patch)
    assert list(heights) == [3.5, 2.0, 1.25]
    assert [len(dashes) > 1 for dashes in heights.values()] == [False, True, False]


def test_on_dark_axes_the_theme_is_dark():
    figure = axes.make_figure(6, 2)
    ax = tfs.plot.sentence(GOOD, figure.add_subplot(facecolor="#111111"))
    assert boxes(ax)[0] == color_scale.background(1.0, color_scale.DARK)
    assert ax.texts[0].get_color() == color_scale.as_hex(color_scale.DARK.text)


def test_numbers_follow_their_tokens():
    ax = tfs.plot.sentence(GOOD, axes.make_figure(6, 2).add_subplot(), numbers=True)
    assert texts(ax) == ["a", "+0", "good", "+2", "dull", "-1", "film", "+0.5"]


def test_lines_wrap_within_the_axes_and_stay_apart():
    long = salience(["costs", "$5", "$", "word"] * 30, np.linspace(-1, 1, 120))
    ax = tfs.plot.sentence(long, pyplot.figure(layout="constrained").add_subplot())
    ax.figure.canvas.draw()
    extents = [text.get_window_extent() for text in ax.texts]
    assert max(extent.x1 for extent in extents) <= ax.bbox.x1
    assert texts(ax) == long.tokens, "a dollar sign starts no mathematics"
    for first, second in itertools.pairwise(extents):
        assert not first.overlaps(second)
    pyplot.close("all")


def test_right_to_left_text_starts_at_the_right():
    hebrew = salience(["[CLS]", "שלום", "עולם"], [0.0, 1.0, 1.0], words=[-1, 0, 1])
    ax = tfs.plot.sentence(hebrew, axes.make_figure(6, 2).add_subplot())
    places = [text.get_position()[0] for text in ax.texts]
    assert places == sorted(places, reverse=True)
    ax = tfs.plot.sentence(GOOD, axes.make_figure(6, 2).add_subplot())
    places = [text.get_position()[0] for text in ax.texts]
    assert places == sorted(places)


def cells(ax):
    """The colours of a grid, as `#rrggbb`."""
    (image,) = ax.images
    return [[color_scale.as_hex(color) for color in row] for row in image.get_array()]


def test_rows_share_a_scale_but_not_with_rows_without_a_sign():
    half = salience(GOOD.tokens, GOOD.scores / 2)
    rows = {"one": GOOD, "half": half, "norm": NORM}
    one, half_row, norm = cells(tfs.plot.heatmap(rows, axes.make_figure(6, 2).add_subplot()))
    assert one == [color_scale.background(score) for score in (0.0, 1.0, -0.5, 0.25)]
    assert half_row == [color_scale.background(score) for score in (0.0, 0.5, -0.25, 0.125)]
    expected = [color_scale.background(score, signed=False) for score in (0.0, 1.0, 0.25, 0.125)]
    assert norm == expected
    ax = tfs.plot.heatmap(rows, axes.make_figure(6, 2).add_subplot(), shared=False)
    assert cells(ax)[0] == cells(ax)[1] == one


def test_a_heatmap_has_its_labels_and_its_numbers():
    ax = tfs.plot.heatmap({"one": GOOD, "norm": NORM}, axes.make_figure(6, 2).add_subplot())
    assert [label.get_text() for label in ax.get_xticklabels()] == GOOD.tokens
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "norm"]
    assert texts(ax)[:4] == ["·", "+2", "-1", "+0.5"]
    ax = tfs.plot.heatmap({"one": GOOD}, axes.make_figure(6, 2).add_subplot(), numbers=False)
    assert texts(ax) == []


def test_rows_of_a_heatmap_are_of_the_same_tokens():
    with pytest.raises(ValueError, match=r"`rows` must be of the same tokens\. Received: \['a"):
        tfs.plot.heatmap({"a": GOOD, "b": salience(["x"], [1.0])})
    with pytest.raises(ValueError, match="`rows` must hold at least one row"):
        tfs.plot.heatmap({})


def test_a_history_has_a_column_for_each_evaluation_of_the_same_tokens():
    other = {**RECORDS[0], "tokens": ["x"], "scores": [1.0]}
    failed = {"probe": 0, "epoch": 1, "step": 1, "error": "no"}
    ax = tfs.plot.history([other, failed, *RECORDS], axes.make_figure(6, 2).add_subplot())
    _, grown, against = cells(ax)
    assert grown == [color_scale.background(score / 3) for score in (1.0, 2.0, 3.0)]
    assert against == [color_scale.background(-1 / 3)] * 3
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "2", "3"]
    assert ax.get_title("left") == "probe 0: positive"
    with pytest.raises(ValueError, match=r"in the log, \[0, 1\]\. Received: probe=7"):
        tfs.plot.history(RECORDS, probe=7)


def test_a_corpus_has_the_strongest_words_with_their_intervals():
    ax = tfs.plot.corpus(WORDS, axes.make_figure(6, 4).add_subplot(), top=3)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["w1  (1)", "w3  (3)", "w0  (0)"]
    assert [bar.get_width() for bar in ax.patches] == [-2.0, 1.0, 3.0]
    (lines,) = ax.collections
    assert [segment[:, 0].tolist() for segment in lines.get_segments()] == [
        [-2.5, -1.75],
        [0.5, 1.25],
        [2.5, 3.25],
    ]
    with pytest.raises(ValueError, match="`words` must hold at least one word"):
        tfs.plot.corpus([])


def lines_of(ax):
    return {line.get_label().split(",")[0]: line.get_xydata() for line in ax.get_lines()}


@pytest.mark.parametrize("steps", ["auto", 3, 40])
def test_the_path_has_the_target_and_the_nodes_of_the_explanation(explainer, steps):
    explain = explainer(tfs.IntegratedGradients(steps=steps))
    (explained,) = explain(IDS)
    lines = lines_of(tfs.plot.path(explain, IDS, axes.make_figure(6, 4).add_subplot()))
    target = lines["the target F"]
    assert target[[0, -1]].ravel() == pytest.approx(
        [0, explained.baseline_output, 1, explained.output], abs=1e-5
    )
    (nodes,) = (data for label, data in lines.items() if label.endswith(" nodes"))
    assert len(nodes) == explained.evaluations
    assert {tuple(point) for point in nodes} <= {tuple(point) for point in target}
    (end,) = lines["F(baseline) + the sum of all scores"]
    delta = end[1] - explained.output
    assert delta == pytest.approx(explained.convergence_delta, abs=1e-5)


def test_the_sums_follow_the_target_where_there_are_nodes_enough(explainer):
    away = {}
    for steps in (4, 200):
        explain = explainer(tfs.IntegratedGradients(steps=steps))
        lines = lines_of(tfs.plot.path(explain, IDS, axes.make_figure(6, 4).add_subplot()))
        target, sums = lines["the target F"], lines["F(baseline) + scores summed up"]
        away[steps] = np.abs(np.interp(sums[:, 0], *target.T) - sums[:, 1]).max()
        away[steps] /= np.ptp(target[:, 1])
    assert away[4] > 0.05
    assert away[200] < 0.01


def test_the_path_is_of_one_example_and_of_a_method_with_nodes(explainer):
    with pytest.raises(ValueError, match="`inputs` must be one example. Received: 2 examples"):
        tfs.plot.path(explainer("integrated_gradients"), np.repeat(IDS, 2, axis=0))
    for method in ("gradient_dot_input", "occlusion"):
        with pytest.raises(ValueError, match="gradients along a path.*Received: method="):
            tfs.plot.path(explainer(method), IDS)


@pytest.mark.parametrize(
    ("draw", "value", "message"),
    [
        (tfs.plot.sentence, [GOOD], r"`salience` must be .*`explanation\[0\]`.*of type list"),
        (tfs.plot.heatmap, [GOOD], "`rows` must be a SalienceMatrix, or a dict.*of type list"),
        (tfs.plot.heatmap, {"a": [GOOD]}, r"`rows` must be .*`explanation\[0\]`.*of type list"),
        (tfs.plot.corpus, SimpleNamespace(words={}), r"`words` must be .*`summary\.words\["),
        (tfs.plot.corpus, {"positive": WORDS}, r"`words` must be .*Received: 'positive'"),
        (tfs.plot.history, "logs", "`records` must be the log that `read_log` .*'logs'"),
    ],
)
def test_what_cannot_be_drawn_is_an_error_that_says_what_can(draw, value, message):
    with pytest.raises(TypeError, match=message):
        draw(value)


def test_a_path_needs_an_explainer_and_a_history_scores():
    with pytest.raises(TypeError, match=r"`explainer` must be .*`tfs\.Explainer\(model\)`"):
        tfs.plot.path("model", IDS)
    with pytest.raises(ValueError, match="`records` must hold scores.*1 records without"):
        tfs.plot.history([{"probe": 0, "error": "no"}])


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_sheet_of_sentences(tmp_path, suffix):
    path = tmp_path / f"sheet{suffix}"
    sheet.save_sheet([("costs $5 & more than $4", [("one", GOOD), ("norm", NORM)])] * 2, path)
    assert path.stat().st_size > 1000


CODE = """
import sys
import tf_salience as tfs
tfs.plot.sentence
print(sorted({"matplotlib", "tensorflow", "keras"} & set(sys.modules)))
sys.modules["matplotlib"] = None
try:
    tfs.plot.corpus([type("Word", (), {"mean": 1.0})])
except ImportError as error:
    print(error)
"""


def test_matplotlib_is_imported_where_it_is_used():
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.splitlines() == [
        "[]",
        "Pictures need matplotlib. Install it with `pip install 'tf-salience[plot]'`.",
    ], done.stderr
