"""Answers Synapse's verdicts: one line of JSON for each line, which holds a room version, events by index, and cases of an event on a state."""

import json
import sys

from synapse.api.errors import SynapseError
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.crypto.event_signing import check_event_content_hash
from synapse.event_auth import (
    auth_types_for_event,
    check_state_dependent_auth_rules,
    check_state_independent_auth_rules,
    validate_event_for_room_version,
)
from synapse.events import make_event_from_dict
from synapse.federation.federation_base import event_from_pdu_json


class Store:
    def __init__(self, events):
        self.events = {event.event_id: event for event in events}

    async def get_events(self, ids, **kwargs):
        return {one: self.events[one] for one in ids if one in self.events}


def run(coroutine):
    """Runs what never waits."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waited")


def judge(version, store, events, pdu, state):
    event = event_from_pdu_json(pdu, version)
    validate_event_for_room_version(event)
    if pdu["hashes"] != {"sha256": ""}:
        check_event_content_hash(event)
    run(check_state_independent_auth_rules(store, event))
    wanted = auth_types_for_event(version, event)
    before = [events[at] for at in state]
    check_state_dependent_auth_rules(event, [one for one in before if (one.type, one.state_key) in wanted])


def answer(version, store, events, pdu, state):
    """Nothing if the event is allowed; otherwise why not, after a ! where nobody meant to refuse it."""
    try:
        judge(version, store, events, pdu, state)
        return None
    except SynapseError as error:
        return str(error)
    except Exception as error:
        return "!" + repr(error)


for line in sys.stdin.buffer:
    told = json.loads(line)
    version = KNOWN_ROOM_VERSIONS[told["version"]]
    events = [make_event_from_dict(pdu, version, {}, "rejected" if rejected else None) for pdu, rejected in told["events"]]
    store = Store(events)
    print(json.dumps([answer(version, store, events, pdu, state) for pdu, state in told["cases"]]), flush=True)
