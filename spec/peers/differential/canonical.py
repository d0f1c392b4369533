"""Answers what Synapse makes of documents: one line of JSON for each line, [version or null, text] for each document of a list."""

import hashlib
import json
import sys

from canonicaljson import encode_canonical_json
from signedjson.key import decode_signing_key_base64
from signedjson.sign import sign_json
from synapse.api.errors import EventSizeError, SynapseError
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.crypto.event_signing import (
    add_hashes_and_signatures,
    check_event_content_hash,
    compute_content_hash,
    compute_event_reference_hash,
)
from synapse.event_auth import _check_size_limits
from synapse.events import make_event_from_dict
from synapse.events.utils import prune_event, validate_canonicaljson
from unpaddedbase64 import encode_base64

SERVER = "a.test"
KEY = decode_signing_key_base64("ed25519", "1", "A" * 43)


def refuse_constant(word):
    raise ValueError(word)


def answer(version, text):
    try:
        value = json.loads(text, parse_constant=refuse_constant)
        said = {"loose": encode_canonical_json(value).decode()}
    except (ValueError, RecursionError):
        return {}
    try:
        validate_canonicaljson(value)
        said["strict"] = True
    except SynapseError:
        said["strict"] = False
    if version is not None:
        said.update(answer_event(KNOWN_ROOM_VERSIONS[version], value))
    elif said["strict"] and isinstance(value, dict) and isinstance(value.get("signatures", {}), dict):
        said["signed"] = sign_json(value, SERVER, KEY)["signatures"][SERVER]["ed25519:1"]
    return said


def answer_event(version, value):
    said = {"hash": encode_base64(compute_content_hash(value, hashlib.sha256)[1])}
    # Both write into what they are given.
    anew = json.loads(json.dumps(value))
    add_hashes_and_signatures(version, anew, SERVER, KEY)
    said["signature"] = anew["signatures"][SERVER]["ed25519:1"]
    try:
        event = make_event_from_dict(value, version)
        _check_size_limits(event)
    except EventSizeError as error:
        if error.unpersistable:
            return said
    except SynapseError:
        return said
    pruned = prune_event(event).get_pdu_json()
    pruned.pop("unsigned", None)
    said["redacted"] = encode_canonical_json(pruned).decode()
    said["id"] = event.event_id
    if "event_id" in value:
        said["reference"] = encode_base64(compute_event_reference_hash(event)[1])
    try:
        said["right"] = check_event_content_hash(event)
    except SynapseError:
        said["right"] = False
    return said


for line in sys.stdin.buffer:
    print(json.dumps([answer(version, text) for version, text in json.loads(line)]), flush=True)
