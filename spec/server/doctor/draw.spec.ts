import { stripVTControlCharacters } from 'node:util'
import { expect } from 'chai'
import { drawFinding, drawSummary } from '../../../server/doctor/draw.ts'
import { attention, ok, skipped, wrong } from '../../../server/doctor/finding.ts'
import { roomFinding } from '../../../server/doctor/own-files.ts'

const plain = { colours: false, width: 60 }
const coloured = { colours: true, width: 60 }
const finding = wrong('port', 'example.org:8448 cannot be connected to', 'Open the port in the firewall, and then:', '  listen 8448 ssl;')

describe('what the doctor found', () => {
  it('is a line for each thing, with what to change below it', () => {
    expect(drawFinding(finding, plain)).to.deep.equal([
      '  wrong     port               example.org:8448 cannot be',
      '                               connected to',
      '                               → Open the port in the',
      '                                 firewall, and then:',
      '                                 listen 8448 ssl;',
    ])
  })

  it('is the same with colours, for a terminal alone', () => {
    const lines = drawFinding(finding, coloured)
    expect(lines[0]).to.contain('\x1b[31m✗')
    expect(lines.at(-1)).to.contain('\x1b[36m')
    expect(stripVTControlCharacters(lines[0]!)).to.match(/^ {2}✗ port +example\.org:8448/)
    expect(drawFinding(finding, plain).join('')).not.to.contain('\x1b')
  })

  it('steers no terminal, whatever another server says', () => {
    const said = attention('reached', 'it is \x1b[2J\x07\r\nSynapse\u202e\u2028 1', '  \x1b]0;x\x07')
    const shown = drawFinding(said, plain).join('\n')
    expect(shown)
      .to.contain('Synapse')
      .and.to.match(/^[^\p{Cc}\p{Cf}\p{Zl}]*\n[^\p{Cc}\p{Cf}\p{Zl}]*$/u)
  })

  it('is counted at the end', () => {
    const found = [ok('a', ''), ok('b', ''), skipped('c', ''), attention('d', '')]
    expect(drawSummary(found, plain)).to.equal('2 ok, 1 for your attention, 0 wrong. It works.')
    expect(drawSummary([...found, finding], plain)).to.contain('1 wrong. Change what is wrong first')
    expect(drawSummary([ok('a', '')], plain)).to.contain('All is well.')
  })

  it('calls a disk full before it is', () => {
    const gibibyte = 1024 ** 3
    expect(roomFinding('/data', 100 * gibibyte, 200 * gibibyte)).to.deep.equal(ok('disk', '100 GiB of 200 GiB are free where /data is'))
    expect(roomFinding('/data', 1.5 * gibibyte, 20 * gibibyte)).to.deep.include({
      level: 'attention',
      words: '1.5 GiB of 20 GiB are free where /data is',
    })
    expect(roomFinding('/data', 15 * gibibyte, 1000 * gibibyte).level).to.equal('attention')
    expect(roomFinding('/data', 0.4 * gibibyte, 20 * gibibyte).level).to.equal('wrong')
    expect(roomFinding('/data', 0, 20 * gibibyte).advice.join('\n'))
      .to.contain('store_path')
      .and.contain('keep_remote')
  })
})
