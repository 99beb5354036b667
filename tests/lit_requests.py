"""Requests to a LIT server, as its page makes them."""

import json
import urllib.parse
import urllib.request


def ask(url, path, data=None, **parameters):
    """Posts to the server as LIT's page does, and reads its JSON."""
    query = urllib.parse.urlencode(parameters)
    request = urllib.request.Request(
        f"{url}/{path}?{query}",
        json.dumps(data or {}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read())
