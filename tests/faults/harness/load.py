"""Events as billing would send them: some services, each with a row of events, drawn by a seed."""

TYPES = {
    "safe": ("contract.blocked", "contract.unblocked"), "keyed": ("package.added",), "query": ("plan.changed",),
    "never": ("message.requested",), "steps": ("device.added",),
}
CLASSES = tuple(TYPES)
TYPES["snapshot"] = ("service.snapshot",)  # of which the worker makes events of several classes: in no mix


def event(service, number, kind, data, provider, source="/faults"):
    return {"specversion": "1.0", "id": f"{service}-{number}", "source": source, "type": f"tvbridge.{kind}",
            "subject": service, "provider": provider, "time": "2026-11-22T10:00:00Z", "sequence": str(number), "data": data}


def data_of(kind, number):
    if kind in ("contract.blocked", "contract.unblocked"):
        return {"reason": "delinquency"}
    if kind == "package.added":
        return {"packages": [{"id": f"P{number % 3}"}]}
    if kind == "plan.changed":
        return {"plan": f"plan-{number}"}
    if kind == "service.snapshot":
        return {"mode": "apply", "status": "active", "block": "total" if number % 2 else "none", "plan": f"plan-{number}",
                "packages": [{"id": f"P{number % 3}"}, {"id": f"Q{number}"}]}
    if kind == "device.added":
        return {"device": {"serial": f"S{number % 2}"}}
    return {"message": {"text": f"text {number}"}}


def make(rng, services, each, classes=CLASSES, provider="p", prefix="s"):
    """@each events for each of @services accounts, mixed; those of an account stand in the order of their sequence."""
    names = [f"{prefix}{i:04d}" for i in range(services)]
    turns = [name for name in names for _ in range(each)]
    rng.shuffle(turns)
    numbers, events = dict.fromkeys(names, 0), []
    for name in turns:
        numbers[name] += 1
        kind = rng.choice(TYPES[rng.choice(classes)])
        events.append(event(name, numbers[name], kind, data_of(kind, numbers[name]), provider))
    return events
