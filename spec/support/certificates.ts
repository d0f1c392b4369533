import { createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

type Files = { readonly certificate: string; readonly key: string }

/** When a certificate begins and ends: `YYMMDDHHMMSSZ`. */
type Validity = { readonly from?: string; readonly until?: string }

/** A certificate for `localhost` (or other names) and 127.0.0.1 that vouches for itself, with its key, as PEM files in a folder. */
export function writeCertificate(folder: string, name: string | readonly string[] = 'localhost', validity: Validity = {}): Files {
  const all = [name].flat()
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const subject = sequence(set(sequence(oid(2, 5, 4, 3), tlv(0x0c, Buffer.from(`${all[0]} of a spec`)))))
  const algorithm = sequence(oid(1, 2, 840, 10045, 4, 3, 2))
  const names = sequence(...all.map((one) => tlv(0x82, Buffer.from(one))), tlv(0x87, Buffer.from([127, 0, 0, 1])))
  const extensions = sequence(
    sequence(oid(2, 5, 29, 19), tlv(0x01, Buffer.from([0xff])), tlv(0x04, sequence(tlv(0x01, Buffer.from([0xff]))))),
    sequence(oid(2, 5, 29, 17), tlv(0x04, names)),
  )
  const { from = '200101000000Z', until = '491231235959Z' } = validity
  const between = sequence(tlv(0x17, Buffer.from(from)), tlv(0x17, Buffer.from(until)))
  const serial = tlv(0x02, Buffer.concat([Buffer.from([0x40]), randomBytes(8)]))
  const version = tlv(0xa0, tlv(0x02, Buffer.from([2])))
  const body = sequence(version, serial, algorithm, subject, between, subject, publicKey, tlv(0xa3, extensions))
  const signature = tlv(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)]))
  const files = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') }
  writeFileSync(files.certificate, pem(sequence(body, algorithm, signature)))
  writeFileSync(files.key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  return files
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function tlv(tag: number, ...content: Buffer[]): Buffer {
  const value = Buffer.concat(content)
  const bytes = value.length < 0x100 ? [0x81, value.length] : [0x82, value.length >> 8, value.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...(value.length < 0x80 ? [value.length] : bytes)]), value])
}

function sequence(...content: Buffer[]): Buffer {
  return tlv(0x30, ...content)
}

function set(...content: Buffer[]): Buffer {
  return tlv(0x31, ...content)
}

function oid(first: number, second: number, ...others: number[]): Buffer {
  const bytes = [first * 40 + second]
  for (const number of others) {
    const digits = [number & 0x7f]
    for (let rest = number >> 7; rest > 0; rest >>= 7) digits.unshift((rest & 0x7f) | 0x80)
    bytes.push(...digits)
  }
  return tlv(0x06, Buffer.from(bytes))
}
