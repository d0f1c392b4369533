import { createSocket } from 'node:dgram'

/** What a resolver knows: addresses by name, SRV records by name. Of all else it says that there is nothing. */
export type Zone = {
  readonly addresses: Map<string, readonly string[]>
  readonly services: Map<string, readonly { readonly port: number; readonly name: string }[]>
}
export type Resolver = { readonly address: string; readonly zone: Zone; readonly close: () => Promise<void> }

const types = { a: 1, aaaa: 28, srv: 33 }

/** A resolver of the DNS on this machine. */
export async function startResolver(): Promise<Resolver> {
  const zone: Zone = { addresses: new Map(), services: new Map() }
  const socket = createSocket('udp4')
  socket.on('message', (message, from) => socket.send(answer(zone, message), from.port, from.address))
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return { address: `127.0.0.1:${socket.address().port}`, zone, close: () => new Promise((resolve) => socket.close(() => resolve())) }
}

/** https://www.rfc-editor.org/rfc/rfc1035#section-4 */
function answer(zone: Zone, message: Buffer): Buffer {
  const { name, end } = readName(message, 12)
  const type = message.readUInt16BE(end)
  const records = recordsOf(zone, name.toLowerCase(), type)
  const isKnown = zone.addresses.has(name.toLowerCase()) || records.length > 0
  const header = Buffer.alloc(12)
  message.copy(header, 0, 0, 2)
  header.writeUInt16BE(0x8180 | (isKnown ? 0 : 3), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(records.length, 6)
  return Buffer.concat([header, message.subarray(12, end + 4), ...records.map((data) => recordOf(type, data))])
}

function recordsOf({ addresses, services }: Zone, name: string, type: number): Buffer[] {
  if (type === types.a) return (addresses.get(name) ?? []).map((address) => Buffer.from(address.split('.').map(Number)))
  if (type !== types.srv) return []
  return (services.get(name) ?? []).map(({ port, name: target }) => {
    const head = Buffer.alloc(6)
    head.writeUInt16BE(10, 0)
    head.writeUInt16BE(5, 2)
    head.writeUInt16BE(port, 4)
    return Buffer.concat([head, writeName(target)])
  })
}

function recordOf(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12)
  // The name is the one that was asked for.
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(60, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

function readName(message: Buffer, from: number): { name: string; end: number } {
  const labels: string[] = []
  let at = from
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.subarray(at + 1, at + 1 + length).toString())
    at += 1 + length
  }
  return { name: labels.join('.'), end: at + 1 }
}

function writeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]))
  return Buffer.concat([...labels, Buffer.from([0])])
}
