import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { isLocalpart, isUserId, type ServerName, type UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { compileNamespaces } from '../core/namespaces.ts'
import type { AppService } from '../http/endpoint.ts'

/** Reads the registration files of application services. Throws, in words for the operator, for what cannot be used. */
export function readRegistrations(files: readonly string[], serverName: ServerName): AppService[] {
  const services = files.map((file) => {
    try {
      return readRegistration(parse(readFileSync(file, 'utf8')), serverName)
    } catch (error) {
      throw new Error(`the registration ${file} cannot be used: ${error instanceof Error ? error.message : String(error)}`)
    }
  })
  const clash = findClash(services)
  if (clash) throw new Error(`two application services have the same ${clash}`)
  return services
}

/** Reads one registration. https://spec.matrix.org/v1.19/application-service-api/#registration */
export function readRegistration(value: unknown, serverName: ServerName): AppService {
  if (!isJsonObject(value)) throw new Error('write keys and values')
  const localpart = text(value, 'sender_localpart')
  const sender: UserId = `@${localpart}:${serverName}`
  if (!isLocalpart(localpart) || !isUserId(sender)) throw new Error('sender_localpart is not the part of a user id before the colon')
  const asToken = text(value, 'as_token')
  const hsToken = text(value, 'hs_token')
  if (asToken === hsToken) throw new Error('as_token and hs_token are the same')
  return {
    id: text(value, 'id'),
    url: readUrl(value['url']),
    asToken,
    hsToken,
    sender,
    namespaces: compileNamespaces(value['namespaces']),
    rateLimited: flag(value, 'rate_limited') ?? true,
    receiveEphemeral: flag(value, 'receive_ephemeral') ?? flag(value, 'de.sorunome.msc2409.push_ephemeral') ?? false,
    receiveDevices: flag(value, 'org.matrix.msc3202') ?? false,
    protocols: readProtocols(value['protocols']),
  }
}

function findClash(services: readonly AppService[]): string | undefined {
  const isTwice = (values: readonly string[]) => new Set(values).size < values.length
  if (isTwice(services.map(({ id }) => id))) return 'id'
  if (isTwice(services.map(({ asToken }) => asToken))) return 'as_token'
  return isTwice(services.map(({ sender }) => sender)) ? 'sender_localpart' : undefined
}

function text(of: JsonObject, name: string): string {
  const value = of[name]
  if (typeof value !== 'string' || value === '') throw new Error(`${name} is missing or is no text`)
  return value
}

function flag(of: JsonObject, name: string): boolean | undefined {
  const value = of[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'boolean') throw new Error(`${name} is neither true nor false`)
  return value
}

function readUrl(value: unknown): string | null {
  if (value === null || value === '' || value === undefined) return null
  if (typeof value !== 'string' || !URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    throw new Error('url is neither null nor an http address')
  }
  return value.replace(/\/+$/, '')
}

function readProtocols(value: unknown): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) throw new Error('protocols is not a list of names')
  return value
}
