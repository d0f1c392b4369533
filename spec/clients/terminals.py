"""Two people with matrix-nio talk in an encrypted room, verify each other, and one of them reads it all on a second device.
Tells what each saw, as JSON. Usage: terminals.py HOMESERVER PASSWORD FOLDER"""

import asyncio
import io
import json
import os
import sys
import time

from nio import AsyncClient, AsyncClientConfig, RoomMessageText
from nio.crypto import SasState

homeserver, password, folder = sys.argv[1:]
encryption = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


async def log_in(name, device):
    config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True)
    client = AsyncClient(homeserver, f"@{name}:hs.test", store_path=folder, config=config)
    client.read = []
    client.add_event_callback(lambda room, event: client.read.append((event.sender, event.body, event.decrypted)), RoomMessageText)
    answer = await client.login(password, device_name=device)
    assert client.logged_in, answer
    await sync(client)
    return client


async def sync(client):
    await client.sync(timeout=500, full_state=client.next_batch is None)
    await client.send_to_device_messages()
    if client.should_upload_keys:
        await client.keys_upload()
    if client.should_query_keys:
        await client.keys_query()


async def until(client, look):
    latest = time.monotonic() + 45
    while not look():
        if time.monotonic() > latest:
            raise SystemExit("it never came")
        await sync(client)


async def say(client, room_id, body):
    content = {"msgtype": "m.text", "body": body}
    answer = await client.room_send(room_id, "m.room.message", content, ignore_unverified_devices=True)
    return answer.event_id


def device_of(client, other):
    return client.device_store[other.user_id][other.device_id]


async def meet(alice, bob):
    room_id = (await alice.room_create(name="Terminals", invite=[bob.user_id], initial_state=[encryption])).room_id
    await until(bob, lambda: room_id in bob.invited_rooms)
    await bob.join(room_id)
    await until(bob, lambda: room_id in bob.rooms)
    await until(alice, lambda: room_id in alice.rooms and bob.user_id in alice.rooms[room_id].users)
    return room_id


async def talk(alice, bob, room_id):
    await until(alice, lambda: any(alice.device_store.active_user_devices(bob.user_id)))
    await say(alice, room_id, "written by nio")
    await until(bob, lambda: len(bob.read) > 0)
    await until(bob, lambda: any(bob.device_store.active_user_devices(alice.user_id)))
    await say(bob, room_id, "and read by it")
    await asyncio.gather(*[until(client, lambda client=client: len(client.read) > 1) for client in (alice, bob)])
    return {"alice": alice.read, "bob": bob.read, "encrypted": bob.rooms[room_id].encrypted}


async def send_file(alice, bob):
    uploaded, _ = await alice.upload(io.BytesIO(b"a note"), content_type="text/plain", filename="note.txt", filesize=6)
    loaded = await bob.download(uploaded.content_uri)
    return [loaded.body.decode(), loaded.content_type, loaded.filename]


async def verify(asking, answering):
    """By SAS over to-device messages: what each was shown, and whom they then trust."""
    await asking.start_key_verification(device_of(asking, answering))
    await until(answering, lambda: answering.get_active_sas(asking.user_id, asking.device_id))
    transaction = answering.get_active_sas(asking.user_id, asking.device_id).transaction_id
    await answering.accept_key_verification(transaction)
    pair = (asking, answering)
    both = [client.key_verifications[transaction] for client in pair]
    await asyncio.gather(*[until(client, lambda sas=sas: sas.state == SasState.key_received) for client, sas in zip(pair, both)])
    shown = [[name for _, name in sas.get_emoji()] for sas in both]
    for client in pair:
        await client.confirm_short_auth_string(transaction)
    await asyncio.gather(*[until(client, lambda sas=sas: sas.verified) for client, sas in zip(pair, both)])
    trusted = [device_of(asking, answering).verified, device_of(answering, asking).verified]
    return {"same": shown[0] == shown[1], "emoji": len(shown[0]), "trusted": trusted}


async def recover(old, name, room_id):
    """A new device is given the keys of the rooms as a file, which is all that nio knows of."""
    new = await log_in(name, "a second terminal")

    async def texts():
        page = await new.room_messages(room_id, limit=50)
        bodies = [getattr(event, "body", None) for event in page.chunk if event.source["type"] == "m.room.encrypted" or hasattr(event, "body")]
        return bodies[::-1]

    locked = await texts()
    file = os.path.join(folder, "keys.txt")
    await old.export_keys(file, "a passphrase")
    await new.import_keys(file, "a passphrase")
    opened = await texts()
    await new.close()
    return {"locked": locked, "opened": opened}


async def main():
    alice, bob = await log_in("alice", "alice's terminal"), await log_in("bob", "bob's terminal")
    room_id = await meet(alice, bob)
    talked = await talk(alice, bob, room_id)
    file = await send_file(alice, bob)
    name = (await bob.room_get_state_event(room_id, "m.room.name")).content
    verified = await verify(alice, bob)
    recovered = await recover(alice, "alice", room_id)
    print(json.dumps({"talked": {**talked, "file": file, "name": name}, "verified": verified, "recovered": recovered}))
    await asyncio.gather(alice.close(), bob.close())


asyncio.run(main())
