import { Worker } from 'node:worker_threads'

/** A thread that answers one question at a time. */
export type AskThread = {
  /** Sends a message (or nothing, for what the thread says by itself at its start) and resolves with the next answer. Rejects once the thread has ended. */
  readonly ask: <Answer>(message?: unknown, transfer?: ArrayBuffer[]) => Promise<Answer>
}

/** Starts a module of this folder as a thread. */
export function startThread(file: string, workerData: object): AskThread {
  const thread = new Worker(new URL(file, import.meta.url), { workerData })
  let answered: { resolve: (answer: never) => void; reject: (error: Error) => void } | undefined
  let ended: Error | undefined
  const fail = (error: Error) => {
    ended ??= error
    answered?.reject(ended)
  }
  thread.on('message', (message: unknown) => answered?.resolve(message as never))
  thread.on('error', (error) => fail(error as Error))
  thread.on('exit', () => fail(new Error(`the database's ${file} has ended`)))
  return {
    ask: <Answer>(message?: unknown, transfer: ArrayBuffer[] = []) =>
      new Promise<Answer>((resolve, reject) => {
        answered = { resolve, reject }
        if (ended) reject(ended)
        else if (message !== undefined) thread.postMessage(message, transfer)
      }),
  }
}
