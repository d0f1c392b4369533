import type { Slice, Tools } from '../slice.ts'
import { authedEndpoints } from './authed-content-repo.client.ts'
import { frozenEndpoints, uploadEndpoints } from './content-repo.client.ts'
import { createFiles } from './files.ts'
import { createImageProcesses } from './image-processes.ts'
import { createThumbnails } from './thumbnails.ts'

/** Files. https://spec.matrix.org/v1.19/client-server-api/#content-repository */
export function media({ home }: Tools): Slice {
  const files = createFiles(home.config.media.store_path)
  const processes = createImageProcesses()
  const thumbnails = createThumbnails({ home, files, processes })
  const tools = { home, files, thumbnails }
  return {
    name: 'media',
    endpoints: [...uploadEndpoints(tools), ...authedEndpoints(tools), ...frozenEndpoints(tools)],
    readers: [{ name: 'media', start: files.clean, stop: async () => processes.stop() }],
  }
}
