import type { ContactCard } from '../connector.ts'

/** A larger one is a file like others: it holds pictures. */
export const largestCard = 65_536
const mostCards = 20
const mostWays = 20
const longestField = 256

/** Whether a file says that it holds contact cards. */
export function isCardFile({ name, mime }: { readonly name: string; readonly mime?: string | undefined }): boolean {
  return /^text\/(?:x-)?vcard\b/i.test(mime ?? '') || /\.vcf$/i.test(name)
}

/** The cards of a vCard file; none where it is malformed. https://www.rfc-editor.org/rfc/rfc6350 */
export function readCards(bytes: Uint8Array): readonly ContactCard[] {
  const text = new TextDecoder().decode(bytes).replace(/\r?\n[ \t]/g, '')
  const cards = [...text.matchAll(/^BEGIN:VCARD\s*$([\s\S]*?)^END:VCARD\s*$/gim)]
  return cards.slice(0, mostCards).flatMap(([, body = '']) => readCard(body.split(/\r?\n/)))
}

function readCard(lines: readonly string[]): ContactCard[] {
  const fields = lines.flatMap((line) => {
    const [, name = '', value = ''] = /^(?:[\w-]+\.)?([A-Za-z]+)(?:;[^:]*)?:(.*)$/.exec(line) ?? []
    const plain = plainValue(value).trim().slice(0, longestField).toWellFormed()
    return name === '' || plain === '' ? [] : [{ name: name.toUpperCase(), value: plain }]
  })
  const all = (name: string) => fields.filter((field) => field.name === name).map(({ value }) => value)
  const phones = all('TEL')
    .slice(0, mostWays)
    .map((number) => ({ number: number.replace(/^tel:/i, '') }))
  const emails = all('EMAIL')
    .slice(0, mostWays)
    .map((address) => ({ address }))
  const parts = (all('N')[0] ?? '').split(';')
  const name = all('FN')[0] ?? [parts[1], parts[0]].filter((part) => part).join(' ')
  if (name === '' && phones.length === 0 && emails.length === 0) return []
  const [organisation] = (all('ORG')[0] ?? '').split(';')
  return [{ name: name || phones[0]?.number || emails[0]?.address || '', phones, emails, ...(organisation ? { organisation } : {}) }]
}

function plainValue(value: string): string {
  return value.replace(/\\([nN,;\\])/g, (_, sign: string) => (sign.toLowerCase() === 'n' ? ' ' : sign))
}

/** A card in words. `hidden` keeps its numbers and addresses back. */
export function cardText({ name, organisation, phones, emails }: ContactCard, hidden: boolean): string {
  const title = `👤 ${name}${organisation ? ` (${organisation})` : ''}`
  const ways = [...phones.map(({ number }) => number), ...emails.map(({ address }) => address)]
  if (!hidden) return [title, ...ways].join('\n')
  return ways.length > 0 ? `${title}\nNumbers and addresses are not shown in a shared room: ask for them.` : title
}
