"""TwelveData's official REST client, pointed at a fake: twelvedata_rest.py URL KEY.

A call is the name of a method; `.as_csv` behind it asks for that form, as_json is the default.
"""

import sys

from twelvedata import TDClient

from calls import serve

url, key = sys.argv[1:]
clients = []


def call(name, positional, named):
    if not clients:
        # Making it asks the server already, which may refuse.
        clients.append(TDClient(apikey=key, base_url=url))
    method, _, form = name.partition(".")
    return getattr(getattr(clients[0], method)(**named), form or "as_json")()


serve(call)
