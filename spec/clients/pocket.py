"""A person with the Rust SDK that Element X is built on, who does what lines of JSON say and answers each with a line.
Usage: pocket.py HOMESERVER NAME PASSWORD FOLDER. A line: {"id": 1, "do": "says", "with": ["!room:hs.test", "hello"]}"""

import asyncio
import json
import os
import sys

import matrix_sdk_python as sdk

homeserver, name, password, folder = sys.argv[1:]


class Verification(sdk.SessionVerificationControllerDelegate):
    """How far the verification is that is going on."""

    def __init__(self):
        self.stage, self.request, self.emoji = "none", None, None

    def did_receive_verification_request(self, details):
        self.stage, self.request, self.emoji = "requested", details, None

    def did_accept_verification_request(self):
        self.stage = "ready"

    def did_start_sas_verification(self):
        self.stage = "started"

    def did_receive_verification_data(self, data):
        self.emoji = " | ".join(emoji.description() for emoji in data.emojis)

    def did_fail(self):
        self.stage = "failed"

    def did_cancel(self):
        self.stage = "cancelled"

    def did_finish(self):
        self.stage = "finished"


class Timeline(sdk.TimelineListener):
    """What a room shows, kept up to date."""

    def __init__(self):
        self.items = []

    def on_update(self, diff):
        # Called from another thread: who looks meanwhile sees what was there before, whole.
        items = list(self.items)
        for one in diff:
            apply(one, items)
        self.items = items


def apply(one, items):
    if one.is_append():
        items.extend(one.values)
    elif one.is_reset():
        items[:] = one.values
    elif one.is_push_back():
        items.append(one.value)
    elif one.is_push_front():
        items.insert(0, one.value)
    elif one.is_insert():
        items.insert(one.index, one.value)
    elif one.is_set():
        items[one.index] = one.value
    elif one.is_remove():
        del items[one.index]
    elif one.is_truncate():
        del items[one.length :]
    elif one.is_pop_back():
        items.pop()
    elif one.is_pop_front():
        items.pop(0)
    elif one.is_clear():
        items.clear()


class Quiet(sdk.EnableRecoveryProgressListener):
    def on_update(self, status):
        pass


class Rooms(sdk.RoomListEntriesListener):
    """The room list asks for more of it when somebody looks at it."""

    def on_update(self, room_entries_update):
        pass


