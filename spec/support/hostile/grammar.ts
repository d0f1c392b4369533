/**
 * The grammar of Matrix's identifiers, read from the specification once more, a character at a time, so that it can be compared with the server's.
 * https://spec.matrix.org/v1.19/appendices/#identifier-grammar
 */

const isDigit = (one: string) => one >= '0' && one <= '9'
const isLetter = (one: string) => (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z')
const isHex = (one: string) => isDigit(one) || (one >= 'a' && one <= 'f') || (one >= 'A' && one <= 'F')
const all = (text: string, is: (one: string) => boolean) => [...text].every((one) => one.length === 1 && is(one))
const within = (text: string, least: number, most: number) => text.length >= least && text.length <= most
const bytes = (text: string) => new TextEncoder().encode(text).length

/** "non-surrogate Unicode code points", and no NUL. */
function isText(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === 0) return false
    if (unit < 0xd800 || unit > 0xdfff) continue
    const next = text.charCodeAt(at + 1)
    if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return false
    at++
  }
  return true
}

/** `server_name = hostname [ ":" port ]`; an address of version 6 has two colons at least. */
export function isServer(text: string): boolean {
  if (text.length > 255) return false
  const end = text.startsWith('[') ? text.indexOf(']') + 1 : text.includes(':') ? text.indexOf(':') : text.length
  const [host, rest] = [text.slice(0, end), text.slice(end)]
  if (rest !== '' && (!rest.startsWith(':') || !within(rest, 2, 6) || !all(rest.slice(1), isDigit))) return false
  if (!host.startsWith('[')) return within(host, 1, 255) && all(host, (one) => isDigit(one) || isLetter(one) || one === '-' || one === '.')
  const address = host.slice(1, -1)
  const isAddress = host.endsWith(']') && within(address, 2, 45) && all(address, (one) => isHex(one) || one === ':' || one === '.')
  return isAddress && address.split(':').length > 2
}

function isNamed(text: string, sigil: string): boolean {
  const colon = text.indexOf(':')
  return text.startsWith(sigil) && bytes(text) <= 255 && isText(text) && colon > 0 && isServer(text.slice(colon + 1))
}

/** Historical ones too: a localpart is anything without a colon. */
export const isUser = (text: string) => isNamed(text, '@')
export const isAlias = (text: string) => isNamed(text, '#')
/** "lower-case letters, digits, and ._=-/+". */
export const isNewLocalpart = (text: string) =>
  within(text, 1, 254) && all(text, (one) => isDigit(one) || (one >= 'a' && one <= 'z') || '._=-/+'.includes(one))
const isOpaque = (text: string, sigil: string) => text.startsWith(sigil) && text.length > 1 && bytes(text) <= 255 && isText(text)
export const isRoom = (text: string) => isOpaque(text, '!')
export const isEvent = (text: string) => isOpaque(text, '$')

/** `mxc://server/media`, or undefined. */
export function mediaOf(text: string): { serverName: string; mediaId: string } | undefined {
  if (!text.startsWith('mxc://')) return undefined
  const [serverName = '', mediaId = '', ...more] = text.slice(6).split('/')
  const isMedia = within(mediaId, 1, 255) && all(mediaId, (one) => isDigit(one) || isLetter(one) || one === '-' || one === '_')
  return more.length === 0 && isServer(serverName) && isMedia ? { serverName, mediaId } : undefined
}

const pieces = [
  'a',
  'alice',
  'Alice',
  'ALICE',
  '0',
  '.',
  '..',
  '-',
  '_',
  '=',
  '+',
  '/',
  '//',
  '\\',
  '%',
  '%2F',
  '%00',
  '%3A',
  ' ',
  '\t',
  '\n',
  '\r\n',
  '\u0000',
  ':',
  '::',
  ':8448',
  ':0',
  ':99999',
  ':123456',
  ':+1',
  ':-1',
  ':8 ',
  '@',
  '#',
  '!',
  '$',
  '[',
  ']',
  '[::1]',
  '[::1]:8448',
  '[::ffff:1.2.3.4]',
  '[fe80::1%25eth0]',
  '[fe80::1%eth0]',
  '[::1',
  '::1',
  '[]',
  '[:]',
  '[a]',
  '127.0.0.1',
  '1.2.3.4:1',
  '0x7f.1',
  'hs.test',
  'HS.test',
  'example.org',
  'xn--bse-sna.example',
  'bäse.example',
  'a..b',
  '.a',
  'a.',
  '*',
  '?',
  '&',
  '"',
  "'",
  '<',
  '\u00e9',
  '\u{1f98a}',
  '\ud800',
  '\udfff',
  '\ufeff',
  '\u202e',
  '\u0301',
  'x'.repeat(240),
  '\u00e9'.repeat(120),
  'mxc://',
  'https://',
  'localpart',
  '😀:x',
  '\uffff',
  '\u007f',
  '\u0080',
]
const shapes = ['@p:s', '#p:s', '!p:s', '!p', '$p', '$p:s', 's', 'p', 'mxc://s/p', 'mxc://s/p', '@p', 'ps', '@p:s:p', 'sp']

/** A text that is nearly an identifier, or is one. */
export function nearlyAnId(random: () => number): string {
  const any = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T
  const some = () => Array.from({ length: Math.floor(random() * 3) + (random() < 0.9 ? 1 : 0) }, () => any(pieces)).join('')
  const server = () => (random() < 0.5 ? any(['hs.test', 'example.org', 'a.b:8448', '[::1]', '[2001:db8::1]:443', '1.2.3.4']) : some())
  const part = () => (random() < 0.4 ? any(['alice', 'Alice', 'a.b', '0', 'abcDEF_-123']) : some())
  return [...any(shapes.map((shape) => shape.replace(/^mxc:\/\//, 'M')))]
    .map((one) => (one === 'p' ? part() : one === 's' ? server() : one === 'M' ? 'mxc://' : one))
    .join('')
}
