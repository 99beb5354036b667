"""A LIT server with this package's interpreters in place of LIT's own."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from lit_nlp.api import components as lit_components
from lit_nlp.api import dataset as lit_dataset
from lit_nlp.api import model as lit_model

from tf_salience.explainer.explainer import Explainer
from tf_salience.lit.gradient_at_input import GradientDotInput, GradientNorm
from tf_salience.lit.installation import needs_lit
from tf_salience.lit.interpreters import Convergence, IntegratedGradients, Occlusion
from tf_salience.lit.model import LitModel
from tf_salience.lit.sequence import prompts, sequence_models


def interpreters(
    models: Mapping[str, lit_model.Model] | None = None, *, compat: bool = False
) -> dict[str, lit_components.Interpreter]:
    """Makes the interpreters of a LIT app: LIT's stock ones, the gradient methods replaced.

    Args:
        models: those of the app, which may give salience of their own; None: none does.
        compat: True: LIT's own numbers.

    Returns:
        Interpreters by the names that LIT's page shows.

    Raises:
        ImportError: without what LIT's components need; it says how to install it.

    Example:
        >>> list(interpreters())[:3]
        ['Grad L2 Norm', 'Grad ⋅ Input', 'Integrated Gradients']
    """
    with needs_lit():
        from lit_nlp.components import core
        from lit_nlp.components.salience_clustering import SalienceClustering

    integrated_gradients = IntegratedGradients(compat=compat)
    ours: dict[str, lit_components.Interpreter] = {
        "Grad L2 Norm": GradientNorm(compat=compat),
        "Grad ⋅ Input": GradientDotInput(compat=compat),
        "Integrated Gradients": integrated_gradients,
        "Occlusion": Occlusion(),
    }
    stock = core.default_interpreters(dict(models or {}))
    mappers = {**ours, "LIME": stock["LIME"]}
    convergence = {"Integrated Gradients: how right": Convergence(integrated_gradients)}
    clustering = {"Salience Clustering": SalienceClustering(mappers)}
    # The page shows them in this order: the methods side by side.
    return {**ours, **convergence, **{**stock, **ours, **clustering}}


def server(
    models: Mapping[str, lit_model.Model],
    datasets: Mapping[str, lit_dataset.Dataset],
    **keywords: Any,
) -> Any:
    """Makes a LIT server; `.serve()` runs it until Ctrl-C.

    Args:
        models: the models by name: `LitModel`, or those of `sequence_models`.
        datasets: by name, as `LitModel.dataset` makes them.
        **keywords: what LIT's server takes, `host` (127.0.0.1), `port` (5432), `interpreters`,
            `layouts`, `default_layout`, `page_title` among them.

    Returns:
        A `lit_nlp.dev_server.Server`.

    Raises:
        ImportError: without what LIT's server needs; it says how to install it.

    Example:
        >>> lit_server = server({"reviews": model}, {"held_out": dataset}, port=5433)
        >>> lit_server.serve()  # doctest: +SKIP
    """
    with needs_lit():
        import lit_nlp
        from lit_nlp import dev_server

    page = pathlib.Path(lit_nlp.__file__).parent / "client" / "build" / "default"
    defaults = {
        "interpreters": interpreters(models),
        "client_root": str(page),
        # The page offers to load what can be made of numbers and strings: no Keras model, no text.
        "model_loaders": {},
        "dataset_loaders": {},
        "page_title": "tf_salience",
        "host": "127.0.0.1",
        "port": 5432,
    }
    return dev_server.Server(dict(models), dict(datasets), **{**defaults, **keywords})


def server_of(
    explainer: Explainer,
    texts: Sequence[Any],
    labels: Sequence[Any] | None = None,
    **keywords: Any,
) -> Any:
    """Makes a LIT server for one model; of a language model the texts are prompts.

    Args:
        explainer: of the model, which generates text or tells classes or a score.
        texts: the examples, as `LitModel.dataset` takes them.
        labels: as `LitModel.dataset` takes them; not used with a language model.
        **keywords: as `server` takes them.

    Returns:
        A `lit_nlp.dev_server.Server`.

    Raises:
        ImportError: without what LIT's server needs; it says how to install it.
        ValueError: for a model or labels that do not fit; see `LitModel`.

    Example:
        >>> lit_server = server_of(tfs.Explainer(causal_lm), ["the soup was"])
        >>> lit_server.serve()  # doctest: +SKIP
    """
    name = explainer.model.name
    if hasattr(explainer.model, "generate"):
        with needs_lit():
            from lit_nlp.examples.prompt_debugging import layouts

        page = {"layouts": layouts.PROMPT_DEBUGGING_LAYOUTS, "default_layout": layouts.LEFT_RIGHT}
        models = sequence_models(name, explainer)
        return server(models, {"texts": prompts(texts)}, **{**page, **keywords})
    model = LitModel(explainer)
    return server({name: model}, {"texts": model.dataset(texts, labels)}, **keywords)
