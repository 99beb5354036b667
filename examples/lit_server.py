"""Where do LIT's own screens show this library's numbers?

The small classifier of `explain_a_classifier.py` is served in LIT, the Language Interpretability
Tool, with thirty sentences. What to see: one line makes a LIT model from an explainer, another a
data set; LIT's salience maps are then computed for a whole selection in one call, and a row of its
own says how right integrated gradients are. Open the address that it prints, and end it with
Ctrl-C. With `--once` it only asks its own server for a sentence, and ends. Needs LIT: see
docs/lit.md.

    python examples/lit_server.py
"""

import argparse
import json
import threading
import urllib.request
from typing import Any

from explain_a_classifier import CLASS_NAMES, sentences, trained_classifier

import tf_salience as tfs
from tf_salience import lit


def ask_once(app: Any) -> None:
    """Asks the server as LIT's page does, and prints the tokens of one sentence."""
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app)
    threading.Thread(target=server.serve_forever).start()
    address = f"http://127.0.0.1:{server.server_port}"

    def ask(path: str, data: dict) -> list:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{address}/{path}", json.dumps(data).encode(), headers)
        return json.loads(urllib.request.urlopen(request).read())

    example = ask("get_dataset?dataset_name=held_out", {})[0]["id"]
    query = "get_interpretations?model=reviews&dataset_name=held_out&interpreter="
    for name in ("Integrated%20Gradients", "Integrated%20Gradients:%20how%20right"):
        for salience in ask(query + name, {"inputs": [example]})[0].values():
            scores = (f"{score:+.2g}" for score in salience["salience"])
            pairs = zip(salience["tokens"], scores, strict=True)
            print(" ".join(f"{token}({score})" for token, score in pairs))
    server.shutdown()


def main() -> None:
    """Trains the model, and serves it in LIT."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--once", action="store_true", help="ask for one sentence, and end")
    parser.add_argument("--port", type=int, default=5432)
    options = parser.parse_args()
    explainer = tfs.Explainer(trained_classifier(), class_names=CLASS_NAMES)
    model = lit.LitModel(explainer)
    texts, labels = sentences()
    models, datasets = {"reviews": model}, {"held_out": model.dataset(texts[:30], labels[:30])}
    if options.once:
        ask_once(lit.server(models, datasets, server_type="external").serve())
        return
    print(f"LIT is at http://127.0.0.1:{options.port} · Ctrl-C ends it.", flush=True)
    lit.server(models, datasets, port=options.port).serve()


if __name__ == "__main__":
    main()
