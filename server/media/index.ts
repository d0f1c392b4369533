import type { Slice, Tools } from '../slice.ts'
import { authedEndpoints } from './authed-content-repo.client.ts'
import { frozenEndpoints, uploadEndpoints } from './content-repo.client.ts'
import { federationEndpoints } from './content-repository.federation.ts'
import { createFiles } from './files.ts'
import { createHousekeeping } from './housekeeping.ts'
import { ImageProcesses } from './image-processes.ts'
import { createRemoteMedia } from './remote/remote-media.ts'
import { createThumbnails } from './thumbnails.ts'
import { createUrlPreviews } from './url-previews.ts'

/** Files. https://spec.matrix.org/v1.19/client-server-api/#content-repository */
export function media({ home }: Tools): Slice {
  const files = createFiles(home.config.media.store_path)
  const processes = new ImageProcesses()
  const thumbnails = createThumbnails({ home, files, processes })
  const previews = createUrlPreviews({ home, files, thumbnails })
  const remote = createRemoteMedia({ home, files })
  const tools = { home, files, thumbnails, previews, remote }
  return {
    name: 'media',
    endpoints: [...uploadEndpoints(tools), ...authedEndpoints(tools), ...frozenEndpoints(tools), ...federationEndpoints(tools)],
    readers: [
      createHousekeeping({ home, files }),
      { name: 'image-processes', start: () => {}, stop: async () => processes.stop() },
      { name: 'remote-media', start: () => {}, stop: async () => remote.stop() },
    ],
  }
}
