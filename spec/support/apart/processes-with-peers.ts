import { writeCertificate } from '../certificates.ts'
import { type Cluster, startCluster } from '../cluster.ts'
import { type Peer, startPeer } from '../peer.ts'
import { removeFolder, temporaryFolder } from '../processes.ts'
import type { Engine, TestServer } from '../server.ts'

/** Real processes of `hs.test`, and peers that they reach. */
export type AmongProcesses = {
  readonly cluster: Cluster
  readonly peers: readonly Peer[]
  /** As a peer sees one of the processes, as it runs now. */
  readonly asServer: (member?: number) => TestServer
  readonly close: () => Promise<void>
}

/** Undefined for PostgreSQL where there is none. */
export async function startProcessesWithPeers(
  peerCount: number,
  { engine, size = 1 }: { readonly engine: Engine; readonly size?: number },
): Promise<AmongProcesses | undefined> {
  const folder = temporaryFolder('tombolo-processes-with-peers')
  const files = writeCertificate(folder)
  const cluster = await startCluster(engine, size, { federation: { ca_file: files.certificate, allow_private_addresses: true } })
  if (cluster === undefined) {
    removeFolder(folder)
    return undefined
  }
  const peers = await Promise.all(Array.from({ length: peerCount }, () => startPeer(files)))
  return {
    cluster,
    peers,
    asServer: (member = 0) =>
      ({ url: cluster.members[member % size]?.url() ?? '', server: { home: { serverName: 'hs.test' } } }) as unknown as TestServer,
    close: async () => {
      await cluster.close()
      await Promise.all(peers.map((peer) => peer.close()))
      removeFolder(folder)
    },
  }
}
