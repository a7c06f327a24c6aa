"""The requests of a life's events as text that a person can read, and its comparison with what was kept."""

import difflib
import json
import os
import urllib.parse

from suite.place import HERE, Wrong


def path_of(pack, workflow):
    return os.path.join(HERE, "golden", pack, workflow + ".http")


def _body(call):
    headers = {h["name"].lower(): h["value"] for h in call.get("headers", [])}
    body = call.get("body", "")
    if "json" in headers.get("content-type", ""):
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False).splitlines()
    pairs = urllib.parse.parse_qsl(body, keep_blank_values=True)
    return ["%s=%s" % pair for pair in pairs]


def _call(call, base):
    lines = ["# %s (%s)" % (call["step"], call["repeat"])]
    if "url" not in call:
        return lines + ["%s: not shown" % call["method"]]
    url = call["url"][len(base):] if call["url"].startswith(base) else call["url"]
    lines.append("%s %s" % (call["method"], urllib.parse.unquote(url)))
    lines += ["%s: %s" % (h["name"], h["value"]) for h in call["headers"]]
    if call.get("body"):
        lines += [""] + _body(call)
    return lines


def render(place, data, play, refused=False):
    """One event or question: its data, its requests in their order, its end. @refused: what the pack says no to, whoever asks."""
    lines = ["### %s %s" % (play["workflow"], json.dumps(data, ensure_ascii=False))]
    for call in play["calls"]:
        lines += [""] + _call(call, place.base)
    if "told" in play:  # a platform that asks
        lines += ["", "# told when it asks: " + json.dumps(play["told"])]
    lines += ["", "# %s%s" % ("refused" if refused else play.kind(), ", " + play["reason"] if play.get("reason") else ""), ""]
    return "\n".join(lines) + "\n"


def kept(pack):
    """The workflows that have a file."""
    return [name[:-len(".http")] for name in os.listdir(os.path.dirname(path_of(pack, "")))]


def compare(pack, workflow, text):
    path = path_of(pack, workflow)
    if not os.path.exists(path):
        raise Wrong("no golden file; tests/providers/conformance --golden %s writes it" % pack)
    with open(path, encoding="utf-8") as f:
        kept = f.read()
    if kept != text:
        diff = difflib.unified_diff(kept.splitlines(), text.splitlines(), "golden", "now", lineterm="", n=2)
        raise Wrong("other requests than before:\n" + "\n".join(list(diff)[:80]))


def write(pack, texts):
    """All files of a pack; those of workflows that are no more go."""
    folder = os.path.dirname(path_of(pack, ""))
    os.makedirs(folder, exist_ok=True)
    for workflow in set(kept(pack)) - set(texts):
        os.unlink(path_of(pack, workflow))
    for workflow, text in texts.items():
        with open(path_of(pack, workflow), "w", encoding="utf-8") as f:
            f.write(text)
