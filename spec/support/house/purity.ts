import type { Facts } from './facts.ts'

const forbidden: readonly string[] = [
  'Date.now',
  'new Date()',
  'Math.random',
  'process.env',
  'process',
  'console',
  'fetch',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'crypto.randomUUID',
  'crypto.getRandomValues',
]

/** Floor 0 is a function of what it is handed: no I/O, clock, randomness, logger or environment. */
export function checkPurity(house: readonly Facts[]): string[] {
  const core = house.filter(({ path }) => path.startsWith('server/core/'))
  return core.flatMap(({ path, imports, uses }) => [
    ...imports.flatMap(({ line, from, names }) => {
      const random = from === 'node:crypto' ? names.filter((name) => /^(random|generate)/.test(name)) : []
      if (random.length) return [`${path}:${line} imports ${random.join(', ')}: core has no randomness; take it as a parameter`]
      const isBinding = path === 'server/core/signatures.ts' && ['sodium-native', 'node:module'].includes(from)
      const isPure = from.startsWith('.') || from === 'node:crypto' || isBinding
      return isPure
        ? []
        : [`${path}:${line} imports ${from}: core does no I/O and knows node:crypto alone; do it on a floor above and hand in the result`]
    }),
    ...uses
      .filter(({ text }) => forbidden.includes(text))
      .map(({ line, text }) => `${path}:${line} uses ${text}: core is pure; take the time, the number or the value as a parameter`),
  ])
}
