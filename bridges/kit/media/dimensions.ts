import { type ByteSource, boundReads } from './byte-source.ts'
import { measureGif, measureJpeg, measurePng, measureWebp } from './measure-images.ts'
import { measureMp4 } from './measure-mp4.ts'
import { measureOgg } from './measure-ogg.ts'
import type { Measures } from './measures.ts'

export type Measured = ({ readonly kind: 'measured' } & Measures) | { readonly kind: 'refused'; readonly words: string }

/** The largest photos that phones take have 200 million; what a few bytes of header could ask a decoder to hold is more than that. */
export const usualMostPixels = 2 ** 28
const mostSide = 2 ** 15
const longest = 100 * 24 * 3_600_000
const budget = { reads: 2_000, bytes: 4 * 1024 * 1024 }

const measurers: Readonly<Record<string, (source: ByteSource) => Promise<Measures>>> = {
  'image/jpeg': measureJpeg,
  'image/png': measurePng,
  'image/gif': measureGif,
  'image/webp': measureWebp,
  'video/mp4': measureMp4,
  'video/quicktime': measureMp4,
  'video/3gpp': measureMp4,
  'video/3gpp2': measureMp4,
  'audio/mp4': measureMp4,
  'audio/ogg': measureOgg,
}

/**
 * Measures a file of a type that `sniff` found, from its headers alone: at most 2,000 reads and 4 MiB, whatever its size. What cannot be read is left out;
 * a picture that would unpack to more than `mostPixels` is refused. Throws only what the source throws.
 */
export async function measure(source: ByteSource, mime: string, mostPixels = usualMostPixels): Promise<Measured> {
  const { width, height, durationMs, hasVideo } = (await measurers[mime]?.(boundReads(source, budget))) ?? {}
  const rest = {
    ...(isDuration(durationMs) ? { durationMs: Math.round(durationMs) } : {}),
    ...(hasVideo === undefined ? {} : { hasVideo }),
  }
  if (!width || !height) return { kind: 'measured', ...rest }
  if (width > mostSide || height > mostSide || width * height > mostPixels) {
    return { kind: 'refused', words: `The picture is too large: ${width} × ${height}.` }
  }
  return { kind: 'measured', width, height, ...rest }
}

function isDuration(ms: number | undefined): ms is number {
  return ms !== undefined && ms > 0 && ms < longest
}
