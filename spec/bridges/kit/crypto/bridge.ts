import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { type Crypto, openCrypto } from '../../../../bridges/kit/crypto/crypto.ts'
import type { JsonObject } from '../../../../bridges/kit/crypto/json.ts'
import type { KeyServer } from './key-server.ts'

export const bot = '@bridge:b'
export const botDevice = 'BRIDGE'
export const room = '!room:b'
export const ghost = '@ghost_1:b'

export type Bridge = Awaited<ReturnType<typeof makeBridge>>

async function open(folder: string, pickleKey: Buffer, requests: KeyServer['requests'], now: () => number, warnings: string[]) {
  const database = new Database(join(folder, 'kit.db'))
  database.pragma('journal_mode = WAL')
  const crypto = await openCrypto({
    database,
    pickleKey,
    requests,
    botUserId: bot,
    botDeviceId: botDevice,
    clock: { now },
    random: randomBytes,
    log: { warn: (words) => void warnings.push(words) },
  })
  return { database, crypto }
}

/** A bridge over a database on disk that can be closed and opened again, with a clock that stands still. */
export async function makeBridge(server: KeyServer) {
  const folder = mkdtempSync(join(tmpdir(), 'tombolo-crypto-'))
  const pickleKey = randomBytes(32)
  const warnings: string[] = []
  let now = 1_700_000_000_000
  let events = 0
  const start = () => open(folder, pickleKey, server.requests, () => now, warnings)
  let opened = await start()
  const bridge = {
    warnings,
    get crypto(): Crypto {
      return opened.crypto
    },
    get database() {
      return opened.database
    },
    pass(milliseconds: number) {
      now += milliseconds
    },
    async restart() {
      await opened.crypto.close()
      opened.database.close()
      opened = await start()
    },
    async end() {
      await opened.crypto.close()
      opened.database.close()
      rmSync(folder, { recursive: true })
    },
    /** Encrypts a text as a ghost, and makes the event that the server would. */
    async say(
      text: string,
      recipients: readonly string[],
      more: { sender?: string; txnId?: string; roomId?: string; encryption?: JsonObject } = {},
    ) {
      const { sender = ghost, txnId = `t${++events}`, roomId = room } = more
      const request = { sender, roomId, recipients, type: 'm.room.message', content: { msgtype: 'm.text', body: text }, txnId }
      const prepared = await opened.crypto.encrypt(more.encryption === undefined ? request : { ...request, encryption: more.encryption })
      return asEvent(sender, prepared.content, `$${sender}${txnId}`, roomId)
    },
    /** Delivers what waits for our devices, as a transaction does. */
    async transact(users: readonly string[] = [bot], changed: readonly string[] = []) {
      const own = users.flatMap((user) => opened.crypto.device(user) ?? [])
      const toDevice = own.flatMap(({ userId, deviceId }) => server.takeInbox(userId, deviceId))
      const target = server.device(bot, botDevice)
      const received = opened.crypto.receiveTransaction({
        toDevice,
        deviceLists: { changed, left: [] },
        oneTimeKeyCounts: { [bot]: { [botDevice]: { signed_curve25519: target.oneTimeKeys.size } } },
        unusedFallbackKeyTypes: { [bot]: { [botDevice]: target.fallbackUsed ? [] : ['signed_curve25519'] } },
      })
      await opened.crypto.idle()
      return received
    },
  }
  return bridge
}

export function asEvent(sender: string, content: JsonObject, eventId: string, roomId = room): JsonObject {
  return { type: 'm.room.encrypted', sender, content, event_id: eventId, room_id: roomId, origin_server_ts: 1_700_000_000_000 }
}
