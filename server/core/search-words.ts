const longestWord = 60
const runs = /[\p{L}\p{N}\p{M}]+/gu
const ideographs =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu

/** A word of a text as it is written there, and the names under which it can be found. */
export type Word = { readonly written: string; readonly names: readonly string[] }

/**
 * The words of a text. Case and accents do not count; scripts that put no spaces between words are taken in single characters and in pairs. Names
 * are of a–z and 0–9 alone, so that no index has to have an opinion of its own: any other letter stands as its code point.
 */
export function* wordsOf(text: string): Generator<Word> {
  for (const [run] of text.matchAll(runs)) {
    let from = 0
    for (const { 0: unspaced, index } of run.matchAll(ideographs)) {
      if (index > from) yield wordOf(run.slice(from, index))
      yield { written: unspaced, names: pairsOf(unspaced) }
      from = index + unspaced.length
    }
    if (from < run.length) yield wordOf(run.slice(from))
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

function wordOf(written: string): Word {
  return { written, names: [nameOf(written)] }
}

/** Of `abc`: a, ab, b, bc, c. */
function pairsOf(written: string): string[] {
  const characters = [...written]
  return characters.flatMap((character, at) => {
    const next = characters[at + 1]
    return next === undefined ? [nameOf(character)] : [nameOf(character), nameOf(character + next)]
  })
}

/** Without case and accents. */
export function foldText(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
}

function nameOf(written: string): string {
  const folded = [...foldText(written)].slice(0, longestWord)
  return folded.map((character) => (/^[a-z0-9]$/.test(character) ? character : `z${character.codePointAt(0)!.toString(16)}z`)).join('')
}
