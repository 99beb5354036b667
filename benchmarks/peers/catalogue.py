"""Which tools there are, how each is run, and where; the standard library alone."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Tool:
    """One way to explain.

    Attributes:
        label: what the table calls it.
        module: the module in this package that has its `make(work, **options)`.
        environment: one of `environments.RECIPES`, or None for the environment of this run.
        options: for `make`.
        default_steps: what its user gets without asking; None where there is no such thing.
        searched_by: the tool whose search for the fewest nodes holds for this one too: the same
            numbers, only faster.
        settings: environment variables; where there are several, the fastest are kept.
    """

    label: str
    module: str
    environment: str | None = None
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    default_steps: int | str | None = None
    searched_by: str | None = None
    settings: Sequence[Mapping[str, str]] = ({},)


# By default OpenMP's threads spin while they wait: that pays if no one else wants their cores, and
# makes it twenty times slower if someone does.
_WAITING = ({"OMP_WAIT_POLICY": "passive"}, {})

TOOLS: dict[str, Tool] = {
    "auto": Tool("tf_salience, auto", "ours", default_steps="auto"),
    "fixed": Tool("tf_salience, fixed steps", "ours"),
    "fixed_xla": Tool(
        "tf_salience, fixed steps, XLA", "ours", options={"jit_compile": True}, searched_by="fixed"
    ),
    "bare": Tool("bare loop", "bare", searched_by="fixed"),
    "captum": Tool("captum", "captum", "captum", default_steps=50, settings=_WAITING),
    "captum_longest": Tool(
        "captum, batches padded to their longest",
        "captum",
        "captum",
        {"padding": "longest"},
        50,
        "captum",
        _WAITING,
    ),
    "alibi": Tool("alibi", "alibi", "alibi", default_steps=50),
    "lit": Tool("LIT, eager", "lit", "lit", {"compiled": False}, 30, "lit_function"),
    "lit_unpadded": Tool(
        "LIT, eager, sentences unpadded",
        "lit",
        "lit",
        {"compiled": False, "padded": False},
        30,
        "lit_function",
    ),
    "lit_function": Tool("LIT, tf.function", "lit", "lit", {"compiled": True}, 30),
    "limit": Tool("arithmetic limit", "limit"),
    "saliency": Tool("PAIR saliency", "saliency", "saliency", default_steps=25),
}
