import { measure } from './dimensions.ts'
import { MediaFailure } from './failure.ts'
import type { Measures } from './measures.ts'
import { type MediaKind, type Sniffed, settleType, sniff, sniffBytes } from './sniff.ts'
import type { Kept, Spool } from './spool.ts'
import { stripLocation } from './strip-location.ts'

/** A file that may be handed on: without a place in it, its length and hash known, and called what it is. Discard `bytes` when done. */
export type TakenIn = Measures &
  Pick<Sniffed, 'extension' | 'codec'> & {
    readonly bytes: Kept
    readonly mime: string
    readonly kind: MediaKind
  }
export type TakingIn = {
  readonly spool: Spool
  /** Bytes that are taken at most. */
  readonly limit: number
  /** What the other side calls it; it decides nothing that matters. */
  readonly declaredType?: string | undefined
}

/**
 * Takes a file in, from either side: cleaned on its way into the spool, then sniffed and measured there. Fails with a MediaFailure, with nothing left behind:
 * what the input or the spool fails with, or `refused` for a picture that would unpack to too much.
 */
export async function takeIn(input: AsyncIterable<Uint8Array>, { spool, limit, declaredType }: TakingIn): Promise<TakenIn> {
  const bytes = await spool.keep(stripLocation(input), limit)
  try {
    const sniffed = sniff(await bytes.read(0, sniffBytes))
    const measured = await measure(bytes, sniffed.mime)
    if (measured.kind === 'refused') throw new MediaFailure('refused', measured.words)
    return { ...measured, ...called(sniffed, measured, declaredType), bytes }
  } catch (error) {
    await bytes.discard()
    throw error
  }
}

/** Sound alone in the container of a film is sound. */
function called(sniffed: Sniffed, { hasVideo }: Measures, declaredType: string | undefined): Sniffed {
  if (sniffed.kind === 'video' && hasVideo === false) return { mime: 'audio/mp4', kind: 'audio', extension: 'm4a' }
  return { ...sniffed, mime: settleType(sniffed, declaredType) }
}
