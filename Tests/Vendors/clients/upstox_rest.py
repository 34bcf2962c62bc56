"""Upstox's official REST client, pointed at a fake: upstox_rest.py ROOT ACCESS_TOKEN. Calls are Api.method."""

import sys

import upstox_client

from calls import serve

root, access_token = sys.argv[1:]
configuration = upstox_client.Configuration()
configuration.host = configuration.order_host = root
configuration.access_token = access_token
client = upstox_client.ApiClient(configuration)


def call(name, positional, named):
    api, method = name.split(".")
    answer = getattr(getattr(upstox_client, api)(client), method)(*positional, **named)
    return answer.to_dict() if hasattr(answer, "to_dict") else answer


serve(call)
