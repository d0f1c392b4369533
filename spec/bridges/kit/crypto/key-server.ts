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

/** The key endpoints of a homeserver in memory, with failures on demand. `sent` is every to-device request that reached it, repeats too. */
export function makeKeyServer() {
  const devices = new Map<string, Map<string, Device>>()
  const crossSigning = new Map<string, JsonObject>()
  const transactions = new Set<string>()
  const sent: { user: string; type: string; txnId: string; bytes: string }[] = []
  const calls: string[] = []
  const failures: Failure[] = []
  let changed = new Set<string>()

  const device = (user: string, id: string): Device => {
    const found = devices.get(user)?.get(id)
    if (found === undefined) throw new Error(`no device ${user} ${id}`)
    return found
  }
  const deliver = (sender: string, type: string, messages: ToDeviceMessages) => {
    for (const [user, byDevice] of Object.entries(messages)) {
      for (const [id, content] of Object.entries(byDevice)) {
        for (const [to, target] of devices.get(user) ?? []) {
          if (id === '*' || id === to) target.inbox.push({ type, sender, content, to_user_id: user, to_device_id: to })
        }
      }
    }
  }
  const requests: MatrixRequests = {
    async createDevice(user, id) {
      const own = devices.get(user) ?? new Map<string, Device>()
      devices.set(user, own)
      if (!own.has(id)) own.set(id, { oneTimeKeys: new Map(), fallbackUsed: false, inbox: [] })
    },
    async uploadKeys(user, id, body) {
      const target = device(user, id)
      if (isObject(body.device_keys)) {
        target.keys = body.device_keys
        changed.add(user)
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
      crossSigning.set(user, { ...crossSigning.get(user), ...body })
      changed.add(user)
    },
    async uploadSignatures(user, body) {
      for (const [id, object] of Object.entries(objectAt(body, user))) {
        const target = devices.get(user)?.get(id)
        if (target?.keys === undefined) continue
        const signatures = { ...objectAt(objectAt(target.keys, 'signatures'), user), ...objectAt(objectAt(object, 'signatures'), user) }
        target.keys = { ...target.keys, signatures: { [user]: signatures } }
        changed.add(user)
      }
      return { failures: {} }
    },
    async queryKeys(_asUser, users) {
      const response: Record<string, JsonObject> = {
        device_keys: {},
        master_keys: {},
        self_signing_keys: {},
        user_signing_keys: {},
        failures: {},
      }
      for (const user of users) {
        const keys = [...(devices.get(user) ?? [])].flatMap(([id, { keys }]) => (keys === undefined ? [] : [[id, keys] as const]))
        ;(response.device_keys as JsonObject)[user] = Object.fromEntries(keys)
        for (const name of ['master', 'self_signing', 'user_signing']) {
          const key = crossSigning.get(user)?.[`${name}_key`]
          if (key !== undefined) (response[`${name}_keys`] as JsonObject)[user] = key
        }
      }
      return structuredClone(response)
    },
    async claimKeys(_asUser, _asDevice, asked) {
      const claimed: Record<string, JsonObject> = {}
      for (const [user, ids] of Object.entries(asked)) {
        for (const id of Object.keys(ids)) {
          const target = devices.get(user)?.get(id)
          const [first] = target?.oneTimeKeys ?? []
          if (target !== undefined && first === undefined) target.fallbackUsed = true
          if (first !== undefined) target?.oneTimeKeys.delete(first[0])
          const key = first ?? target?.fallback
          if (key !== undefined) claimed[user] = { ...claimed[user], [id]: { [key[0]]: key[1] } }
        }
      }
      return { one_time_keys: claimed, failures: {} }
    },
    async sendToDevice(asUser, asDevice, type, txnId, messages) {
      sent.push({ user: asUser, type, txnId, bytes: JSON.stringify(messages) })
      const key = `${asUser} ${asDevice} ${type} ${txnId}`
      if (transactions.has(key)) return
      transactions.add(key)
      deliver(asUser, type, messages)
    },
  }
  const faulty = Object.fromEntries(
    Object.entries(requests).map(([name, request]) => [
      name,
      async (...args: unknown[]) => {
        calls.push(name)
        const failure = failures.find((one) => one.method === name && one.times > 0)
        if (failure !== undefined) failure.times--
        if (failure?.when === 'before') throw new Error(`${name} did not reach the server`)
        const response = await (request as (...args: unknown[]) => Promise<unknown>)(...args)
        if (failure?.when === 'after') throw new Error(`${name} was not answered`)
        return response
      },
    ]),
  ) as MatrixRequests

  return {
    /** What the bridge speaks to: fails on demand. */
    requests: faulty,
    /** What humans speak to: never fails. */
    direct: requests,
    sent,
    calls,
    device,
    deliver,
    fail(method: keyof MatrixRequests, when: 'before' | 'after', times = 1) {
      failures.push({ method, when, times })
    },
    removeDevice(user: string, id: string) {
      devices.get(user)?.delete(id)
      changed.add(user)
    },
    takeChanged() {
      const users = [...changed]
      changed = new Set()
      return users
    },
    takeInbox(user: string, id: string) {
      return device(user, id).inbox.splice(0)
    },
    crossSigning: (user: string) => crossSigning.get(user),
  }
}
