import { expect } from 'chai'
import { formatXMatrix, parseXMatrix } from '../../../../server/core/servers/x-matrix.ts'

const meant = { origin: 'a.example:8448', destination: 'b.example', keyId: 'ed25519:key_1', signature: 'AB+/cd' }

describe('an X-Matrix header', () => {
  const spellings: Readonly<Record<string, string>> = {
    'as the specification writes it': 'X-Matrix origin="a.example:8448",destination="b.example",key="ed25519:key_1",sig="AB+/cd"',
    'in another order, with a space after each comma':
      'X-Matrix sig="AB+/cd", key="ed25519:key_1", destination="b.example", origin="a.example:8448"',
    'with names and scheme in capitals': 'x-MATRIX ORIGIN="a.example:8448",Destination="b.example",KEY="ed25519:key_1",Sig="AB+/cd"',
    'without quotes, colons and all': 'X-Matrix origin=a.example:8448,destination=b.example,key=ed25519:key_1,sig=AB+/cd',
    'with several spaces and tabs':
      'X-Matrix   origin="a.example:8448" \t,\t destination="b.example"\t,key="ed25519:key_1" , sig="AB+/cd" ',
    'with backslashes': 'X-Matrix origin="a\\.example:8448",destination="b.exampl\\e",key="ed25519\\:key_1",sig="\\AB+/cd"',
    'with parameters that nobody knows':
      'X-Matrix origin="a.example:8448",new="a \\"b\\", c",destination="b.example",key="ed25519:key_1",sig="AB+/cd"',
    'with empty elements in its list': 'X-Matrix origin="a.example:8448",,destination="b.example", ,key="ed25519:key_1",sig="AB+/cd"',
    'with the long name of the signature':
      'X-Matrix origin="a.example:8448",destination="b.example",key="ed25519:key_1",signature="AB+/cd"',
    'with spaces around the equals signs': 'X-Matrix origin = "a.example:8448",destination= b.example,key ="ed25519:key_1",sig="AB+/cd"',
  }
  for (const [words, header] of Object.entries(spellings)) {
    it(`is read ${words}`, () => expect(parseXMatrix(header)).to.deep.equal(meant))
  }

  it('is read without a destination, as older servers write it', () => {
    const { destination, ...others } = { ...parseXMatrix('X-Matrix origin=a.example:8448,key="ed25519:key_1",sig="AB+/cd"') }
    expect(destination).to.equal(undefined)
    expect(others).to.deep.equal({ origin: meant.origin, keyId: meant.keyId, signature: meant.signature })
  })

  const wrong: Readonly<Record<string, string>> = {
    'is empty': '',
    'is of another scheme': 'Bearer abc',
    'has no parameters': 'X-Matrix ',
    'lacks the space': 'X-Matrixorigin="a",key="k",sig="s"',
    'lacks the origin': 'X-Matrix key="k",sig="s"',
    'lacks the key': 'X-Matrix origin="a",sig="s"',
    'lacks the signature': 'X-Matrix origin="a",key="k"',
    'says something twice': 'X-Matrix origin="a",key="k",sig="s",Origin="b"',
    'has a quote that does not end': 'X-Matrix origin="a",key="k",sig="s',
    'goes on after a quote': 'X-Matrix origin="a"b,key="k",sig="s"',
    'has a name without a value': 'X-Matrix origin="a",key="k",sig="s",more',
    'has a hundred parameters': `X-Matrix origin="a",key="k",sig="s",${Array.from({ length: 100 }, (_, n) => `p${n}=1`).join()}`,
  }
  for (const [words, header] of Object.entries(wrong)) {
    it(`is none when it ${words}`, () => expect(parseXMatrix(header)).to.equal(undefined))
  }

  it('is read, or refused, however long a value is', () => {
    const said = (filling: string) => parseXMatrix(`X-Matrix origin="a",key="k",sig="s",x=${filling}`)?.origin
    for (const filling of ['\\'.repeat(16_000), 'a='.repeat(8000), `"${'\\"'.repeat(8000)}"`]) expect(said(filling)).to.equal('a')
    for (const filling of ['"'.repeat(16_000), ' '.repeat(16_000), '"\\"'.repeat(5000)]) expect(said(filling)).to.equal(undefined)
  })

  it('is written as it is read', () => {
    expect(formatXMatrix(meant)).to.equal(spellings['as the specification writes it'])
    expect(parseXMatrix(formatXMatrix(meant))).to.deep.equal(meant)
  })
})
