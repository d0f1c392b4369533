import type { Ajv2020 } from 'ajv/dist/2020.js'
import ajvFormats from 'ajv-formats'

/** The formats of strings that the specification names, as far as an answer can be held to them (its `string-formats.yaml`). */
const matrixFormats: Readonly<Record<string, RegExp>> = {
  'mx-user-id': /^@/,
  'mx-event-id': /^\$/,
  'mx-room-id': /^!/,
  'mx-room-alias': /^#/,
  'mx-mxc-uri': /^mxc:\/\//,
  'mx-server-name': /^[^/@#!$\s]+$/,
  'mx-unpadded-base64': /^[A-Za-z0-9+/]*$/,
  'mx-urlsafe-unpadded-base64': /^[A-Za-z0-9_-]*$/,
}

export function addFormats(ajv: Ajv2020): Ajv2020 {
  ajvFormats.default(ajv)
  for (const [name, pattern] of Object.entries(matrixFormats)) ajv.addFormat(name, pattern)
  return ajv
}
