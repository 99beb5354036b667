"""Models that change state as they run: each is refused by name before anything has changed."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs


class Model(keras.Model):
    """A model with state of all kinds, and a step between its embeddings and its head."""

    def __init__(self, step):
        super().__init__(name="counting")
        self.words, self.head = layers.Embedding(helpers.VOCABULARY, 4), layers.Dense(2)
        self.count = tf.Variable(1.0)
        self.vector = tf.Variable([1.0, 2.0, 3.0])
        self.weight = self.add_weight(shape=(3,), name="counts", trainable=False)
        self.seen = tf.lookup.experimental.MutableHashTable(tf.int64, tf.int64, -1)
        self.dense = tf.lookup.experimental.DenseHashTable(
            tf.int64, tf.int64, -1, empty_key=-1, deleted_key=-2
        )
        self.generator = tf.random.Generator.from_seed(1)
        self.queue = tf.queue.FIFOQueue(100_000, [tf.float32])
        self.mean = keras.metrics.Mean()
        self.step = step
        self.is_off = True

    def call(self, ids):
        hidden = self.words(ids)
        # Built and compared with the step left out: it would change the state.
        if not self.is_off:
            hidden = self.step(self, hidden)
        return self.head(tf.reduce_sum(hidden, axis=1))

    def state(self):
        variables = [self.count, self.vector, self.weight, self.generator.state]
        sizes = [self.seen.size(), self.dense.size(), self.queue.size()]
        return [np.asarray(value) for value in (*variables, *sizes)]


def built(step):
    model = Model(step)
    model(helpers.ids())
    model.is_off = False
    return model


def add(model):
    return model.count.assign_add(1.0)


def read(model):
    return model.count.read_value()


def returning_hidden(change):
    """A step that makes a change, and gives back the embeddings."""

    def step(model, hidden):
        change(model)
        return hidden

    return step


KEYS = tf.constant([7], tf.int64)
#: What is changed, how, and a part of the message.
CHANGES = {
    "assign": (lambda m: m.count.assign(2.0), "`count` of layer 'counting'"),
    "assign_add": (lambda m: m.count.assign_add(2.0), "`count` of layer"),
    "assign_sub": (lambda m: m.count.assign_sub(2.0), "AssignSubVariableOp"),
    "value.assign": (lambda m: m.weight.value.assign([1.0] * 3), "weight 'counting/counts'"),
    "value.assign_add": (lambda m: m.weight.value.assign_add([1.0] * 3), "counting/counts"),
    "slice.assign": (lambda m: m.vector[:1].assign([9.0]), "`vector`.*StridedSliceAssign"),
    "scatter_nd_add": (lambda m: m.vector.scatter_nd_add([[0]], [1.0]), "ResourceScatterNdAdd"),
    "scatter_nd_sub": (lambda m: m.vector.scatter_nd_sub([[0]], [1.0]), "ResourceScatterNdSub"),
    "scatter_nd_update": (lambda m: m.vector.scatter_nd_update([[0]], [9.0]), "NdUpdate"),
    "scatter_nd_max": (lambda m: m.vector.scatter_nd_max([[0]], [9.0]), "ResourceScatterNdMax"),
    "scatter_add": (
        lambda m: m.vector.scatter_add(tf.IndexedSlices([1.0], [0])),
        "ResourceScatterAdd",
    ),
    "scatter_update": (
        lambda m: m.weight.value.scatter_update(tf.IndexedSlices([1.0], [0])),
        "ResourceScatterUpdate",
    ),
    "gradient descent": (
        lambda m: tf.raw_ops.ResourceApplyGradientDescent(var=m.count.handle, alpha=1.0, delta=1.0),
        "`count`.*ResourceApplyGradientDescent",
    ),
    "insert": (lambda m: m.seen.insert(KEYS, KEYS), "a lookup table.*`seen` of layer 'counting'"),
    "remove": (lambda m: m.seen.remove(KEYS), "a lookup table.*LookupTableRemove"),
    "dense insert": (lambda m: m.dense.insert(KEYS, KEYS), "a lookup table.*`dense`"),
    "draw": (lambda m: m.generator.normal([2]), "a random generator.*`generator`"),
    "skip": (lambda m: m.generator.skip(3), "a random generator.*RngReadAndSkip"),
    "reset": (lambda m: m.generator.reset_from_seed(3), "AssignVariableOp"),
    "enqueue": (lambda m: m.queue.enqueue(1.0), "QueueEnqueueV2"),
}


def in_concrete_function(model, hidden):
    function = tf.function(lambda: (add(model), None)[1]).get_concrete_function()
    function()
    return hidden


@tf.function
def in_function(model, hidden):
    if tf.reduce_sum(hidden) > -1e9:
        add(model)
    return hidden


def in_loop_of_a_condition(model, hidden):
    def loop():
        return tf.while_loop(lambda i: i < 2, lambda i: (add_and(model, i + 1),), [0])[0]

    tf.cond(tf.reduce_sum(hidden) > -1e9, loop, lambda: 0)
    return hidden


def add_and(model, value):
    with tf.control_dependencies([add(model)]):
        return tf.identity(value)


def in_recomputation(model, hidden):
    return tf.recompute_grad(lambda tensor: add_and(model, tensor))(hidden)


def in_backward_pass(model, hidden):
    @tf.custom_gradient
    def identity(tensor):
        return tf.identity(tensor), lambda upstream: add_and(model, upstream)

    return identity(hidden)


def in_data_set(model, hidden):
    data = tf.data.Dataset.range(3)
    total = data.reduce(tf.constant(0, tf.int64), lambda sum_, i: add_and(model, sum_ + i))
    return hidden + tf.cast(total, tf.float32) * 0


def always(hidden):
    return tf.reduce_sum(hidden) > -1e9


PLACES = {
    "condition, true": lambda m, h: tf.cond(always(h), lambda: add_and(m, h), lambda: h),
    "condition, false": lambda m, h: tf.cond(~always(h), lambda: h, lambda: add_and(m, h)),
    "condition of Keras": lambda m, h: ops.cond(always(h), lambda: add_and(m, h), lambda: h),
    "switch": lambda m, h: tf.switch_case(
        tf.cast(always(h), tf.int32), [lambda: h, lambda: add_and(m, h)]
    ),
    "switch of Keras": lambda m, h: ops.switch(
        tf.cast(always(h), tf.int32), [lambda: h, lambda: add_and(m, h)]
    ),
    "loop": lambda m, h: (
        h
        + 0
        * tf.cast(tf.while_loop(lambda i: i < 2, lambda i: (add_and(m, i + 1),), [0])[0], h.dtype)
    ),
    "condition of a loop": lambda m, h: (
        h
        + 0
        * tf.cast(tf.while_loop(lambda i: add_and(m, i) < 2, lambda i: (i + 1,), [0])[0], h.dtype)
    ),
    "loop of Keras": lambda m, h: (
        h
        + 0
        * ops.cast(
            ops.while_loop(lambda i: i < 2, lambda i: (add_and(m, i + 1),), (0,))[0], h.dtype
        )
    ),
    "map": lambda m, h: tf.map_fn(lambda row: add_and(m, row), h),
    "map of Keras": lambda m, h: ops.map(lambda row: add_and(m, row), h),
    "scan": lambda m, h: tf.scan(lambda carry, row: add_and(m, row), h),
    "fold": lambda m, h: h + 0 * tf.foldl(lambda carry, row: add_and(m, row), h),
    "function": in_function,
    "concrete function": in_concrete_function,
    "loop of a condition": in_loop_of_a_condition,
    "recomputation": in_recomputation,
    "backward pass": in_backward_pass,
    "data set": in_data_set,
}


def check_refused(step, message):
    model = built(step)
    state = model.state()
    with pytest.raises(ValueError, match=message) as error:
        tfs.explain(model, helpers.ids(), "gradient_norm")
    assert "whenever it runs" in str(error.value)
    assert len(str(error.value)) < 1500
    for value, before in zip(model.state(), state, strict=True):
        np.testing.assert_array_equal(value, before)


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_refused(name):
    change, message = CHANGES[name]
    check_refused(returning_hidden(change), message)


@pytest.mark.parametrize("name", PLACES)
def test_a_change_is_seen_wherever_it_is(name):
    check_refused(
        PLACES[name], "changes a `tf.Variable`.*`count` of layer 'counting'.*self.add_weight"
    )


@pytest.mark.parametrize("name", ["insert", "draw"])
def test_other_changes_inside_a_loop(name):
    change, message = CHANGES[name]

    def row_step(model, row):
        with tf.control_dependencies([change(model)]):
            return tf.identity(row)

    check_refused(lambda m, h: tf.map_fn(lambda row: row_step(m, row), h), message)


def test_a_change_in_a_layer_of_a_saved_model(tmp_path):
    module = tf.Module()
    module.count = tf.Variable(1.0)
    module.step = tf.function(
        lambda hidden: hidden + 0 * module.count.assign_add(1.0),
        input_signature=[tf.TensorSpec([None, None, 4])],
    )
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    check_refused(lambda model, hidden: loaded.step(hidden), "changes a `tf.Variable`")
    assert loaded.count.numpy() == 1.0


def test_an_export_is_refused(tmp_path):
    model = built(PLACES["map"])
    with pytest.raises(ValueError, match="changes a `tf.Variable`.*`count` of layer"):
        tfs.export_saved_model(model, str(tmp_path / "model"), method="gradient_norm")
    assert model.count.numpy() == 1.0


def in_tensor_array(model, hidden):
    array = tf.TensorArray(tf.float32, 3)
    array = tf.while_loop(
        lambda i, _: i < 3, lambda i, array: (i + 1, array.write(i, read(model))), [0, array]
    )[1]
    return hidden + array.stack()[0]


def in_legacy_tensor_array(model, hidden):
    array = tf.raw_ops.TensorArrayV3(size=1, dtype=tf.float32)
    flow = tf.raw_ops.TensorArrayWriteV3(
        handle=array[0], index=0, value=read(model), flow_in=array[1]
    )
    value = tf.raw_ops.TensorArrayReadV3(handle=array[0], index=0, flow_in=flow, dtype=tf.float32)
    return hidden + tf.ensure_shape(value, [])


def in_summary(model, hidden):
    tf.summary.scalar("mean", tf.reduce_mean(hidden), step=0)
    return hidden


def looked_up(model):
    return tf.cast(tf.reshape(model.seen.lookup(KEYS), []), tf.float32)


def in_python_function(model, hidden):
    return tf.ensure_shape(tf.py_function(lambda x: 2 * x, [hidden], hidden.dtype), hidden.shape)


def asserted(model, hidden):
    tf.debugging.assert_all_finite(hidden, "not finite")
    tf.debugging.Assert(always(hidden), [hidden])
    return hidden


HARMLESS = {
    "read": lambda m, h: h + m.count,
    "read in a condition": lambda m, h: tf.cond(always(h), lambda: h + m.count, lambda: h),
    "read in a loop": lambda m, h: tf.map_fn(lambda row: row + m.count, h),
    "gather": lambda m, h: h + tf.gather(m.vector, [0])[0],
    "gather_nd": lambda m, h: h + m.vector.gather_nd([[0]])[0],
    "lookup": lambda m, h: h + looked_up(m),
    "lookup in a loop": lambda m, h: tf.map_fn(lambda row: row + looked_up(m), h),
    "size of a table": lambda m, h: h + tf.cast(tf.reshape(m.dense.size(), []), h.dtype),
    "tensor array": in_tensor_array,
    "legacy tensor array": in_legacy_tensor_array,
    "assert": asserted,
    "update of Keras": returning_hidden(lambda m: m.weight.assign_add([1.0, 1.0, 1.0])),
    "metric": returning_hidden(lambda m: m.mean.update_state([1.0, 2.0])),
    "summary": in_summary,
    "random numbers": lambda m, h: h + 0 * tf.random.normal(tf.shape(h)),
    "stateless random numbers": lambda m, h: h + tf.random.stateless_normal([4], seed=[1, 2]),
    "python function": in_python_function,
    "concrete function": lambda m, h: tf.function(lambda x: x + m.count).get_concrete_function(h)(
        h
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_reads_is_explained(name, tmp_path):
    model = built(HARMLESS[name])
    state = model.state()
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        explanation = tfs.explain(model, helpers.ids(), "gradient_norm", target=0)
    for value, before in zip(model.state(), state, strict=True):
        np.testing.assert_array_equal(value, before)
    expected = model(helpers.ids())[:, 0].numpy()
    np.testing.assert_allclose(explanation.output, expected, rtol=1e-5, atol=1e-6)


def test_no_summary_is_written_by_an_explanation(tmp_path):
    model = built(HARMLESS["summary"])
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        model(helpers.ids())
        writer.flush()
        (file,) = tmp_path.iterdir()
        size = file.stat().st_size
        tfs.explain(model, helpers.ids(), "gradient_norm")
        writer.flush()
    assert file.stat().st_size == size


def dense_of_int8():
    model = keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(helpers.VOCABULARY, 8, mask_zero=True),
            layers.LSTM(6),
            layers.Dense(3),
        ]
    )
    model.quantize("int8")
    return model


def with_noise():
    return keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(helpers.VOCABULARY, 8),
            layers.GaussianNoise(0.1, seed=1),
            layers.Dropout(0.5, seed=1),
            layers.BatchNormalization(),
            layers.Bidirectional(layers.LSTM(4, dropout=0.2, recurrent_dropout=0.2)),
            layers.Dense(3),
        ]
    )


@keras.saving.register_keras_serializable(package="tf_salience_tests")
class TextLayer(layers.Layer):
    """Texts to ids, as people write it by hand."""

    def __init__(self, to_ids):
        super().__init__(dtype="int32")
        self.to_ids = to_ids

    def call(self, texts):
        return ops.cast(self.to_ids(texts), "int32")


def with_text_layer(to_ids, vocabulary=helpers.VOCABULARY):
    texts = layers.Input((), dtype="string")
    hidden = layers.Embedding(vocabulary, 8, mask_zero=True)(TextLayer(to_ids)(texts))
    return keras.Model(texts, layers.Dense(3)(layers.GlobalAveragePooling1D()(hidden)))


def with_string_lookup():
    lookup = layers.StringLookup(vocabulary=helpers.WORDS, mask_token="")
    return with_text_layer(lambda texts: lookup(tf.strings.split(texts).to_tensor("")))


def with_tokenizer(name):
    models = pytest.importorskip("keras_hub_models")
    tokenizer = models.tokenizer(name)

    def to_ids(texts):
        ids = tokenizer(texts)
        # Run eagerly, a tokenizer of KerasHub gives lists.
        return (tf.ragged.constant(ids) if isinstance(ids, list) else ids).to_tensor()

    return with_text_layer(to_ids, tokenizer.vocabulary_size())


def texts():
    return tf.constant(helpers.texts())


@pytest.mark.parametrize(
    ("build", "inputs"),
    [
        (dense_of_int8, helpers.ids),
        (with_noise, helpers.ids),
        (helpers.text_model, texts),
        (with_string_lookup, texts),
        (lambda: with_tokenizer("Bert"), texts),
        (lambda: with_tokenizer("Albert"), texts),
    ],
    ids=["int8", "noise", "vectorizer", "string lookup", "word pieces", "sentence pieces"],
)
def test_layers_of_keras_are_explained(build, inputs):
    model = build()
    explanation = tfs.explain(model, inputs(), "gradient_norm", target=0)
    expected = model(inputs())[:, 0].numpy()
    np.testing.assert_allclose(explanation.output, expected, rtol=1e-4, atol=1e-5)
