import { isJsonObject, type JsonObject } from '../core/json.ts'
import { badJson } from '../core/matrix-error.ts'
import { checkPlainText } from '../core/plain-text.ts'
import type { Home } from '../home.ts'
import { type Call, type Endpoint, endpoint } from '../http/endpoint.ts'
import { editAccountData, readAccountData } from '../people/account-data.ts'
import { ownUser, roomOf } from './account-data.ts'

/** Tags of rooms, kept as the room's `m.tag`. https://spec.matrix.org/v1.19/client-server-api/#room-tagging */
export function tagEndpoints({ database }: Pick<Home, 'database'>): Endpoint[] {
  const edit = async ({ requester, params }: Call<'access_token'>, change: (tags: JsonObject, tag: string) => JsonObject | undefined) => {
    const tag = checkPlainText('tag', params['tag'])
    await editAccountData(database, ownUser(requester, params['userId']), roomOf(params['roomId']), 'm.tag', (content) => {
      const tags = change(tagsOf(content), tag)
      return tags && { ...content, tags }
    })
    return { body: {} }
  }
  const one = '/user/{userId}/rooms/{roomId}/tags/{tag}'
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags',
      aliases: ['/_matrix/client/r0/user/{userId}/rooms/{roomId}/tags'],
      operationId: 'getRoomTags',
      auth: 'access_token',
      body: 'none',
      handle: async ({ requester, params }) => {
        const content = await readAccountData(database, ownUser(requester, params['userId']), roomOf(params['roomId']), 'm.tag')
        return { body: { tags: tagsOf(content) } }
      },
    }),
    endpoint({
      method: 'PUT',
      path: `/_matrix/client/v3${one}`,
      aliases: [`/_matrix/client/r0${one}`],
      operationId: 'setRoomTag',
      auth: 'access_token',
      body: 'json',
      handle: (call) => {
        const { order } = call.body
        if (order !== undefined && typeof order !== 'number') throw badJson('order is not a number')
        return edit(call, (tags, tag) => ({ ...tags, [tag]: call.body }))
      },
    }),
    endpoint({
      method: 'DELETE',
      path: `/_matrix/client/v3${one}`,
      aliases: [`/_matrix/client/r0${one}`],
      operationId: 'deleteRoomTag',
      auth: 'access_token',
      body: 'none',
      handle: (call) =>
        edit(call, (tags, tag) =>
          Object.hasOwn(tags, tag) ? Object.fromEntries(Object.entries(tags).filter(([name]) => name !== tag)) : undefined,
        ),
    }),
  ]
}

function tagsOf(content: JsonObject | undefined): JsonObject {
  const tags = content?.['tags']
  return isJsonObject(tags) ? tags : {}
}
