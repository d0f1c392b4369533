import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { project } from '../../support/processes.ts'

/** What was seen of clients and bridges in use is kept as 32 points. */
const points = Array.from({ length: 32 }, (_, at) => at + 1)
const titles = /\bit\(\s*['"`](?:wire )?(\d+(?:, \d+)*): /g

describe('what was seen on the wire, point by point', () => {
  it('is each told by the title of a spec that begins with its number', () => {
    const specs = globSync('spec/**/*.spec.ts', { cwd: project }).map((path) => readFileSync(join(project, path), 'utf8'))
    const wire = specs.filter((text) => text.includes('seen on the wire'))
    const named = new Set(wire.flatMap((text) => [...text.matchAll(titles)].flatMap(([, numbers = '']) => numbers.split(', ').map(Number))))
    expect(points.filter((point) => !named.has(point))).to.deep.equal([])
  })
})
