import { checkPlainText } from '../core/plain-text.ts'
import type { Home } from '../home.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { getAccountData, ownUser, roomOf, setAccountData } from './account-data.ts'

/** Reading and setting account data, of the account and of rooms. */
export function accountDataEndpoints(home: Pick<Home, 'database'>): Endpoint[] {
  const ofAccount = {
    path: '/_matrix/client/v3/user/{userId}/account_data/{type}',
    aliases: ['/_matrix/client/r0/user/{userId}/account_data/{type}'],
  } as const
  const ofRoom = {
    path: '/_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}',
    aliases: ['/_matrix/client/r0/user/{userId}/rooms/{roomId}/account_data/{type}'],
  } as const
  return [
    endpoint({
      ...ofAccount,
      method: 'PUT',
      operationId: 'setAccountData',
      auth: 'access_token',
      body: 'json',
      handle: async ({ requester, params, body }) => {
        await setAccountData(home, ownUser(requester, params['userId']), undefined, checkPlainText('type', params['type']), body)
        return { body: {} }
      },
    }),
    endpoint({
      ...ofAccount,
      method: 'GET',
      operationId: 'getAccountData',
      auth: 'access_token',
      body: 'none',
      handle: async ({ requester, params }) => ({
        body: await getAccountData(home, ownUser(requester, params['userId']), undefined, checkPlainText('type', params['type'])),
      }),
    }),
    endpoint({
      ...ofRoom,
      method: 'PUT',
      operationId: 'setAccountDataPerRoom',
      auth: 'access_token',
      body: 'json',
      handle: async ({ requester, params, body }) => {
        const userId = ownUser(requester, params['userId'])
        await setAccountData(home, userId, roomOf(params['roomId']), checkPlainText('type', params['type']), body)
        return { body: {} }
      },
    }),
    endpoint({
      ...ofRoom,
      method: 'GET',
      operationId: 'getAccountDataPerRoom',
      auth: 'access_token',
      body: 'none',
      handle: async ({ requester, params }) => {
        const userId = ownUser(requester, params['userId'])
        return { body: await getAccountData(home, userId, roomOf(params['roomId']), checkPlainText('type', params['type'])) }
      },
    }),
  ]
}
