import { storage } from './0001-storage.ts'
import { people } from './0002-people.ts'
import { graph } from './0003-graph.ts'
import { keys } from './0010-keys.ts'
import { deviceList } from './0011-device-list.ts'
import { toDevice } from './0012-to-device.ts'
import { accountData } from './0013-account-data.ts'
import { receipts } from './0014-receipts.ts'
import { typing } from './0015-typing.ts'
import { media } from './0016-media.ts'
import { appservice } from './0020-appservice.ts'
import { keyBackup } from './0030-key-backup.ts'
import { relations } from './0031-relations.ts'
import { publishedRooms } from './0032-published-rooms.ts'
import { eventTimes } from './0033-event-times.ts'
import { accounts } from './0043-accounts.ts'
import { dehydratedDevices } from './0044-dehydrated-devices.ts'
import { serverNotices } from './0045-server-notices.ts'
import { search } from './0046-search.ts'
import { userDirectory } from './0047-user-directory.ts'
import { presence } from './0048-presence.ts'
import { reports } from './0049-reports.ts'
import { delayedEvents } from './0050-delayed-events.ts'
import { unread } from './0051-unread.ts'
import { pushers } from './0052-pushers.ts'
import { thumbnails } from './0055-thumbnails.ts'
import { mediaUsage } from './0056-media-usage.ts'
import { urlPreviews } from './0057-url-previews.ts'
import { networkRooms } from './0060-network-rooms.ts'
import { eventNotes } from './0061-event-notes.ts'
import { presenceExpiry } from './0062-presence-expiry.ts'
import { serverKeys } from './0070-server-keys.ts'
import { receivedEvents } from './0071-received-events.ts'
import { federationSending } from './0080-federation-sending.ts'
import { federationReceiving } from './0081-federation-receiving.ts'
import { placedEvents } from './0084-placed-events.ts'
import { deviceUpdates } from './0085-device-updates.ts'
import { remoteDeviceLists } from './0086-remote-device-lists.ts'
import { toDeviceOutgoing } from './0087-to-device-outgoing.ts'
import { remoteMedia } from './0088-remote-media.ts'
import { outsideMemberships } from './0090-outside-memberships.ts'
import { federationDestinations } from './0095-federation-destinations.ts'
import { partialRooms } from './0097-partial-rooms.ts'
import { claimedKeys } from './0100-claimed-keys.ts'
import { eventNames } from './0100-event-names.ts'
import { searchedHistory } from './0102-searched-history.ts'
import { ownKeys } from './0104-own-keys.ts'
import { toldHistory } from './0105-told-history.ts'
import { ownKeysUsed } from './0106-own-keys-used.ts'
import { federationEdusKept } from './0107-federation-edus-kept.ts'
import { strangersKeys } from './0108-strangers-keys.ts'
import { eventsAside } from './0109-events-aside.ts'
import type { Migration } from './migration.ts'

/** Every step in its order. A folder adds its own with one import and one line. */
export const migrations: readonly Migration[] = [
  storage,
  people,
  graph,
  keys,
  deviceList,
  toDevice,
  accountData,
  receipts,
  typing,
  media,
  appservice,
  keyBackup,
  relations,
  publishedRooms,
  eventTimes,
  accounts,
  dehydratedDevices,
  serverNotices,
  search,
  userDirectory,
  unread,
  pushers,
  thumbnails,
  mediaUsage,
  urlPreviews,
  presence,
  reports,
  delayedEvents,
  networkRooms,
  eventNotes,
  presenceExpiry,
  serverKeys,
  receivedEvents,
  deviceUpdates,
  remoteDeviceLists,
  toDeviceOutgoing,
  remoteMedia,
  federationSending,
  federationReceiving,
  outsideMemberships,
  placedEvents,
  federationDestinations,
  partialRooms,
  claimedKeys,
  eventNames,
  searchedHistory,
  ownKeys,
  toldHistory,
  ownKeysUsed,
  federationEdusKept,
  strangersKeys,
  eventsAside,
]
