"""One service's events, with its record carried along."""

import contextlib

from suite import record
from suite.asked import place_of
from suite.place import Profile


class Life:
    """One service's events, one after the other, with its record carried along."""

    def __init__(self, place, service=None):
        self.place, self.service, self.record = place, service, {}

    def send(self, workflow, data, **more):
        play = self.place.play(workflow, data, self.record, self.service, **more)
        self.record = play["record_after"]
        record.check(self.record)
        return play

    def create(self, **more):
        return self.send("service.created", self.place.profile.CREATE, **more)

    def account(self):
        return self.place.account(self.service)


def born(place):
    """A life whose account is made, and active where that needs a first access."""
    life = Life(place)
    life.create().ends("applied")
    if place.profile.HELD:
        place.profile.first_access(place.control)
    return life


@contextlib.contextmanager
def platform(pack):
    """A new one, with the pack's profile."""
    place = place_of(Profile(pack))
    try:
        yield place
    finally:
        place.stop()


def accounts(place):
    return Life(place).send("list", {}).ends("applied")["outputs"]["accounts"]