class Pocket:
    async def start(self):
        builder = (
            sdk.ClientBuilder()
            .homeserver_url(homeserver)
            .sqlite_store(sdk.SqliteStoreBuilder(os.path.join(folder, "data"), os.path.join(folder, "cache")))
            .sliding_sync_version_builder(sdk.SlidingSyncVersionBuilder.DISCOVER_NATIVE)
            .auto_enable_cross_signing(True)
            .auto_enable_backups(False)
        )
        self.client = await builder.build()
        kept = os.path.join(folder, "session.json")
        if os.path.exists(kept):
            with open(kept) as file:
                fields = json.load(file)
            await self.client.restore_session(sdk.Session(**fields, sliding_sync_version=sdk.SlidingSyncVersion.NATIVE))
        else:
            await self.client.login(name, password, f"{name}'s pocket", None)
            session = self.client.session()
            fields = ["access_token", "refresh_token", "user_id", "device_id", "homeserver_url", "oauth_data"]
            with open(kept, "w") as file:
                json.dump({field: getattr(session, field) for field in fields}, file)
        self.encryption = self.client.encryption()
        await self.encryption.wait_for_e2ee_initialization_tasks()
        self.service = await self.client.sync_service().with_offline_mode().finish()
        await self.service.start()
        self.list = await self.service.room_list_service().all_rooms()
        self.entries = self.list.entries_with_dynamic_adapters(20, Rooms())
        self.entries.controller().set_filter(sdk.RoomListEntriesDynamicFilterKind.ALL(filters=[]))
        self.verification = Verification()
        self.controller = await self.client.get_session_verification_controller()
        self.controller.set_delegate(self.verification)
        self.timelines = {}
        return {"user": self.client.user_id(), "device": self.client.device_id()}

    async def stands(self):
        """How this device stands with the others of the person."""
        encryption = self.encryption
        return {
            "verification": encryption.verification_state().name,
            "recovery": encryption.recovery_state().name,
            "backup": encryption.backup_state().name,
        }

    async def rooms(self):
        return [[room.id(), room.display_name(), room.membership().name] for room in self.client.rooms()]

    async def makes_room(self, title, invited):
        parameters = sdk.CreateRoomParameters(
            name=title,
            is_encrypted=True,
            visibility=sdk.RoomVisibility.PRIVATE(),
            preset=sdk.RoomPreset.PRIVATE_CHAT,
            invite=invited,
        )
        room = await self.client.create_room(parameters)
        await self.client.await_room_remote_echo(room)
        return room

    async def joins(self, room):
        await self.client.join_room_by_id(room)

    async def timeline(self, room):
        if room not in self.timelines:
            await self.service.room_list_service().subscribe_to_rooms([room])
            timeline = await self.client.get_room(room).timeline()
            listener = Timeline()
            self.timelines[room] = (timeline, listener, await timeline.add_listener(listener))
        return self.timelines[room]

    async def says(self, room, text):
        timeline, _, _ = await self.timeline(room)
        await timeline.send(sdk.message_event_content_from_markdown(text))

    async def reacts(self, room, text, emoji):
        timeline, listener, _ = await self.timeline(room)
        item = next(event for event in events_of(listener) if text_of(event) == text)
        await timeline.toggle_reaction(item.event_or_transaction_id, emoji)

    async def reads(self, room):
        """Each message with who wrote it, what hangs on it, and who read it; of one that cannot be decrypted the text is null."""
        _, listener, _ = await self.timeline(room)
        return [told(event) for event in events_of(listener) if event.content.is_msg_like() and text_of(event) != ""]

    async def scrolls_back(self, room):
        timeline, _, _ = await self.timeline(room)
        while not await timeline.paginate_backwards(50):
            pass

    async def marks_read(self, room):
        timeline, _, _ = await self.timeline(room)
        await timeline.mark_as_read(sdk.ReceiptType.READ)

    async def notified(self, room, event):
        """What a push about an event shows, which its handler fetches on a connection of its own."""
        handler = await self.client.notification_client(sdk.NotificationProcessSetup.SINGLE_PROCESS(self.service))
        item = (await handler.get_notification(room, event)).item
        return [item.room_info.display_name, item.sender_info.display_name, json.loads(item.raw_event)["content"]["body"]]

    async def sends_file(self, room, name, text):
        timeline, _, _ = await self.timeline(room)
        source = sdk.UploadSource.DATA(text.encode(), name)
        parameters = sdk.UploadParameters(source=source, caption=None, formatted_caption=None, mentions=None, in_reply_to=None)
        info = sdk.FileInfo(mimetype="text/plain", size=len(text.encode()), thumbnail_info=None, thumbnail_source=None)
        await timeline.send_file(parameters, info).join()

    async def opens_file(self, room, name):
        _, listener, _ = await self.timeline(room)
        kind = next(event.content.content.kind for event in events_of(listener) if text_of(event) == name)
        return (await self.client.get_media_content(kind.content.msg_type.content.source)).decode()

    async def asks_to_verify(self, user):
        """Another person, or with no name the other devices of one's own."""
        if user is None:
            await self.controller.request_device_verification()
        else:
            await self.encryption.user_identity(user, True)
            await self.controller.request_user_verification(user)

    async def accepts(self):
        request = self.verification.request
        await self.controller.acknowledge_verification_request(request.sender_profile.user_id, request.flow_id)
        await self.controller.accept_verification_request()

    async def begins(self):
        await self.controller.start_sas_verification()

    async def approves(self):
        await self.controller.approve_verification()

    async def verifies(self):
        return {"stage": self.verification.stage, "emoji": self.verification.emoji}

    async def trusts(self, user):
        identity = await self.encryption.user_identity(user, True)
        return identity is not None and identity.is_verified()

    async def enables_recovery(self):
        return await self.encryption.enable_recovery(True, None, Quiet())

    async def backs_up(self):
        await self.encryption.wait_for_backup_upload_steady_state(None)

    async def recovers(self, key):
        await self.encryption.recover(key)

    async def stops(self):
        await self.service.stop()


def events_of(listener):
    return [event for event in (item.as_event() for item in listener.items) if event is not None]


def text_of(event):
    """The text of a message; null where it cannot be decrypted, empty where it is something else."""
    if not event.content.is_msg_like():
        return ""
    kind = event.content.content.kind
    if kind.is_unable_to_decrypt():
        return None
    return kind.content.body if kind.is_message() else ""


def told(event):
    return {
        "sender": event.sender,
        "text": text_of(event),
        "reactions": [reaction.key for reaction in event.content.content.reactions],
        "readers": sorted(event.read_receipts),
        "sent": event.is_remote,
    }


async def main():
    sdk.uniffi_set_event_loop(asyncio.get_running_loop())
    pocket = Pocket()
    loop = asyncio.get_running_loop()

    async def act(line):
        order = json.loads(line)
        try:
            answer = {"gives": await getattr(pocket, order["do"])(*order["with"])}
        except Exception as error:
            answer = {"fails": f"{type(error).__name__}: {error}"}
        print(json.dumps({"id": order["id"], **answer}), flush=True)

    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asyncio.ensure_future(act(line))


asyncio.run(main())
