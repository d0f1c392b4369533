/** The pixels of a thumbnail at most; what is no larger needs none. */
export const thumbnailBox = { width: 800, height: 600 } as const
