import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Network } from '../accounts.ts'
import type { SandboxClock } from '../clock.ts'
import { createNumericId } from '../ids.ts'

export const fileKinds = ['image', 'video', 'audio', 'voice', 'file', 'sticker'] as const
export type FileKind = (typeof fileKinds)[number]

export interface FileInput {
  kind: FileKind
  mime: string
  bytes: Buffer
  name?: string
  animated?: boolean
}

export interface StoredFile extends FileInput {
  id: string
  network: Network
  /** Hex. */
  sha256: string
  /** An address that expires: five minutes on WhatsApp, two days elsewhere. */
  url(): string
}

/** The files of a sandbox, and the addresses under which they are given out. */
export interface FileStore {
  /** Keeps a file: one of the business for 30 days, one of a person for 7. */
  keep(network: Network, input: FileInput, byPerson: boolean): StoredFile
  /** Undefined when there is none or its time is over. */
  find(network: Network, id: string): StoredFile | undefined
  drop(id: string): void
  /** What an address leads to. */
  resolve(url: URL): StoredFile | 'expired' | undefined
  /** Where the sandbox listens; addresses begin with it. */
  setOrigin(origin: string): void
}

export const filePath = '/cdn/'
const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/** A store in memory. Addresses are signed, so that none can be made up or made to last. */
export function createFileStore(clock: SandboxClock): FileStore {
  const secret = randomBytes(32)
  const files = new Map<string, { file: StoredFile; until: number }>()
  let origin = ''
  const sign = (id: string, until: string) => createHmac('sha256', secret).update(`${id} ${until}`).digest('hex').slice(0, 32)
  const addressOf = (id: string, lifeMs: number) => {
    const until = Math.floor((clock.now() + lifeMs) / 1000).toString(16)
    return `${origin}${filePath}${id}?${new URLSearchParams({ oh: sign(id, until), oe: until })}`
  }
  const find = (id: string) => {
    const entry = files.get(id)
    return entry && entry.until >= clock.now() ? entry.file : undefined
  }
  return {
    keep(network, input, byPerson) {
      const id = createNumericId()
      const sha256 = createHash('sha256').update(input.bytes).digest('hex')
      const url = () => addressOf(id, network === 'whatsapp' ? 5 * minuteMs : 2 * dayMs)
      const file = { ...input, id, network, sha256, url }
      files.set(id, { file, until: clock.now() + dayMs * (byPerson ? 7 : 30) })
      return file
    },
    find(network, id) {
      const file = find(id)
      return file?.network === network ? file : undefined
    },
    drop: (id) => void files.delete(id),
    resolve(url) {
      const id = url.pathname.slice(filePath.length)
      const until = url.searchParams.get('oe') ?? ''
      const given = Buffer.from(url.searchParams.get('oh') ?? '')
      const expected = Buffer.from(sign(id, until))
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
      return Number.parseInt(until, 16) * 1000 < clock.now() ? 'expired' : find(id)
    },
    setOrigin: (given) => {
      origin = given
    },
  }
}
