import { join } from 'node:path'
import type { ServerName } from '../../../server/core/ids.ts'
import type { Place } from '../../support/apart/sites.ts'
import { readStored } from '../../support/apart/stored.ts'
import { register } from '../../support/cluster.ts'
import type { Homeserver } from '../homeservers.ts'

// What it heard beside the room (invitations that were signed and never sent, what was fetched to judge others by) is an outlier.
const events = `SELECT e.event_id, e.type, e.state_key, e.sender, e.depth, e.outlier, e.rejection_reason IS NOT NULL AS rejected,
    COALESCE(json_extract(j.internal_metadata, '$.soft_failed'), 0) AS soft_failed
  FROM events e JOIN event_json j ON j.event_id = e.event_id WHERE e.room_id = ? AND (e.outlier = 0 OR e.rejection_reason IS NOT NULL)`
const extremities = 'SELECT COUNT(*) AS count FROM event_forward_extremities WHERE room_id = ?'

/** A running Synapse as a place of a story. */
export function synapsePlace({ serverName, url, folder }: Homeserver): Place {
  return {
    serverName: serverName as ServerName,
    register: (name) => register([{ url: () => url }], name),
    stored: (roomId) => readStored(join(folder, 'synapse.db'), roomId, { events, extremities }),
    federationUrl: () => url,
  }
}
