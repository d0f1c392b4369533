/** Versions of the specification: clients compare these words, so all of them are said. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientversions */
export const versions: readonly string[] = [
  ...['r0.0.1', 'r0.1.0', 'r0.2.0', 'r0.3.0', 'r0.4.0', 'r0.5.0', 'r0.6.0', 'r0.6.1'],
  ...Array.from({ length: 19 }, (_, minor) => `v1.${minor + 1}`),
]

const unstable = '/_matrix/client/unstable'

/** What clients look for beyond the versions, and the path without which it would be a lie. */
const flags: Readonly<Record<string, string>> = {
  'fi.mau.msc2246.stable': '/_matrix/media/v1/create',
  'fi.mau.msc2659.stable': '/_matrix/client/v1/appservice/{appserviceId}/ping',
  'net.zemos.msc4383': '/_matrix/client/versions',
  'org.matrix.e2e_cross_signing': '/_matrix/client/v3/keys/device_signing/upload',
  'org.matrix.msc2285.stable': '/_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}',
  'org.matrix.msc3030': '/_matrix/client/v1/rooms/{roomId}/timestamp_to_event',
  'org.matrix.msc3814': `${unstable}/org.matrix.msc3814.v1/dehydrated_device`,
  'org.matrix.msc3827.stable': '/_matrix/client/v3/publicRooms',
  'org.matrix.msc3881': '/_matrix/client/v3/pushers/set',
  'org.matrix.msc3916.stable': '/_matrix/client/v1/media/download/{serverName}/{mediaId}',
  'org.matrix.msc4140': `${unstable}/org.matrix.msc4140/delayed_events`,
  'org.matrix.msc4143': `${unstable}/org.matrix.msc4143/rtc/transports`,
  'org.matrix.msc4155': '/_matrix/client/v3/rooms/{roomId}/invite',
  'org.matrix.msc4306': `${unstable}/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription`,
  'org.matrix.msc4380.stable': '/_matrix/client/v3/rooms/{roomId}/invite',
  'org.matrix.simplified_msc3575': `${unstable}/org.matrix.simplified_msc3575/sync`,
  'uk.half-shot.msc2666.query_mutual_rooms': `${unstable}/uk.half-shot.msc2666/user/mutual_rooms`,
  'uk.half-shot.msc2666.query_mutual_rooms.stable': '/_matrix/client/v1/mutual_rooms',
  'uk.tcpip.msc4133': `${unstable}/uk.tcpip.msc4133/profile/{userId}/{keyName}`,
  'uk.tcpip.msc4133.stable': '/_matrix/client/v3/profile/{userId}/{keyName}',
}
/** Whether rooms of these kinds are encrypted whatever their makers say: no. */
const never = ['io.element.e2ee_forced.public', 'io.element.e2ee_forced.private', 'io.element.e2ee_forced.trusted_private']

/** The flags for a server with these paths: none without its path. */
export function unstableFeatures(paths: Iterable<string>): Record<string, boolean> {
  const mounted = new Set(Array.from(paths, shapeOf))
  const present = Object.entries(flags).filter(([, path]) => mounted.has(shapeOf(path)))
  return Object.fromEntries([
    ...present.map(([flag]): [string, boolean] => [flag, true]),
    ...never.map((flag): [string, boolean] => [flag, false]),
  ])
}

/** Parameters may be named as one likes. */
function shapeOf(path: string): string {
  return path.replace(/\{[^}]*\}/g, '{}')
}
