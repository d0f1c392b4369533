import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { networks } from '../config/bridge-schema.ts'
import { connectors } from './connectors.ts'
import { type Capabilities, capabilitiesOf, type OutgoingKind, outgoingKinds, type Way } from './kit/capabilities.ts'
import { type FileLimit, type MediaKind, mediaKinds, type Rate, type ToldKind, toldKinds } from './kit/connector.ts'

const begin = '<!-- Made from the connectors: npm run capabilities -->'
const end = '<!-- until here -->'
const ways: Readonly<Record<Way, string>> = { native: '✔', words: 'in words', none: '–' }
const outgoing: Readonly<Record<OutgoingKind, string>> = {
  ...{ reaction: 'reaction', correction: 'correction', withdrawal: 'withdrawal', place: 'place', contacts: 'contact card (vCard)' },
  ...{ formatting: 'bold, italic, struck, code', read: 'read', typing: 'typing' },
  template: 'template, at any time',
}
const told: Readonly<Record<ToldKind, string>> = {
  ...{ message: 'text', reply: 'what it answers', forwarded: 'that it was forwarded' },
  ...{ image: 'picture', video: 'video', audio: 'sound', voice: 'voice message', file: 'file', sticker: 'sticker' },
  ...{ location: 'place', contacts: 'contact cards', share: 'link to something of the network', unsupported: 'what cannot be carried' },
  ...{ reaction: 'reaction', edit: 'correction', deleted: 'withdrawal', identity: 'new ids of a person' },
  ...{ delivered: 'ours: delivered', read: 'ours: read', failed: 'ours: failed later' },
  outcome: 'ours: what became of it when the answer was lost',
}

/** What the bridges' README says of what each connector can do, made from what it has. */
export async function capabilityTable(): Promise<string> {
  const settings = { baseUrl: 'https://graph.facebook.com', version: 'v25.0', appSecret: '', verifyToken: '' }
  const all = networks.map((network) => connectors[network](settings))
  const caps = await Promise.all(all.map(capabilitiesOf))
  const head = (title: string) => [
    row(
      title,
      all.map(({ info }) => info.title),
    ),
    row(
      '---',
      all.map(() => '---'),
    ),
  ]
  const line = (title: string, cell: (of: Capabilities) => string) => row(title, caps.map(cell))
  return [
    ...head('from Matrix'),
    line('text, a message', ({ text }) => `${text.limit} ${text.unit}`),
    ...outgoingKinds.map((kind) => line(outgoing[kind], ({ out }) => ways[out[kind]])),
    ...mediaKinds.map((kind) => line(told[kind], ({ files }) => fileCell(kind, files[kind], files))),
    line('messages to one person', ({ rates }) => rateCell(rates.chat)),
    line('messages from one account', ({ rates }) => rateCell(rates.account)),
    line('files from one account', ({ rates }) => rateCell(rates.files)),
    line('answers are taken for', ({ windowMs }) => (windowMs === undefined ? 'ever' : `${windowMs / 3_600_000} hours`)),
    line('of humans, where Meta grants it', ({ agentWindowMs }) =>
      agentWindowMs === undefined ? '–' : `${agentWindowMs / 86_400_000} days`,
    ),
    '',
    ...head('from the network'),
    ...toldKinds.map((kind) => line(told[kind], ({ tells }) => (tells.has(kind) ? '✔' : '–'))),
  ].join('\n')
}

function row(title: string, cells: readonly string[]): string {
  return `| ${[title, ...cells].join(' | ')} |`
}

function rateCell(rate: Rate | undefined): string {
  if (!rate) return ways.none
  const { burst, everyMs } = rate
  if (everyMs < 1000) return `${Math.round(1000 / everyMs)} a second`
  return `${burst === 1 ? '' : `${burst} at once, then `}one in ${everyMs / 1000} seconds`
}

function fileCell(kind: MediaKind, limit: FileLimit | undefined, files: Capabilities['files']): string {
  if (!limit) return Object.keys(files).length > 0 ? 'as another kind' : ways.none
  const { maxBytes, mimes, caption } = limit
  const size = maxBytes < 1_048_576 ? `${maxBytes / 1024} KB` : `${maxBytes / 1_048_576} MB`
  const types = mimes?.map((mime) => mime.replace(/^[a-z]+\/(?:x-)?/, '')) ?? [kind === 'file' ? 'any type' : 'every type']
  return [size, [...new Set(types)].join(' '), ...(caption === undefined ? [] : [`caption ${caption}`])].join(' · ')
}

/** A README with the table of now in the place of the one in it. Throws where it has no place for one. */
export function withTable(readme: string, table: string): string {
  const [before, rest] = readme.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error('the README has no place for the table')
  return `${before}${begin}\n\n${table}\n\n${end}${after}`
}

/** The file with the table. */
export const readmeFile = join(import.meta.dirname, 'README.md')

if (import.meta.main) writeFileSync(readmeFile, withTable(readFileSync(readmeFile, 'utf8'), await capabilityTable()))
