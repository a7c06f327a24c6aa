#!/usr/bin/env python3
"""Sends one event to `tvbridge serve`, and ends when Kafka has it. Standard library only.

usage: TVBRIDGE_KEY=... publish.py PROVIDER SERVICE TYPE [DATA]
"""
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("TVBRIDGE_URL", "http://127.0.0.1:9465") + "/v1/events"


def send(event):
    """True when it was accepted; else how many seconds to wait."""
    request = urllib.request.Request(URL, json.dumps(event).encode(), {
        "Authorization": "Bearer " + os.environ["TVBRIDGE_KEY"], "Content-Type": "application/cloudevents+json"})
    try:
        with urllib.request.urlopen(request, timeout=30):
            return True
    except urllib.error.HTTPError as refusal:
        if refusal.code not in (429, 503):
            sys.exit(refusal.read().decode())  # which member is wrong, and what was wanted
        return int(refusal.headers["Retry-After"])
    except OSError:
        return 2


provider, service, type_, *data = sys.argv[1:]
event = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/billing/python", "type": "tvbridge." + type_, "subject": service,
         "provider": provider, "data": json.loads(data[0]) if data else {}}
for attempt in range(8):
    wait = send(event)
    if wait is True:
        sys.exit(0)
    time.sleep(wait)  # then the same event again: an id is applied once
sys.exit("not accepted")
