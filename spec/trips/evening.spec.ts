import { expect } from 'chai'
import { members } from './cast.ts'
import { type Act, evening, expectedOf, faultsIn } from './evening.ts'
import { numbers } from './scene.ts'
import { cellsOf, wrap } from './side-by-side.ts'

const acts = evening.filter((act): act is Exclude<Act, { kind: 'passes' }> => act.kind !== 'passes')
const secret = Object.values(numbers)

describe('the judge of the demo’s evening', () => {
  const notice = 'Messenger bridge: ↩ “The bike is washed” Ben Berg: More than 24 hours have passed.'
  const everything = (who: (typeof members)[number]) => expectedOf(acts, who).map((line) => (typeof line === 'string' ? line : notice))

  it('finds nothing wrong with somebody who sees everything once', () => {
    for (const who of members) expect(faultsIn(everything(who), acts, who, secret), who).to.deep.equal([])
  })

  it('finds whatever somebody misses, sees twice or should not see', () => {
    for (const who of members) {
      const lines = everything(who)
      for (const at of lines.keys()) {
        expect(faultsIn(lines.toSpliced(at, 1), acts, who, secret), lines[at]).to.have.length(1)
        expect(faultsIn([...lines, lines[at] ?? ''], acts, who, secret), lines[at]).to.have.length(1)
      }
      expect(faultsIn([...lines, 'Dora (WhatsApp): hello'], acts, who, secret)).to.have.length(1)
    }
  })

  it('finds a stranger’s number, however it is written', () => {
    const spaced = secret[0]?.replace(/(\d{3})/g, '$1 ') ?? ''
    expect(faultsIn([...everything('messenger'), `Ana (WhatsApp): ${spaced}`], acts, 'messenger', secret)).to.include('sees a phone number')
  })

  it('expects of the person for whom a closed window kept a message that they see it when they have written, and not before', () => {
    const at = acts.findIndex((act) => act.kind === 'says' && act.kept)
    const kept = acts[at]
    const line = kept?.kind === 'says' ? `Alice (Matrix): ${kept.text}` : ''
    expect(expectedOf(acts.slice(0, at + 1), 'messenger')).not.to.include(line)
    expect(expectedOf(acts.slice(0, at + 1), 'whatsapp')).to.include(line)
    expect(everything('messenger')).to.include(line)
  })
})

describe('a column of the demo', () => {
  it('holds every line within its cells, whatever stands in it', () => {
    const texts = [
      'Is the blue bike still for sale? 🚲',
      `https://example.org/${'a'.repeat(60)}`,
      '漢字'.repeat(20),
      '😍 “Here it is”\nand more',
    ]
    for (const text of texts)
      for (const cells of [17, 27, 36])
        for (const line of wrap(text, cells)) expect(cellsOf(line), `${cells}: ${line}`).to.be.at.most(cells)
  })
})
