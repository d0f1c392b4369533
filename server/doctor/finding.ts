export type Level = 'ok' | 'attention' | 'wrong' | 'skipped'

/** What was found of one thing, and what to change. A line of advice that begins with two spaces is to be written as it stands. */
export type Finding = {
  readonly check: string
  readonly level: Level
  readonly words: string
  readonly advice: readonly string[]
}

export function ok(check: string, words: string): Finding {
  return { check, level: 'ok', words, advice: [] }
}

/** It was not looked at, and why. */
export function skipped(check: string, words: string): Finding {
  return { check, level: 'skipped', words, advice: [] }
}

/** It works, and something about it should be changed. */
export function attention(check: string, words: string, ...advice: readonly string[]): Finding {
  return { check, level: 'attention', words, advice }
}

/** It does not work. */
export function wrong(check: string, words: string, ...advice: readonly string[]): Finding {
  return { check, level: 'wrong', words, advice }
}
