import type { Slice, Tools } from '../slice.ts'
import { downloadEndpoints, uploadEndpoints } from './content-repo.client.ts'
import { createFiles } from './files.ts'

/** Files. https://spec.matrix.org/v1.19/client-server-api/#content-repository */
export function media({ home }: Tools): Slice {
  const files = createFiles(home.config.media.store_path)
  return {
    name: 'media',
    endpoints: [...uploadEndpoints({ home, files }), ...downloadEndpoints({ home, files })],
    readers: [{ name: 'media', start: files.clean, stop: async () => undefined }],
  }
}
