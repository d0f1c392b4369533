import type { ServerName } from '../core/ids.ts'
import { type Finding, skipped } from './finding.ts'
import { lookAtName } from './look-at-name.ts'
import { lookAtPlace } from './look-at-place.ts'
import { lookAsClient } from './own-clients.ts'
import { lookAtDatabase } from './own-database.ts'
import { lookAtFiles } from './own-files.ts'
import { lookAtListeners } from './own-listeners.ts'
import { ownPlace } from './own-place.ts'
import { ownWay } from './own-way.ts'
import type { Patient } from './patient.ts'
import { lookAtPeer } from './peer.ts'

/** A part of the examination: what stands above its findings, and what finds them. */
export type Part = { readonly title: string; readonly look: () => Promise<readonly Finding[]> }

/** All that is looked at, in its order. */
export function partsOf(patient: Patient, peers: readonly ServerName[]): Part[] {
  const { serverName, config } = patient
  // Nobody else is told of an examination that was not asked for there.
  const others = peers.filter((peer) => peer !== serverName)
  const [trusted = 'matrix.org'] = config.federation.trusted_key_servers
  return [
    { title: 'This machine', look: async () => [...(await lookAtFiles(patient)), ...(await lookAtDatabase(patient))] },
    { title: 'The server from inside', look: () => lookAtListeners(patient) },
    { title: `${serverName} as other servers find it`, look: () => lookFromOutside(patient) },
    { title: `${serverName} as clients find it`, look: () => lookFromClients(patient) },
    ...others.map((peer) => ({ title: peer, look: () => lookAtPeer(patient, peer) })),
    ...(others.length > 0 ? [] : [{ title: 'Other servers', look: async () => [nobodyAsked(trusted)] }]),
  ]
}

function nobodyAsked(trusted: ServerName): Finding {
  return skipped(
    'clock and way back',
    `whether others reach this server, and whether its clock is right, only another one can tell: npm run doctor -- ${trusted}`,
  )
}

async function lookFromOutside(patient: Patient): Promise<Finding[]> {
  if (patient.serverName === 'localhost') return [skipped('way here', 'no other server finds localhost')]
  const name = await lookAtName(patient, patient.serverName, true)
  const places = await Promise.all(name.places.map(async (place) => ownPlace(patient, await lookAtPlace(patient, place, true))))
  return [...ownWay(patient, name), ...places.flat()]
}

async function lookFromClients(patient: Patient): Promise<Finding[]> {
  const hostname = /^(\[[^\]]*\]|[^:]*)/.exec(patient.serverName)?.[0] ?? ''
  const found = await lookAsClient(patient, hostname)
  return patient.serverName === 'localhost' ? found.filter(({ check }) => check !== 'well-known client') : found
}
