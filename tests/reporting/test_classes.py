import numpy as np
import pytest

from tf_salience.reporting import classes, loading
from tf_salience.reporting.examples import examples_of


def known(explanations, **arguments):
    runs = loading.load_runs(explanations, None)
    defaults = dict.fromkeys(("labels", "predictions", "class_names", "texts"))
    return runs, examples_of(runs, **{**defaults, **arguments})


def test_the_predicted_class_is_the_prediction(small):
    _, examples = known(small, labels=["positive", 0, "negative"])
    assert examples.class_names == ["negative", "positive"]
    assert examples.labels.tolist() == [1, 0, 0]
    assert examples.predictions[0].tolist() == [1, 0, 1]
    found = classes.accuracy(examples.labels, examples.predictions[0], 2)
    assert found == {"value": 2 / 3, "correct": 2, "count": 3, "confusion": [[1, 1], [0, 1]]}


def test_unknown_labels_do_not_count(small):
    _, examples = known(small, labels=[1, None, -1])
    assert examples.labels.tolist() == [1, -1, -1]
    assert classes.accuracy(examples.labels, examples.predictions[0], 2)["count"] == 1


@pytest.mark.parametrize("which", ["label", 1, "positive"])
def test_another_target_does_not_tell_the_prediction(explanation, which):
    made = explanation([(["a"], [1]), (["b"], [1])], which=which)
    assert known(made)[1].predictions == [None]
    passed = known(made, predictions=["negative", 1])[1].predictions[0]
    assert passed.tolist() == [0, 1]


def test_an_earlier_file_does_not_say_whether_it_is_a_single_unit(explanation):
    """Its index is 1, whichever way the model decides; its threshold is not known."""
    rows = [(["a"], [1]), (["b"], [1])]
    unsure, sure = (explanation(rows, output=np.array(o)) for o in ([0.9, 0.2], [0.9, 3.0]))
    assert known(unsure)[1].predictions == [None]
    assert known(sure)[1].predictions[0].tolist() == [1, 1], "as a logit and as a probability"
    without_names = explanation(
        [(["a"], [1]), (["b"], [1])],
        classes=[0, 0],
        target_name=["output"] * 2,
        config={"class_names": None},
    )
    _, examples = known(without_names, labels=[0, 1])
    assert examples.predictions == [None]
    assert examples.class_names == ["class 0", "class 1"]


@pytest.mark.parametrize("activation", ["sigmoid", None])
@pytest.mark.parametrize("names", [["no", "yes"], None])
def test_a_single_unit_of_a_model(activation, names):
    import keras

    import tf_salience as tfs

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((4,), dtype="int32"),
            keras.layers.Embedding(9, 4, embeddings_initializer=keras.initializers.RandomNormal()),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation=activation),
        ]
    )
    model.layers[0].set_weights([40 * np.asarray(model.layers[0].get_weights()[0])])
    ids = np.random.default_rng(0).integers(0, 9, (20, 4))
    explanation = tfs.explain(model, ids, "gradient_norm", class_names=names)
    expected = (model.predict(ids, verbose=0)[:, 0] > (0.5 if activation else 0.0)).astype(int)
    assert 0 < expected.sum() < 20
    _, examples = known(explanation, labels=expected)
    assert examples.predictions[0].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("target", "outputs", "expected"),
    [
        ({"class_name": "Unit", "which": "predicted"}, [0.2, 0.9], None),
        ({"class_name": "Unit", "which": "predicted"}, [-0.2, 0.9], [0, 1]),
        ({"class_name": "Probability", "of": "predicted"}, [0.2, 0.9], [0, 1]),
        ({"class_name": "LogProbability", "of": "predicted"}, [-0.1, -3.0], [1, 0]),
    ],
)
def test_the_threshold_of_a_single_unit(explanation, target, outputs, expected):
    made = explanation(
        [(["a"], [1]), (["b"], [1])],
        output=np.array(outputs),
        config={"target": target, "units": 1, "activation": None},
    )
    found = known(made)[1].predictions[0]
    assert (found if found is None else found.tolist()) == expected


def test_two_units_tell_it_though_the_model_always_says_the_second(explanation):
    made = explanation([(["a"], [1])] * 2, output=np.array([-2.0, 0.1]), config={"units": 2})
    assert known(made)[1].predictions[0].tolist() == [1, 1]


def test_all_classes_explained_tell_it(explanation):
    rows = [(["a"], [1]), (["b"], [1])]
    by_class = {
        name: explanation(rows, which=index, classes=[index] * 2, output=np.array(output))
        for index, (name, output) in enumerate([("no", [0.5, -1.0]), ("yes", [0.25, 2.0])])
    }
    runs, examples = known(by_class)
    assert len(runs) == 1
    assert examples.predictions[0].tolist() == [0, 1]


def test_many_classes_have_no_table():
    labels = np.arange(50)
    found = classes.accuracy(labels, labels, 50)
    assert (found["value"], found["confusion"]) == (1.0, None)


def test_predictions_by_run(small):
    both = {"before": small, "after": small}
    _, examples = known(both, predictions={"after": [0, 0, 0]})
    assert [column.tolist() for column in examples.predictions] == [[1, 0, 1], [0, 0, 0]]
    with pytest.raises(ValueError, match=r"`predictions`.*'before'.*Received: 'now'"):
        known(both, predictions={"now": [0, 0, 0]})


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 1], ValueError, "`labels` must have one value for each example. Received: 2 for 3"),
        ([0, 1, 2], ValueError, r"from 0 to 1\. Received: 2 for example 2"),
        (
            [0, "good", 1],
            ValueError,
            r"\['negative', 'positive'\]\. Received: 'good' for example 1",
        ),
        ([0, 0.5, 1], TypeError, r"Received: 0\.5 \(of type float\) for example 1"),
    ],
)
def test_labels_are_checked(small, labels, error, message):
    with pytest.raises(error, match=message):
        known(small, labels=labels)


def test_ids_are_not_classes(explanation):
    made = explanation([(["a"], [1])], config={"class_names": None})
    with pytest.raises(ValueError, match=r"below 100,000\. Received: 123456789"):
        known(made, labels=[123456789])


def test_every_class_has_a_name(small):
    with pytest.raises(ValueError, match=r"every class\. Received: a list of length 1.*of class 1"):
        known(small, class_names=["negative"])


def test_runs_with_other_classes(explanation, small):
    other = explanation([(["a"], [1])], config={"class_names": ["no", "yes"], "model": "b"})
    with pytest.raises(ValueError, match=r"same classes.*\['no', 'yes'\] in 'b'"):
        known({"a": small[:1], "b": other})
    assert known({"a": small[:1], "b": other}, class_names=["x", "y"])[1].class_names == ["x", "y"]
