import type { ByteSource } from './byte-source.ts'
import type { Measures } from './measures.ts'

/** A page has a head of 27 bytes, up to 255 lacing values, and as many bytes as these add up to. */
const mostPageBytes = 27 + 255 + 255 * 255

/** The length of sound in Opus (RFC 7845, section 4) or Vorbis: where its last page ends, in samples. */
export async function measureOgg(source: ByteSource): Promise<Measures> {
  const first = await source.read(0, 27 + 255 + 20)
  if (first.length < 28) return {}
  const head = first.subarray(27 + first[26]!)
  const clock = clockOf(head)
  if (!clock) return {}
  const from = Math.max(0, source.size - mostPageBytes)
  const end = lastGranule(await source.read(from, mostPageBytes), first.readUInt32LE(14))
  return end === undefined ? {} : { durationMs: ((end - clock.skipped) / clock.rate) * 1000 }
}

/** Opus always counts in 48 kHz, and its first samples are not played. */
function clockOf(head: Buffer): { rate: number; skipped: number } | undefined {
  if (head.length < 16) return undefined
  if (head.toString('latin1', 0, 8) === 'OpusHead') return { rate: 48_000, skipped: head.readUInt16LE(10) }
  if (head.toString('latin1', 0, 7) !== '\x01vorbis') return undefined
  const rate = head.readUInt32LE(12)
  return rate === 0 ? undefined : { rate, skipped: 0 }
}

function lastGranule(tail: Buffer, serial: number): number | undefined {
  for (let at = tail.lastIndexOf('OggS'); at >= 0; at = at === 0 ? -1 : tail.lastIndexOf('OggS', at - 1)) {
    if (at + 27 > tail.length || tail[at + 4] !== 0 || tail.readUInt32LE(at + 14) !== serial) continue
    const granule = tail.readBigInt64LE(at + 6)
    // "A value of -1 indicates that no packets finish on this page."
    if (granule >= 0n && granule <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(granule)
  }
  return undefined
}
