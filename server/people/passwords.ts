import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import { createGate } from '../http/gate.ts'

export type Passwords = {
  /** A hash with its parameters, made on the thread pool. */
  readonly hash: (password: string) => Promise<string>
  /** Whether this is the password of a hash. Without a hash it takes as long, and the answer is no. */
  readonly check: (hashed: string | undefined, password: string) => Promise<boolean>
}

/** Longer ones are nobody's password. */
export const longestPassword = 512
const argon2id = 2
const costs = {
  default: { memoryCost: 19_456, timeCost: 2, parallelism: 1, algorithm: argon2id },
  fast: { memoryCost: 64, timeCost: 1, parallelism: 1, algorithm: argon2id },
}

/** One core is left to everybody else, and threads to the files and compression that share the pool. */
const atOnce = Math.max(1, Math.min(3, availableParallelism() - 1))
const mostWaiting = 500

/** Argon2id as OWASP recommends it (19 MiB, two passes); `fast` is for tests. */
export function createPasswords(kind: 'default' | 'fast'): Passwords {
  const options = costs[kind]
  const gate = createGate(atOnce, mostWaiting)
  const nobodys = gate(() => hash('nobody has this password', options))
  return {
    hash: (password) => gate(() => hash(password, options)),
    check: async (hashed, password) => {
      const against = hashed ?? (await nobodys)
      const right = await gate(() => verify(against, password.slice(0, longestPassword)).catch(() => false))
      return right && hashed !== undefined && password.length <= longestPassword
    },
  }
}
