import type { Unread, UnreadCount } from '../graph/unread/unread-count.ts'

/**
 * The unread counts of a joined room, as members of its JSON object. Those of threads stand apart only if the filter asks for it; otherwise all are one.
 * https://spec.matrix.org/v1.19/client-server-api/#unread-thread-notification-counts
 */
export function unreadText({ main, threads }: Unread, apart: boolean): string {
  if (!apart) return `"unread_notifications":${countText(sum(main, threads))}`
  const mine = `"unread_notifications":${countText(main)}`
  if (threads.size === 0) return mine
  const each = [...threads].map(([rootId, count]) => `${JSON.stringify(rootId)}:${countText(count)}`)
  return `${mine},"unread_thread_notifications":{${each.join(',')}}`
}

function sum(main: UnreadCount, threads: Unread['threads']): UnreadCount {
  if (threads.size === 0) return main
  let { notifications, highlights } = main
  for (const count of threads.values()) {
    notifications += count.notifications
    highlights += count.highlights
  }
  return { notifications, highlights }
}

function countText({ notifications, highlights }: UnreadCount): string {
  return `{"notification_count":${notifications},"highlight_count":${highlights}}`
}
