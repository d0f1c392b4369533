import { expect } from 'chai'
import {
  buildWhatsappTemplate,
  readWhatsappBusiness,
  readWhatsappTemplates,
} from '../../../../bridges/protocols/graph/whatsapp-templates.ts'

const template = (name: string, more: Record<string, unknown> = {}, ...components: unknown[]) => ({
  ...{ id: '1', name, language: 'en', status: 'APPROVED', category: 'UTILITY' },
  ...more,
  components: components.length > 0 ? components : [{ type: 'BODY', text: 'words' }],
})

describe('templates of WhatsApp', () => {
  it('are listed when they are approved and want nothing but words', () => {
    const { templates, after } = readWhatsappTemplates({
      data: [
        template('plain'),
        template(
          'whole',
          {},
          { type: 'HEADER', format: 'TEXT', text: 'News' },
          { type: 'BODY', text: 'Hi {{2}} and {{1}}, {{2}}!' },
          { type: 'FOOTER', text: 'Us' },
        ),
        template(
          'named',
          { parameter_format: 'NAMED' },
          { type: 'BODY', text: 'Hi {{first_name}} on {{day}}' },
          { type: 'BUTTONS', buttons: [{ type: 'QUICK_REPLY', text: 'Yes' }] },
        ),
        template('waits', { status: 'PENDING' }),
        template('code', { category: 'AUTHENTICATION' }),
        template('picture', {}, { type: 'HEADER', format: 'IMAGE' }, { type: 'BODY', text: 'x' }),
        template('headed', {}, { type: 'HEADER', format: 'TEXT', text: 'Hi {{1}}' }, { type: 'BODY', text: 'x' }),
        template(
          'link',
          {},
          { type: 'BODY', text: 'x' },
          { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Go', url: 'https://example.org/{{1}}' }] },
        ),
        template('empty', {}, { type: 'FOOTER', text: 'x' }),
      ],
      paging: { cursors: { after: 'next' }, next: 'https://graph.example/more' },
    })
    expect(templates).to.deep.equal([
      { name: 'plain', language: 'en', text: 'words', slots: [] },
      { name: 'whole', language: 'en', text: 'News\nHi {{2}} and {{1}}, {{2}}!\nUs', slots: ['1', '2'] },
      { name: 'named', language: 'en', text: 'Hi {{first_name}} on {{day}}', slots: ['first_name', 'day'] },
    ])
    expect(after).to.equal('next')
  })

  it('are none in whatever else an answer may be', () => {
    for (const odd of [null, 7, 'x', [], {}, [null], [{}], [[]], [{ name: {}, language: 7, status: 'APPROVED', components: 'x' }]])
      expect(readWhatsappTemplates({ data: odd, paging: odd }), JSON.stringify(odd)).to.deep.equal({ templates: [] })
    expect(readWhatsappBusiness({ whatsapp_business_account: 7 })).to.equal(undefined)
  })

  it('are not built with a value too few, too many, empty or too long', () => {
    const one = { name: 'a', language: 'en', slots: ['1'] }
    for (const values of [[], ['a', 'b'], [''], ['x'.repeat(1025)]])
      expect(() => buildWhatsappTemplate('7', { to: { phone: '1' }, template: one, values }), String(values.length)).to.throw(RangeError)
  })
})
