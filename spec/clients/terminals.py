"""Two people with matrix-nio talk in an encrypted room. Tells what each saw, as JSON. Usage: terminals.py HOMESERVER PASSWORD FOLDER"""

import asyncio
import io
import json
import sys

from nio import AsyncClient, AsyncClientConfig, RoomMessageText

homeserver, password, folder = sys.argv[1:]
encryption = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


async def log_in(name):
    config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True)
    client = AsyncClient(homeserver, f"@{name}:hs.test", store_path=folder, config=config)
    client.read = []
    client.add_event_callback(lambda room, event: client.read.append((event.sender, event.body, event.decrypted)), RoomMessageText)
    answer = await client.login(password, device_name=f"{name}'s terminal")
    assert client.logged_in, answer
    await sync(client)
    return client


async def sync(client):
    await client.sync(timeout=500, full_state=client.next_batch is None)
    if client.should_upload_keys:
        await client.keys_upload()
    if client.should_query_keys:
        await client.keys_query()


async def until(client, look):
    for _ in range(40):
        if look():
            return
        await sync(client)
    raise SystemExit("it never came")


async def say(client, room_id, body):
    content = {"msgtype": "m.text", "body": body}
    answer = await client.room_send(room_id, "m.room.message", content, ignore_unverified_devices=True)
    return answer.event_id


async def main():
    alice, bob = await log_in("alice"), await log_in("bob")
    room_id = (await alice.room_create(name="Terminals", invite=[bob.user_id], initial_state=[encryption])).room_id
    await until(bob, lambda: room_id in bob.invited_rooms)
    await bob.join(room_id)
    await until(bob, lambda: room_id in bob.rooms)
    await until(alice, lambda: room_id in alice.rooms and bob.user_id in alice.rooms[room_id].users)
    await until(alice, lambda: any(alice.device_store.active_user_devices(bob.user_id)))
    await say(alice, room_id, "written by nio")
    await until(bob, lambda: len(bob.read) > 0)
    await until(bob, lambda: any(bob.device_store.active_user_devices(alice.user_id)))
    await say(bob, room_id, "and read by it")
    await asyncio.gather(*[until(client, lambda client=client: len(client.read) > 1) for client in (alice, bob)])
    uploaded, _ = await alice.upload(io.BytesIO(b"a note"), content_type="text/plain", filename="note.txt", filesize=6)
    loaded = await bob.download(uploaded.content_uri)
    name = await bob.room_get_state_event(room_id, "m.room.name")
    print(
        json.dumps(
            {
                "alice": alice.read,
                "bob": bob.read,
                "encrypted": bob.rooms[room_id].encrypted,
                "name": name.content,
                "file": [loaded.body.decode(), loaded.content_type, loaded.filename],
            }
        )
    )
    await asyncio.gather(alice.close(), bob.close())


asyncio.run(main())
