import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { ImageProcesses } from '../../../server/media/image-processes.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { photograph } from './pictures.ts'

describe('ImageProcesses', () => {
  let folder: string
  let processes: ImageProcesses | undefined
  const job = (path: string) => ({ path, format: 'png', mostPixels: 1_000_000, wanted: undefined }) as const
  beforeEach(() => {
    folder = temporaryFolder('tombolo-images')
  })
  afterEach(() => {
    processes?.stop()
    removeFolder(folder)
  })

  /** A program that answers with its process id; a path that is `die` ends it, one that is `hang` keeps it busy. */
  function stubbed(timeLimit = 10_000): ImageProcesses {
    const program = join(folder, 'program.mjs')
    writeFileSync(
      program,
      `process.on('message', ({ path }) => {
        if (path === 'die') process.kill(process.pid, 'SIGSEGV')
        else if (path === 'hang') for (;;);
        else process.send({ outcome: 'measured', width: process.pid, height: Object.keys(process.env).length })
      })`,
    )
    processes = new ImageProcesses({ most: 1, timeLimit, program })
    return processes
  }
  const bound = (one: ImageProcesses) => ({ run: one.run.bind(one), stop: one.stop.bind(one) })
  const pidOf = async (result: ReturnType<ImageProcesses['run']>) => {
    const answer = await result
    return answer.outcome === 'measured' ? answer.width : answer.outcome
  }

  it('measures a picture, in a process that is used again', async () => {
    const path = join(folder, 'picture')
    writeFileSync(path, await photograph(30, 20).png().toBuffer())
    processes = new ImageProcesses()
    expect(await processes.run(job(path))).to.deep.equal({ outcome: 'measured', width: 30, height: 20 })
    const { run } = bound(stubbed())
    expect(await pidOf(run(job('')))).to.equal(await pidOf(run(job(''))))
  })

  it('outlives a process that dies of a picture, and goes on with the others', async () => {
    const { run } = bound(stubbed())
    const [one, dead, two] = await Promise.all([run(job('')), run(job('die')), run(job(''))].map(pidOf))
    expect(dead).to.equal('killed')
    expect(two).to.be.a('number').and.not.to.equal(one)
  })

  it('ends a process that takes too long', async () => {
    expect(await pidOf(stubbed(300).run(job('hang')))).to.equal('killed')
  })

  it('hands nothing of the server’s environment on', async () => {
    process.env['TOMBOLO_CANARY'] = 'secret'
    try {
      const answer = await stubbed().run(job(''))
      expect(answer.outcome === 'measured' && answer.height).to.be.below(6)
    } finally {
      delete process.env['TOMBOLO_CANARY']
    }
  })

  it('lets only so many wait, and answers all of them when it is stopped', async () => {
    const { run, stop } = bound(stubbed())
    const waiting = Array.from({ length: 201 }, () => run(job('hang')))
    let refused: unknown
    try {
      await run(job('hang'))
    } catch (error) {
      refused = error
    }
    expect(refused).to.include({ status: 429, errcode: 'M_LIMIT_EXCEEDED' })
    stop()
    expect(new Set(await Promise.all(waiting.map(pidOf)))).to.deep.equal(new Set(['stopped']))
  })
})
