import { AppServiceRegistration, Bridge, Logger } from 'matrix-appservice-bridge'
import type { DurableAppService } from './appservice.ts'
import type { Registration } from './registration.ts'
import { MatrixRequestError } from './side.ts'

export type Call = {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  readonly path: string
  /** On whose behalf; the bot's without. */
  readonly userId?: string
  readonly deviceId?: string | undefined
  readonly query?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, unknown>>
}
export type MatrixClient = {
  readonly botUserId: string
  /** One request, as the application service. Rejects with a MatrixRequestError. */
  call(call: Call): Promise<Readonly<Record<string, unknown>>>
  /** Registers a ghost when it is new, and sets its name. */
  ensureUser(userId: string, displayName: string | undefined): Promise<void>
}

const timeoutMs = 60_000

/** The homeserver through matrix-appservice-bridge: registration and profiles by its Intents, everything else by the bot client's requests. */
export async function connectMatrix(options: {
  homeserverUrl: string
  serverName: string
  registration: Registration
  appservice: DurableAppService
  listen: { host: string; port: number }
}): Promise<MatrixClient> {
  Logger.configure({ console: 'off' })
  const registration = AppServiceRegistration.fromObject(options.registration as never)
  if (!registration) throw new Error('the registration file cannot be used')
  const bridge = new Bridge({
    homeserverUrl: options.homeserverUrl.replace(/\/+$/, ''),
    domain: options.serverName,
    registration,
    disableStores: true,
    disableContext: true,
    controller: { onEvent: () => undefined },
    intentOptions: {
      clients: { dontCheckPowerLevel: true, enablePresence: false },
      bot: { dontCheckPowerLevel: true, enablePresence: false },
    },
  })
  await bridge.run(options.listen.port, options.appservice as never, options.listen.host)
  const botUserId = `@${options.registration.sender_localpart}:${options.serverName}`
  const botClient = bridge.getBot().getClient() as { doRequest: DoRequest }
  return {
    botUserId,
    call: ({ method, path, userId, deviceId, query, body }) => {
      const asked: Record<string, string> = { ...query }
      if (userId !== undefined) asked['user_id'] = userId
      if (deviceId !== undefined) Object.assign(asked, { device_id: deviceId, 'org.matrix.msc3202.device_id': deviceId })
      return translated(() => botClient.doRequest(method, path, asked, body ?? (method === 'GET' ? null : {}), timeoutMs))
    },
    ensureUser: (userId, displayName) =>
      translated(async () => {
        const intent = bridge.getIntent(userId)
        await intent.ensureRegistered()
        if (displayName !== undefined) await intent.setDisplayName(displayName)
      }),
  }
}

type DoRequest = (
  method: string,
  path: string,
  query: Readonly<Record<string, string>>,
  body: Readonly<Record<string, unknown>> | null,
  timeout: number,
) => Promise<Readonly<Record<string, unknown>>>

/** The library rejects with its own error, with the whole response, or with the socket's error: ours says what matters, and quotes nothing. */
async function translated<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const { statusCode, errcode, retryAfterMs } = error as { statusCode?: unknown; errcode?: unknown; retryAfterMs?: unknown }
    if (typeof statusCode !== 'number') throw new MatrixRequestError(0, 'unreachable')
    const code = typeof errcode === 'string' && /^[A-Z_.]{1,64}$/i.test(errcode) ? errcode : 'M_UNKNOWN'
    throw new MatrixRequestError(statusCode, code, typeof retryAfterMs === 'number' ? retryAfterMs : undefined)
  }
}
