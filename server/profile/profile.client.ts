import { userIdOf } from '../core/fields.ts'
import { serverNameOf, type UserId } from '../core/ids.ts'
import type { Json } from '../core/json.ts'
import { forbidden, notFound } from '../core/matrix-error.ts'
import { createLanes, type Lanes } from '../graph/lanes.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { readProfile } from './profile.ts'
import { checkKey, checkSize, readValue } from './profile-fields.ts'
import { createProfilesOfOthers } from './profiles-of-others.ts'
import type { Propagate } from './propagation.ts'

type Changing = Pick<Tools, 'people'> & { readonly lanes: Lanes; readonly propagate: Propagate }

const path = '/_matrix/client/v3/profile/{userId}'
const field = {
  path: `${path}/{keyName}`,
  aliases: ['/_matrix/client/r0/profile/{userId}/{keyName}', '/_matrix/client/unstable/uk.tcpip.msc4133/profile/{userId}/{keyName}'],
}

/** https://spec.matrix.org/v1.19/client-server-api/#profiles */
export function profileEndpoints(tools: Tools, propagate: Propagate): Endpoint[] {
  const fetchProfile = createProfilesOfOthers(tools.home)
  const isLocal = (userId: UserId) => serverNameOf(userId) === tools.home.serverName
  const profileOf = (userId: UserId) => (isLocal(userId) ? readProfile(tools, userId) : fetchProfile(userId))
  const changing = { people: tools.people, lanes: createLanes(), propagate }
  return [
    endpoint({
      method: 'GET',
      path,
      aliases: ['/_matrix/client/r0/profile/{userId}', '/_matrix/client/unstable/uk.tcpip.msc4133/profile/{userId}'],
      operationId: 'getUserProfile',
      auth: 'none',
      body: 'none',
      handle: async ({ params }) => ({ body: await profileOf(userIdOf(params['userId'])) }),
    }),
    endpoint({
      ...field,
      method: 'GET',
      operationId: 'getProfileField',
      auth: 'none',
      body: 'none',
      handle: async ({ params }) => {
        const key = params['keyName']!
        checkKey(key)
        const profile = await profileOf(userIdOf(params['userId']))
        if (!Object.hasOwn(profile, key)) throw notFound('the profile has no such field')
        return { body: { [key]: profile[key] } }
      },
    }),
    endpoint({
      ...field,
      method: 'PUT',
      operationId: 'setProfileField',
      auth: 'access_token',
      body: 'json',
      limit: 128 * 1024,
      rate: 'other',
      handle: (call) => change(changing, call, readValue(call.body, checkedKey(call))),
    }),
    endpoint({
      ...field,
      method: 'DELETE',
      operationId: 'deleteProfileField',
      auth: 'access_token',
      body: 'none',
      rate: 'other',
      handle: (call) => {
        checkedKey(call)
        return change(changing, call, undefined)
      },
    }),
  ]
}

function checkedKey({ params }: Call<'access_token'>): string {
  const key = params['keyName']!
  checkKey(key)
  return key
}

/** Changes of one user are made one after the other, so that two at once cannot together make a profile too large. */
async function change(tools: Changing, call: Call<'access_token'>, value: Json | undefined): Promise<Reply> {
  const { people, lanes, propagate } = tools
  const { params, requester } = call
  const key = params['keyName']!
  const userId: UserId = userIdOf(params['userId'])
  if (userId !== requester.userId) throw forbidden('this is the profile of somebody else')
  await lanes(userId, async () => {
    if (value !== undefined) checkSize({ ...(await people.profile(userId)), [key]: value })
    await people.setProfileField(userId, key, value)
  })
  if (key === 'displayname' || key === 'avatar_url') await propagate(userId)
  return { body: {} }
}
