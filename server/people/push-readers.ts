import type { UserId } from '../core/ids.ts'
import { isUserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { type PushReader, pushReader } from '../core/push-reader.ts'
import type { Home } from '../home.ts'
import { selectAccountData } from './account-data.store.ts'
import { pushRulesOf, pushRulesType } from './push-rules.ts'

type Kept = { readonly rules: string; readonly ignored: string; readonly reader: PushReader }

const mostReaders = 20_000

/**
 * Users as those whom events notify, kept in memory until their account data changes. What they changed may be something else: then the reader stays
 * the same object, and all that was counted with it holds.
 */
export function createPushReaders({ database, notifier }: Pick<Home, 'database' | 'notifier'>): (userId: UserId) => Promise<PushReader> {
  const kept = new Map<UserId, Kept>()
  const current = new Map<UserId, Promise<PushReader>>()

  async function load(userId: UserId): Promise<PushReader> {
    const [rules, ignored] = await Promise.all([
      database.selectOne(selectAccountData, userId, '', pushRulesType),
      database.selectOne(selectAccountData, userId, '', 'm.ignored_user_list'),
    ])
    const texts = { rules: rules?.content ?? '', ignored: ignored?.content ?? '' }
    const before = kept.get(userId)
    if (before?.rules === texts.rules && before.ignored === texts.ignored) return before.reader
    const reader = pushReader(userId, pushRulesOf(userId, contentOf(texts.rules)), ignoredIn(contentOf(texts.ignored)))
    if (kept.size >= mostReaders) kept.clear()
    kept.set(userId, { ...texts, reader })
    return reader
  }

  notifier.onAdvance((_, rows) => {
    for (const { kind, key } of rows) if (kind === 'account_data') current.delete(key as UserId)
  })
  return (userId) => {
    const known = current.get(userId)
    if (known !== undefined) return known
    if (current.size >= mostReaders) current.clear()
    const loading = load(userId)
    current.set(userId, loading)
    loading.catch(() => current.delete(userId))
    return loading
  }
}

function contentOf(text: string): JsonObject | undefined {
  return text === '' ? undefined : (JSON.parse(text) as JsonObject)
}

function ignoredIn(content: JsonObject | undefined): ReadonlySet<UserId> {
  const ignored = content?.['ignored_users']
  return new Set(isJsonObject(ignored) ? Object.keys(ignored).filter(isUserId) : [])
}
