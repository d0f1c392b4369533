import type { Slice, Tools } from '../slice.ts'
import { accountDataEndpoints } from './account-data.client.ts'
import { accountDataSection } from './account-data.sync.ts'
import { filterEndpoints } from './filter.client.ts'
import { tagEndpoints } from './tags.client.ts'

/** Account data, tags and filters. https://spec.matrix.org/v1.19/client-server-api/#client-config */
export function accountData({ home }: Tools): Slice {
  return {
    name: 'account data',
    endpoints: [...accountDataEndpoints(home), ...tagEndpoints(home), ...filterEndpoints(home)],
    sections: [accountDataSection(home)],
  }
}
