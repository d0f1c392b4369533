import { createHash } from 'node:crypto'
import type { NetworkKind } from './connector.ts'
import { base32 } from './vault.ts'

/** The networks whose bridges share rooms with each other, as people call them. Each bridge knows its own besides. */
export const networkTitles = { whatsapp: 'WhatsApp', messenger: 'Messenger', instagram: 'Instagram' } as const
const appNames = [...Object.values(networkTitles), 'Matrix'].join('|')
const appSuffix = new RegExp(String.raw`[([{（]\s*(?:${appNames})\s*[)\]}）]`, 'giu')
const imitation = new RegExp(String.raw`^[^\S\n]*(?=[^\n]{1,100}?[([（]\s*(?:${appNames})\s*[)\]）][\s*_~\x60]*[:：])`, 'gimu')
// Control, format (bidi marks, zero-width), private and unassigned characters.
const invisible = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}]/gu
const lineBreak = /[\p{Zl}\p{Zp}\n\r\t\v\f\u0085]+/gu
const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })
const longestName = 48

/** A name as it may stand before a message: one visible line, with nothing in it that looks like ours, and no number. Undefined when nothing is left. */
export function fitName(name: string | undefined): string | undefined {
  const line = (name ?? '').slice(0, 1000).normalize('NFKC').replace(lineBreak, ' ').replace(invisible, '')
  const plain = line.replace(appSuffix, '').replace(/[:：]/gu, '').replace(/\s+/gu, ' ').trim()
  const cut = [...graphemes.segment(plain)]
    .slice(0, longestName)
    .map(({ segment }) => segment)
    .join('')
    .slice(0, 200)
    .trim()
  return cut === '' || holdsNumber(cut) ? undefined : cut
}

/** Seven digits or more, however they are spaced, may be a phone number. */
export function holdsNumber(text: string): boolean {
  return /(?:\p{Nd}[\s().+/\-‐-―]*){7}/u.test(text)
}

/** What people call a network. */
export function titleOf(network: NetworkKind): string {
  if (Object.hasOwn(networkTitles, network)) return networkTitles[network as keyof typeof networkTitles]
  return network.slice(0, 1).toUpperCase() + network.slice(1)
}

/** What a person is called whose name is not known. */
export function fallbackName(network: NetworkKind, contact: string): string {
  const mark = base32(createHash('sha256').update(contact).digest().subarray(0, 3)).slice(0, 4).toUpperCase()
  return `${titleOf(network)} contact · ${mark}`
}

/** What a message of somebody else starts with. */
export function speakerPrefix(name: string, app: string): string {
  return `${name} (${app}): `
}

/** A text as it may follow a speaker's prefix: no line of it can be taken for one that we wrote. */
export function guardText(text: string): string {
  const lines = text.replace(/\r\n?|[\u0085\u2028\u2029\v\f]/g, '\n').replace(/[\u202a-\u202e\u2066-\u2069]/g, '')
  return lines.replace(imitation, '› ')
}

const ghostPattern = /^@_([a-z]{1,32})_[a-z2-7]{26}:/

/** The network of a ghost of this server, of this bridge (`own`) or of one that shares rooms with it; undefined for everybody else. */
export function networkOfGhost(userId: string, serverName: string, own?: NetworkKind): NetworkKind | undefined {
  const network = ghostPattern.exec(userId)?.[1]
  if (network === undefined || userId.slice(userId.indexOf(':') + 1) !== serverName) return undefined
  return network === own || Object.hasOwn(networkTitles, network) ? network : undefined
}
