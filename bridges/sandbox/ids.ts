import { randomBytes } from 'node:crypto'

/** A message id of WhatsApp: base64 of a small record that, as the real one, holds the other side's phone number (or user id). */
export function createWamid(peer: string, inbound: boolean): string {
  const peerBytes = Buffer.from(peer, 'latin1')
  const direction = inbound ? [0x12, 0x18, 0x14] : [0x11, 0x18, 0x12]
  const tail = Buffer.from(randomBytes(9).toString('hex').toUpperCase(), 'latin1')
  const record = Buffer.concat([
    Buffer.from([0x1c, 0x18, peerBytes.length]),
    peerBytes,
    Buffer.from([0x15, 0x02, 0x00, ...direction]),
    tail,
    Buffer.from([0]),
  ])
  return `wamid.${record.toString('base64')}`
}

/** A message id of Messenger or Instagram. */
export function createMid(): string {
  return `m_${randomBytes(48).toString('base64url')}`
}

/** Meta's id of one request, quoted in errors. */
export function createTraceId(): string {
  return `A${randomBytes(17).toString('base64url').slice(0, 22)}`
}

export function createNumericId(): string {
  return `9${randomBytes(6).readUIntBE(0, 6).toString().padStart(15, '0')}`
}
