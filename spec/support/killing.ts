import { setTimeout as sleep } from 'node:timers/promises'
import type { Member } from './cluster.ts'

/** Kills a process at some instant and starts it again, `times` over; gives the milliseconds until it was ready each time. */
export async function killRepeatedly(member: Member, times: number, pause: () => number): Promise<number[]> {
  const ready: number[] = []
  for (let turn = 0; turn < times; turn++) {
    await sleep(pause())
    await member.kill()
    ready.push(Math.round(await member.start()))
  }
  return ready
}
