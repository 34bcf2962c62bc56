"""Finnhub's official REST client, pointed at a fake: finnhub_rest.py URL KEY."""

import sys

import finnhub

from calls import serve

url, key = sys.argv[1:]
finnhub.Client.API_URL = f"{url}/api/v1"
client = finnhub.Client(api_key=key)


def call(name, positional, named):
    try:
        return getattr(client, name)(*positional, **named)
    except finnhub.FinnhubAPIException as error:
        error.status = error.status_code
        raise


serve(call)
