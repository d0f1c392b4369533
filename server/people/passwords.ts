import { hash, verify } from '@node-rs/argon2'

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

/** Argon2id as OWASP recommends it (19 MiB, two passes); `fast` is for tests. */
export function createPasswords(kind: 'default' | 'fast'): Passwords {
  const options = costs[kind]
  const nobodys = hash('nobody has this password', options)
  return {
    hash: (password) => hash(password, options),
    check: async (hashed, password) => {
      const right = await verify(hashed ?? (await nobodys), password.slice(0, longestPassword)).catch(() => false)
      return right && hashed !== undefined && password.length <= longestPassword
    },
  }
}
