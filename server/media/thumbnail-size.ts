/** How a thumbnail is to be. https://spec.matrix.org/v1.19/client-server-api/#thumbnails */
export type Wanted = {
  readonly width: number
  readonly height: number
  readonly method: 'crop' | 'scale'
  readonly animated: boolean
}
export type Size = { readonly width: number; readonly height: number }

/** The sizes that are made; what lies between gets the next larger one, so that nobody can have a picture kept in a thousand sizes. */
const steps = [32, 48, 64, 96, 128, 192, 256, 320, 480, 640, 800, 1024, 1280, 1600, 2048, 3072, 4096]
const largest = steps.at(-1)!

/** Whether a wish is larger than anything that is made. */
export function isBeyondSteps({ width, height }: Size): boolean {
  return Math.max(width, height) > largest
}

/** The size that is made for a wish: not smaller, and of the same shape. */
export function stepOf(wanted: Wanted): Wanted {
  const { width, height } = wanted
  const longer = Math.max(width, height)
  const inStep = (length: number) => Math.ceil((length * step(longer)) / longer)
  return { ...wanted, width: inStep(width), height: inStep(height) }
}

/** One of the few sizes for a picture that was asked for in very many. */
export function coarseStepOf({ width, height, animated }: Wanted): Wanted {
  const length = step(Math.max(width, height))
  return { width: length, height: length, method: 'scale', animated }
}

function step(length: number): number {
  return steps.find((one) => one >= length) ?? largest
}

/**
 * The size of the thumbnail of a picture: "scale" keeps the shape and covers what is wanted, "crop" has the wanted shape. Undefined when the
 * picture is small enough as it is: "Servers MUST NOT upscale thumbnails under any circumstance."
 */
export function targetSize(original: Size, { width, height, method }: Wanted): Size | undefined {
  if (original.width <= width && original.height <= height) return undefined
  if (method === 'scale') {
    const factor = Math.max(width / original.width, height / original.height)
    return factor >= 1 ? undefined : { width: atLeastOne(original.width * factor), height: atLeastOne(original.height * factor) }
  }
  const factor = Math.min(1, original.width / width, original.height / height)
  const target = { width: atLeastOne(width * factor), height: atLeastOne(height * factor) }
  return target.width === original.width && target.height === original.height ? undefined : target
}

function atLeastOne(length: number): number {
  return Math.max(1, Math.round(length))
}
