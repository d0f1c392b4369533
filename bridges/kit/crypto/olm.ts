import Olm from '@matrix-org/olm'

export type OlmLibrary = typeof Olm

const watched = ['uncaughtException', 'unhandledRejection'] as const
let loading: Promise<OlmLibrary> | undefined

/**
 * Loads libolm once. Its loader installs process-wide listeners that rethrow what the process's own handlers should see; exactly
 * those it added are taken away again.
 */
export function loadOlm(): Promise<OlmLibrary> {
  loading ??= initialise()
  return loading
}

async function initialise(): Promise<OlmLibrary> {
  const before = watched.map((name) => new Set(process.rawListeners(name)))
  const started = Olm.init()
  watched.forEach((name, n) => {
    for (const listener of process.rawListeners(name)) {
      if (!before[n]?.has(listener)) process.removeListener(name, listener as () => void)
    }
  })
  await started
  return Olm
}

/** Runs `use` with an object that lives in libolm's memory, and frees it whatever happens. */
export function using<T extends { free(): void }, R>(object: T, use: (object: T) => R): R {
  try {
    return use(object)
  } finally {
    object.free()
  }
}

/** The code of an error that libolm threw (`BAD_MESSAGE_MAC`, …); any other error is thrown on. */
export function olmErrorCode(error: unknown): string {
  const match = error instanceof Error ? /^OLM\.(\w+)$/.exec(error.message) : null
  if (!match?.[1]) throw error
  return match[1]
}
