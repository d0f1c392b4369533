export type SpareBuffers = { readonly take: () => Buffer; readonly give: (buffer: Buffer) => void }

/**
 * Buffers of one size that are used again: to ask the system for fresh ones, and to give them back, costs more than to fill them. At most `most` are
 * kept. They hold what they held before: who takes one must send nothing but what was read into it.
 */
export function spareBuffers(size: number, most: number): SpareBuffers {
  const spare: Buffer[] = []
  return {
    take: () => spare.pop() ?? Buffer.allocUnsafeSlow(size),
    give: (buffer) => {
      if (spare.length < most) spare.push(buffer)
    },
  }
}
