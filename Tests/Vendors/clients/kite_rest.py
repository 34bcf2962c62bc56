"""Zerodha's official REST client, pointed at a fake: kite_rest.py ROOT API_KEY ACCESS_TOKEN."""

import sys

from kiteconnect import KiteConnect

from calls import serve

root, api_key, access_token = sys.argv[1:]
kite = KiteConnect(api_key=api_key, access_token=access_token, root=root, timeout=5)
serve(lambda name, positional, named: getattr(kite, name)(*positional, **named))
