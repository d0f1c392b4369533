export type Word = 'yes' | 'stop' | 'start' | 'name' | 'report'

/** What people write, language by language: each list whole words or phrases, as `fold` leaves them. */
const table: Readonly<Record<string, Readonly<Record<Word, readonly string[]>>>> = {
  en: {
    yes: ['yes', 'accept', 'join'],
    stop: ['stop', 'leave', 'unsubscribe', 'quit'],
    start: ['start'],
    name: ['name'],
    report: ['report'],
  },
  de: { yes: ['ja', 'annehmen'], stop: ['stopp', 'halt', 'verlassen', 'abmelden'], start: [], name: ['name'], report: ['melden'] },
  es: {
    yes: ['si', 'acepto', 'aceptar'],
    stop: ['alto', 'parar', 'baja', 'salir'],
    start: ['empezar'],
    name: ['nombre'],
    report: ['denunciar', 'reportar'],
  },
  pt: {
    yes: ['sim', 'aceito', 'aceitar'],
    stop: ['parar', 'pare', 'sair', 'cancelar'],
    start: ['comecar'],
    name: ['nome'],
    report: ['denunciar'],
  },
  fr: { yes: ['oui', 'accepter'], stop: ['arret', 'arreter', 'quitter'], start: ['commencer'], name: ['nom'], report: ['signaler'] },
  it: { yes: ['si', 'accetto'], stop: ['ferma', 'basta', 'esci'], start: ['inizia'], name: ['nome'], report: ['segnala'] },
  nl: { yes: ['ja', 'akkoord'], stop: ['stoppen', 'verlaten'], start: ['beginnen'], name: ['naam'], report: ['melden'] },
  tr: { yes: ['evet', 'kabul'], stop: ['dur', 'ayril'], start: ['basla'], name: ['isim'], report: ['bildir'] },
  id: { yes: ['ya', 'setuju'], stop: ['berhenti', 'keluar'], start: ['mulai'], name: ['nama'], report: ['laporkan'] },
}

export const locales: readonly string[] = Object.keys(table)

/** The words of one kind in one language; of all languages without one. */
export function wordsOf(word: Word, locale?: string): readonly string[] {
  return locale === undefined ? Object.values(table).flatMap((row) => row[word]) : (table[locale]?.[word] ?? [])
}

const longest = 200

/**
 * The word for the bridge that a message is, in any language; a name comes with what was chosen. Undefined for everything else: a word counts only
 * when it is the whole message.
 */
export function readWord(text: string): { word: Word; name: string } | undefined {
  if (text.length > longest) return undefined
  const [first = '', ...rest] = text.trim().split(/\s+/u)
  const name = rest.join(' ')
  if (name !== '' && wordsOf('name').includes(plain(first))) return { word: 'name', name }
  const whole = plain(text)
  const word = (['stop', 'yes', 'start', 'report'] as const).find((kind) => wordsOf(kind).includes(whole))
  return word && { word, name: '' }
}

/** Without case, accents, dots of the Turkish kind, punctuation and emoji around. */
function plain(text: string): string {
  const letters = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ı', 'i')
  return letters.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '').replace(/\s+/gu, ' ')
}

/** What people of a network are told about a shared room. */
export const told = {
  asked: (hub: string) =>
    [
      `You are asked into a shared conversation “${hub}” with people on other apps. They would read what you write there, under the name you choose; your number stays hidden.`,
      'Reply YES to join or STOP to stay out. NAME and a name changes what you are called, REPORT reports this. Nothing is passed on before you say YES.',
    ].join('\n'),
  joined: (hub: string, name: string) =>
    `You are in the shared conversation “${hub}”, as ${name}. STOP leaves it at any time, NAME and a name changes what you are called, REPORT reports it.`,
  stopped: (hub: string) =>
    `You are not in “${hub}”: nothing of yours goes there, and nothing from there comes to you. START brings you back.`,
  removed: (hub: string) => `The shared conversation “${hub}” has ended for you: nothing of yours goes there any more.`,
  named: (hub: string, name: string) => `In “${hub}” you are called ${name} now.`,
  badName: 'That name cannot be used: it must have letters, no numbers like a phone’s, and fit on one line. Try NAME and another one.',
  reported: (hub: string) => `Thank you. Those who run “${hub}” are told. STOP leaves it at once.`,
} as const
