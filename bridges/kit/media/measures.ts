/** What a file's headers tell. Width and height are those that a person sees, after rotation. */
export type Measures = {
  readonly width?: number
  readonly height?: number
  readonly durationMs?: number
  /** Of mp4 and its kin: false when there are only sounds in it. */
  readonly hasVideo?: boolean
}
