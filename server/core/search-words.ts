const longestWord = 60
const plain = /^[a-zA-Z0-9]*$/
const runs = /[\p{L}\p{N}\p{M}]+/gu
const ideographs =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu

/** A word of a text as it is written there, and the names under which it can be found. */
export type Word = { readonly written: string; readonly names: readonly string[] }

/** So many characters of what is written without spaces are one word: a long text is gone through in steps. */
const mostUnspaced = 100

/**
 * The words of a text. Case and accents do not count; scripts that put no spaces between words are taken in single characters and in pairs. Names
 * are of a–z and 0–9 alone, so that no index has to have an opinion of its own: any other letter stands as its code point.
 */
export function* wordsOf(text: string): Generator<Word> {
  const nameOf = namesOnce()
  for (const [run] of text.matchAll(runs)) {
    if (plain.test(run)) {
      yield { written: run, names: [nameOf(run)] }
      continue
    }
    let from = 0
    for (const { 0: unspaced, index } of run.matchAll(ideographs)) {
      if (index > from) yield { written: run.slice(from, index), names: [nameOf(run.slice(from, index))] }
      yield* pairsOf([...unspaced], nameOf)
      from = index + unspaced.length
    }
    if (from < run.length) yield { written: run.slice(from), names: [nameOf(run.slice(from))] }
  }
}

/** The names under which a text is found, each once, at most so many. */
export function namesOf(text: string, most: number): string[] {
  const names = new Set<string>()
  for (const word of wordsOf(text)) {
    for (const name of word.names) if (name !== '') names.add(name)
    if (names.size >= most) break
  }
  return [...names].slice(0, most)
}

/** What has to be among a text's names for it to match a question: of what is written without spaces, the pairs suffice. */
export function askedNames(question: string, most: number): string[] {
  const names = new Set<string>()
  for (const word of wordsOf(question)) {
    const pairs = word.names.length > 1 ? word.names.filter((_, at) => at % 2 === 1) : word.names
    for (const name of pairs) if (name !== '') names.add(name)
  }
  return [...names].slice(0, most)
}

/** Of `abc`: a, ab, b, bc, c. */
function* pairsOf(characters: readonly string[], nameOf: (written: string) => string): Generator<Word> {
  for (let from = 0; from < characters.length; from += mostUnspaced) {
    const written = characters.slice(from, from + mostUnspaced)
    const names = written.flatMap((character, at) => {
      const next = characters[from + at + 1]
      return next === undefined ? [nameOf(character)] : [nameOf(character), nameOf(character + next)]
    })
    yield { written: written.join(''), names }
  }
}

/** Names what is written, each once: the same words come again and again. */
function namesOnce(): (written: string) => string {
  const named = new Map<string, string>()
  return (written) => {
    const known = named.get(written)
    if (known !== undefined) return known
    const name = nameOf(written)
    named.set(written, name)
    return name
  }
}

/** Without case and accents. */
export function foldText(text: string): string {
  if (plain.test(text)) return text.toLowerCase()
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
}

function nameOf(written: string): string {
  let name = ''
  let length = 0
  for (const character of foldText(written)) {
    if (length++ === longestWord) break
    const code = character.codePointAt(0)!
    const isPlain = (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39)
    name += isPlain ? character : `z${code.toString(16)}z`
  }
  return name
}
