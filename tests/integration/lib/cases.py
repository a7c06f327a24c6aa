"""The cases by name, in the order in which they run."""
ALL = {}


def case(name):
    """Makes a function of the bench a case. It fails by raising."""

    def add(function):
        assert name not in ALL, name
        ALL[name] = function
        return function
    return add
