import { isObject, type JsonObject, objectAt } from '../../../../bridges/kit/crypto/json.ts'
import type { MatrixRequests, ToDeviceMessages } from '../../../../bridges/kit/crypto/requests.ts'

type Device = {
  keys?: JsonObject
  oneTimeKeys: Map<string, JsonObject>
  fallback?: [string, JsonObject]
  fallbackUsed: boolean
  inbox: JsonObject[]
}
type Failure = { method: keyof MatrixRequests; when: 'before' | 'after'; times: number }

export type KeyServer = ReturnType<typeof makeKeyServer>

type State = {
  devices: Map<string, Map<string, Device>>
  crossSigning: Map<string, JsonObject>
  transactions: Set<string>
  sent: { user: string; type: string; txnId: string; bytes: string }[]
  calls: string[]
  failures: Failure[]
}

function findDevice(state: State, user: string, id: string): Device {
  const found = state.devices.get(user)?.get(id)
  if (found === undefined) throw new Error(`no device ${user} ${id}`)
  return found
}

function uploads(state: State): Pick<MatrixRequests, 'createDevice' | 'uploadKeys' | 'uploadCrossSigning' | 'uploadSignatures'> {
  return {
    async createDevice(user, id) {
      const own = state.devices.get(user) ?? new Map<string, Device>()
      state.devices.set(user, own)
      if (!own.has(id)) own.set(id, { oneTimeKeys: new Map(), fallbackUsed: false, inbox: [] })
    },
    async uploadKeys(user, id, body) {
      const target = findDevice(state, user, id)
      if (isObject(body.device_keys)) {
        target.keys = body.device_keys
      }
      for (const [key, value] of Object.entries(objectAt(body, 'one_time_keys'))) {
        const known = target.oneTimeKeys.get(key)
        if (known !== undefined && JSON.stringify(known) !== JSON.stringify(value)) throw new Error('one-time key changed')
        target.oneTimeKeys.set(key, value as JsonObject)
      }
      for (const [key, value] of Object.entries(objectAt(body, 'fallback_keys'))) {
        target.fallback = [key, value as JsonObject]
        target.fallbackUsed = false
      }
      return { one_time_key_counts: { signed_curve25519: target.oneTimeKeys.size } }
    },
    async uploadCrossSigning(user, body) {
      state.crossSigning.set(user, { ...state.crossSigning.get(user), ...body })
    },
    async uploadSignatures(user, body) {
      for (const [id, object] of Object.entries(objectAt(body, user))) {
        const target = state.devices.get(user)?.get(id)
        if (target?.keys === undefined) continue
        const signatures = { ...objectAt(objectAt(target.keys, 'signatures'), user), ...objectAt(objectAt(object, 'signatures'), user) }
        target.keys = { ...target.keys, signatures: { [user]: signatures } }
      }
      return { failures: {} }
    },
  }
}

function answers(state: State): Pick<MatrixRequests, 'queryKeys' | 'claimKeys'> {
  return {
    async queryKeys(_asUser, users) {
      const response: Record<string, JsonObject> = {
        device_keys: {},
        master_keys: {},
        self_signing_keys: {},
        user_signing_keys: {},
        failures: {},
      }
      for (const user of users) {
        const keys = [...(state.devices.get(user) ?? [])].flatMap(([id, { keys }]) => (keys === undefined ? [] : [[id, keys] as const]))
        ;(response.device_keys as JsonObject)[user] = Object.fromEntries(keys)
        for (const name of ['master', 'self_signing', 'user_signing']) {
          const key = state.crossSigning.get(user)?.[`${name}_key`]
          if (key !== undefined) (response[`${name}_keys`] as JsonObject)[user] = key
        }
      }
      return structuredClone(response)
    },
    async claimKeys(_asUser, _asDevice, asked) {
      const claimed: Record<string, JsonObject> = {}
      for (const [user, ids] of Object.entries(asked)) {
        for (const id of Object.keys(ids)) {
          const target = state.devices.get(user)?.get(id)
          const [first] = target?.oneTimeKeys ?? []
          if (target !== undefined && first === undefined) target.fallbackUsed = true
          if (first !== undefined) target?.oneTimeKeys.delete(first[0])
          const key = first ?? target?.fallback
          if (key !== undefined) claimed[user] = { ...claimed[user], [id]: { [key[0]]: key[1] } }
        }
      }
      return { one_time_keys: claimed, failures: {} }
    },
  }
}

function deliver(state: State, sender: string, type: string, messages: ToDeviceMessages): void {
  for (const [user, byDevice] of Object.entries(messages)) {
    for (const [id, content] of Object.entries(byDevice)) {
      for (const [to, target] of state.devices.get(user) ?? []) {
        if (id === '*' || id === to) target.inbox.push({ type, sender, content, to_user_id: user, to_device_id: to })
      }
    }
  }
}

function delivery(state: State): Pick<MatrixRequests, 'sendToDevice'> {
  return {
    async sendToDevice(asUser, asDevice, type, txnId, messages) {
      state.sent.push({ user: asUser, type, txnId, bytes: JSON.stringify(messages) })
      const key = `${asUser} ${asDevice} ${type} ${txnId}`
      if (state.transactions.has(key)) return
      state.transactions.add(key)
      deliver(state, asUser, type, messages)
    },
  }
}

/** The same requests, each of which fails when it was told to. */
function withFailures(state: State, requests: MatrixRequests): MatrixRequests {
  return Object.fromEntries(
    Object.entries(requests).map(([name, request]) => [
      name,
      async (...args: unknown[]) => {
        state.calls.push(name)
        const failure = state.failures.find((one) => one.method === name && one.times > 0)
        if (failure !== undefined) failure.times--
        if (failure?.when === 'before') throw new Error(`${name} did not reach the server`)
        const response = await (request as (...args: unknown[]) => Promise<unknown>)(...args)
        if (failure?.when === 'after') throw new Error(`${name} was not answered`)
        return response
      },
    ]),
  ) as MatrixRequests
}

/** The key endpoints of a homeserver in memory, with failures on demand. `sent` is every to-device request that reached it, repeats too. */
export function makeKeyServer() {
  const state: State = { devices: new Map(), crossSigning: new Map(), transactions: new Set(), sent: [], calls: [], failures: [] }
  const direct: MatrixRequests = { ...uploads(state), ...answers(state), ...delivery(state) }
  return {
    /** What the bridge speaks to: fails on demand. */
    requests: withFailures(state, direct),
    /** What humans speak to: never fails. */
    direct,
    sent: state.sent,
    calls: state.calls,
    device: (user: string, id: string) => findDevice(state, user, id),
    fail(method: keyof MatrixRequests, when: 'before' | 'after', times = 1) {
      state.failures.push({ method, when, times })
    },
    removeDevice(user: string, id: string) {
      state.devices.get(user)?.delete(id)
    },
    takeInbox: (user: string, id: string) => findDevice(state, user, id).inbox.splice(0),
    crossSigning: (user: string) => state.crossSigning.get(user),
  }
}
