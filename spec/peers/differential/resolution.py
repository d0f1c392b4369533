"""Answers how Synapse resolves states: one line of JSON for each line, which holds a room's events and some sets of its states."""

import asyncio
import json
import sys

import synapse.event_auth  # noqa: F401, its ring of imports is entered here
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS, StateResolutionVersions
from synapse.events import make_event_from_dict
from synapse.state import v1, v2
from synapse.storage.databases.main.event_federation import StateDifference


class Clock:
    async def sleep(self, duration):
        pass


class Store:
    """All events are handed over as not stored yet, so that Synapse works out the auth chains itself."""

    def __init__(self, events):
        self.events = events

    async def get_events(self, ids, allow_rejected=False):
        return {one: self.events[one] for one in ids if one in self.events}

    async def get_auth_chain_difference(self, room_id, sets, conflicted, additional):
        return StateDifference(set(), set())


async def resolve(version, room_id, states, events):
    store = Store(events)
    if version.state_res == StateResolutionVersions.V1:
        return await v1.resolve_events_with_store(room_id, version, states, dict(events), store.get_events)
    return await v2.resolve_events_with_store(Clock(), room_id, version, states, dict(events), store)


async def answer(told):
    version = KNOWN_ROOM_VERSIONS[told["version"]]
    events = {}
    for event_id, pdu, rejected in told["events"]:
        event = make_event_from_dict(pdu, version, {}, "rejected" if rejected else None)
        assert event.event_id == event_id, (event.event_id, event_id)
        events[event_id] = event
    resolved = []
    for sets in told["cases"]:
        states = [{tuple(key.split("\0", 1)): one for key, one in state} for state in sets]
        state = await resolve(version, told["room"], states, events)
        resolved.append({f"{kind}\0{key}": one for (kind, key), one in state.items()})
    return resolved


for line in sys.stdin.buffer:
    print(json.dumps(asyncio.run(answer(json.loads(line)))), flush=True)
