import { readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = 100

/**
 * The seconds of processor time that these processes, and all below them, have used so far, as Linux counts them (in hundredths); NaN where there is no
 * `/proc`.
 */
export function processorTime(pids: readonly number[]): number {
  const processes = readProcesses()
  const ours = new Set(pids)
  let ticks = 0
  for (let before = 0; before !== ours.size; ) {
    before = ours.size
    for (const [pid, { parent }] of processes) if (ours.has(parent)) ours.add(pid)
  }
  for (const pid of ours) ticks += processes.get(pid)?.ticks ?? Number.NaN
  return ticks / ticksPerSecond
}

/** Each process with its parent and the ticks of itself and of the children that it has seen end. */
function readProcesses(): Map<number, { parent: number; ticks: number }> {
  const found = new Map<number, { parent: number; ticks: number }>()
  for (const pid of processIds()) {
    const fields = statOf(pid)
    if (fields) found.set(pid, { parent: fields[1]!, ticks: fields[11]! + fields[12]! + fields[13]! + fields[14]! })
  }
  return found
}

function processIds(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger)
  } catch {
    return []
  }
}

/** The numbers after a process's name, which is in brackets and may hold anything; undefined when the process has ended meanwhile. */
function statOf(pid: number): number[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
  } catch {
    return undefined
  }
}
