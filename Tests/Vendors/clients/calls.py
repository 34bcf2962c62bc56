"""Calls of a client library for a test in another process: a JSON request a line in, a JSON reply a line out."""

import json
import sys


def serve(call) -> None:
    """`call(name, positional, named)` makes one call; what it returns or raises goes back as JSON."""
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = {"result": call(request["call"], request.get("positional", []), request.get("named", {}))}
        except Exception as error:  # noqa: BLE001: whatever the library raises is what the test asks for
            reply = {"error": type(error).__name__, "text": str(error), "status": getattr(error, "status", None),
                     "code": getattr(error, "code", None), "body": getattr(error, "body", None)}
        print(json.dumps(reply, default=str), flush=True)
