/** JSON that is spelled in one of many ways: numbers stand as they are to be written, and a key may stand twice. */
export type Spelled = string | boolean | null | { readonly number: string } | readonly Spelled[] | { readonly entries: readonly Entry[] }
export type Entry = readonly [key: string, value: Spelled]

const short: Readonly<Record<string, string>> = { '\b': 'b', '\t': 't', '\n': 'n', '\f': 'f', '\r': 'r', '"': '"', '\\': '\\', '/': '/' }

/** Writes a value with white space, an order of its own and escapes, as the lot has it. */
export function spell(value: Spelled, random: () => number): string {
  if (typeof value === 'string') return spellString(value, random)
  if (value === null || typeof value === 'boolean') return String(value)
  if (isNumber(value)) return value.number
  const space = () => (random() < 0.9 ? '' : random() < 0.5 ? ' ' : '\t\r ')
  if (isList(value)) return `[${space()}${value.map((item) => spell(item, random) + space()).join(`,${space()}`)}]`
  const entries = value.entries.map(([key, inner]) => `${spellString(key, random)}${space()}:${space()}${spell(inner, random)}${space()}`)
  return `{${space()}${entries.join(`,${space()}`)}}`
}

function isNumber(value: object): value is { readonly number: string } {
  return 'number' in value
}

function isList(value: object): value is readonly Spelled[] {
  return Array.isArray(value)
}

function spellString(text: string, random: () => number): string {
  const escapes = random() < 0.1 ? 0.3 : 0
  let spelled = ''
  // Halves of surrogate pairs that stand alone have no UTF-8.
  for (const char of text) {
    const mustBeEscaped = char < ' ' || char === '"' || char === '\\' || !char.isWellFormed()
    spelled += mustBeEscaped || random() < escapes ? spellEscape(char, random) : char
  }
  return `"${spelled}"`
}

function spellEscape(char: string, random: () => number): string {
  if (short[char] !== undefined && random() < 0.7) return `\\${short[char]}`
  return Array.from({ length: char.length }, (_, at) => {
    const hex = char.charCodeAt(at).toString(16).padStart(4, '0')
    return `\\u${random() < 0.5 ? hex : hex.toUpperCase()}`
  }).join('')
}

const numbers = /("(?:[^"\\]|\\.)*")|-?[0-9][-+.0-9eE]*/g

/** The text with each float as Python writes it: it keeps the value of a float, never its spelling. */
export function respell(text: string): string {
  return text.replace(numbers, (token, string) => {
    const isFloat = string === undefined && /[.eE]/.test(token)
    return isFloat && Number.isFinite(Number(token)) ? spellAsPython(Number(token)) : token
  })
}

/** The shortest digits that give the same double; with an exponent below 1e-4 and from 1e16 on. */
function spellAsPython(value: number): string {
  if (Object.is(value, -0)) return '-0.0'
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  if (power < -4 || power >= 16) return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
  if (power < 0) return plain(digits, power)
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

/** A number below 1 without an exponent. */
function plain(digits: string, power: number): string {
  const sign = digits.startsWith('-') ? '-' : ''
  return `${sign}0.${'0'.repeat(-power - 1)}${digits.replace(/[-.]/g, '')}`
}

/** Whether a number of the text is so large that no double holds it. */
export function hasHugeNumber(text: string): boolean {
  for (const [token, string] of text.matchAll(numbers))
    if (string === undefined && /[.eE]/.test(token) && !Number.isFinite(Number(token))) return true
  return false
}
