import type { ImageFormat } from './image-format.ts'
import type { Wanted } from './thumbnail-size.ts'

/** What an image process is asked: a thumbnail of the file, or only its size. */
export type ImageJob = {
  readonly path: string
  readonly format: ImageFormat
  readonly mostPixels: number
  readonly wanted: Wanted | undefined
}

/** What it answers. `original`: the picture is its own thumbnail. */
export type ImageResult =
  | { readonly outcome: 'made'; readonly bytes: Uint8Array; readonly contentType: string }
  | { readonly outcome: 'original' }
  | { readonly outcome: 'measured'; readonly width: number; readonly height: number }
  | { readonly outcome: 'refused'; readonly reason: 'too large' | 'broken' }
