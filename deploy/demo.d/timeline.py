"""Prints what happens so that a person can follow it: aligned, in colours on a terminal."""
import os
import sys
import urllib.parse

COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
GOOD = ("applied", "unchanged")


class Timeline:
    def __init__(self, out=sys.stdout):
        self.out = out
        self.colours = out.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def paint(self, text, *names):
        if not self.colours:
            return text
        return f"\033[{';'.join(COLOURS[n] for n in names)}m{text}\033[0m"

    def line(self, text=""):
        print(text, file=self.out, flush=True)

    def title(self, text):
        self.line(self.paint(text, "bold"))

    def part(self, name, value):
        self.line(f"  {name:<22}{value}")

    def event(self, number, service, kind, tells):
        self.line()
        self.line(f"{number:>3}  {self.paint(f'{service:<7}', 'bold')}{self.paint(f'{kind:<20}', 'cyan', 'bold')}{tells}")

    def call(self, request, effects):
        """One request that the portal got, and what it changed there."""
        form = " ".join(f"{name}={self.value(value)}" for name, value in request["form"].items())
        path = urllib.parse.unquote(request["path"].rpartition("/api/")[2])
        text = f"{request['method']:<7}{path:<28}{form}"
        self.line(f"     {self.paint('──▶', 'blue')}    {text.rstrip()}")
        for effect in effects:
            self.line(f"            {self.paint(self.effect(effect), 'dim')}")

    @staticmethod
    def value(value):
        return ",".join(value) if isinstance(value, list) else str(value)

    @staticmethod
    def effect(effect):
        hidden = ("n", "t", "kind", "effect", "request", "id", "login", "account", "msg")
        more = " ".join(f"{name}={Timeline.value(value)}" for name, value in effect.items() if name not in hidden)
        return f"at the portal: {effect['effect']} {effect['account']} {more}".rstrip()

    def outcome(self, kind, words, as_expected):
        colour = "green" if kind in GOOD and as_expected else "yellow" if as_expected else "red"
        self.line(f"     {self.paint('◀──', colour)}    {self.paint(kind, colour, 'bold')}{words}")

    def problem(self, text):
        self.line(f"     {self.paint('✗', 'red', 'bold')}      {self.paint(text, 'red')}")
