"""Runs what `inspect` prints: its call, and the same call with each target that it lists."""

import ast
import re
import textwrap
from dataclasses import dataclass

import keras
import numpy as np


@dataclass
class PrintedCall:
    """The call that `inspect` prints.

    Attributes:
        text: all that it prints.
        model: the model.
        names: what else is in the call: `tokenizer`, `layer`.
    """

    text: str
    model: keras.Model
    names: dict

    @property
    def code(self):
        """The printed code."""
        before, _, code = self.text.partition("To explain it\n")
        assert code, before
        return textwrap.dedent(code.partition("\n\nRead on in the documentation\n")[0])

    @property
    def keywords(self):
        """The arguments of the explainer in Python, by name."""
        (call,) = self._calls("tfs.Explainer")
        return {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}

    @property
    def targets(self):
        """The listed targets in Python, each with its output in Python, or None."""
        listed, output = [], None
        section = self.text.partition("Outputs\n")[2].partition("\n\n")[0]
        for line in section.splitlines():
            if match := re.fullmatch(r" +output=(.*)", line):
                output = match[1]
            elif match := re.fullmatch(r" +target=(.*?)(?:  \(.*\))?", line):
                listed.append((match[1], output))
        return listed

    def run(self, inputs=()):
        """Runs it, with the arrays of the inputs under the variables that it has for them."""
        names = {"model": self.model, **self.names, **self._variables(inputs)}
        exec(self.code, names)
        return names["explanation"]

    def run_targets(self, inputs=()):
        """Runs it with each of the listed targets; labels are zeros."""
        for target, output in self.targets:
            keywords = {**self.keywords, "method": "'gradient_norm'", "target": target}
            keywords |= {} if output is None else {"output": output}
            source = ", ".join(f"{name}={value}" for name, value in keywords.items())
            names = {"model": self.model, **self.names, **self._variables(inputs)}
            exec(f"import tf_salience as tfs\nexplainer = tfs.Explainer(model, {source})", names)
            values = eval(ast.unparse(self._argument), names)
            is_text = isinstance(self._argument, ast.List)
            examples = len(values if is_text else keras.tree.flatten(values)[0])
            labels = np.zeros(examples, int) if target == '"label"' else None
            assert len(names["explainer"](values, labels)) == examples

    @property
    def _argument(self):
        (call,) = self._calls("explainer")
        return call.args[0]

    def _calls(self, function):
        nodes = ast.walk(ast.parse(self.code))
        return [n for n in nodes if isinstance(n, ast.Call) and ast.unparse(n.func) == function]

    def _variables(self, inputs):
        """The arrays by the variables that stand for them in the call."""
        if isinstance(self._argument, ast.Dict):
            keys = [key.value for key in self._argument.keys]
            values = self._argument.values
            return {v.id: inputs[key] for key, v in zip(keys, values, strict=True)}
        if isinstance(self._argument, ast.Tuple):
            return {v.id: array for v, array in zip(self._argument.elts, inputs, strict=True)}
        return {self._argument.id: inputs} if isinstance(self._argument, ast.Name) else {}
