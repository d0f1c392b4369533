import { expect } from 'chai'
import { basePushRules, type PushRuleset } from '../../../server/core/push-rules.ts'
import { pushRulesContent, pushRulesOf } from '../../../server/people/push-rules.ts'
import { changeRule, deleteRule, putRule, readActions, readKind, readRule } from '../../../server/push/edit-rules.ts'

const base = basePushRules('@alice:hs.test')
const nowhere = { before: undefined, after: undefined }
const rule = { actions: ['notify'], conditions: [] }
const ownIds = (rules: PushRuleset) => rules.override.filter((one) => !one.default).map(({ rule_id }) => rule_id)
const put = (rules: PushRuleset, id: string, place: Partial<typeof nowhere> | { before?: string; after?: string } = {}) =>
  putRule(rules, 'override', id, rule, { ...nowhere, ...place })
const codeOf = (call: () => unknown) => {
  try {
    call()
  } catch (error) {
    return (error as { errcode?: string }).errcode
  }
  return 'none'
}

describe('putRule', () => {
  it('puts a new rule before all others of the user’s own, behind the master rule', () => {
    const rules = put(put(base, 'a'), 'b')
    expect(rules.override.slice(0, 4).map(({ rule_id }) => rule_id)).to.deep.equal(['.m.rule.master', 'b', 'a', '.m.rule.suppress_notices'])
    expect(rules.override[1]).to.deep.equal({ ...rule, rule_id: 'b', default: false, enabled: true })
  })

  it('puts a rule before or after another, before when both are named', () => {
    const rules = put(put(put(base, 'c'), 'b'), 'a')
    expect(ownIds(put(rules, 'x', { before: 'b' }))).to.deep.equal(['a', 'x', 'b', 'c'])
    expect(ownIds(put(rules, 'x', { after: 'b' }))).to.deep.equal(['a', 'b', 'x', 'c'])
    expect(ownIds(put(rules, 'x', { after: 'a', before: 'c' }))).to.deep.equal(['a', 'b', 'x', 'c'])
    expect(ownIds(put(rules, 'a', { after: 'c' }))).to.deep.equal(['b', 'c', 'a'])
  })

  it('leaves a changed rule where it was, and as it was switched', () => {
    const off = changeRule(put(put(base, 'b'), 'a'), 'override', 'b', { enabled: false })
    const rules = putRule(off, 'override', 'b', { actions: [], conditions: [] }, nowhere)
    expect(ownIds(rules)).to.deep.equal(['a', 'b'])
    expect(rules.override.find(({ rule_id }) => rule_id === 'b')).to.deep.include({ actions: [], enabled: false })
  })

  it('refuses ids and places that cannot be', () => {
    for (const id of ['', '.m.rule.mine', 'a/b', 'a\\b', 'x'.repeat(301), 'a\0'])
      expect(
        codeOf(() => put(base, id)),
        id,
      ).to.equal('M_INVALID_PARAM')
    expect(codeOf(() => put(base, 'a', { before: 'nothing' }))).to.equal('M_UNKNOWN')
    expect(codeOf(() => put(base, 'a', { after: '.m.rule.master' }))).to.equal('M_UNKNOWN')
  })

  it('refuses more than ten thousand rules', () => {
    const many = Array.from({ length: 10_000 }, (_, at) => ({ ...rule, rule_id: `r${at}`, default: false, enabled: true }))
    const rules = { ...base, room: many }
    expect(codeOf(() => put(rules, 'one more'))).to.equal('M_INVALID_PARAM')
    expect(codeOf(() => putRule(rules, 'room', 'r1', rule, nowhere))).to.equal('none')
  })
})

describe('deleteRule', () => {
  it('takes an own rule away, never a predefined one', () => {
    expect(ownIds(deleteRule(put(base, 'a'), 'override', 'a'))).to.deep.equal([])
    expect(codeOf(() => deleteRule(base, 'override', '.m.rule.master'))).to.equal('M_INVALID_PARAM')
    expect(codeOf(() => deleteRule(base, 'override', 'a'))).to.equal('M_NOT_FOUND')
  })
})

describe('readRule', () => {
  it('reads what belongs to the kind', () => {
    expect(readRule('content', { pattern: 'cake*lie', actions: ['notify'], conditions: 7 })).to.deep.equal({
      pattern: 'cake*lie',
      actions: ['notify'],
    })
    expect(readRule('room', { actions: [] })).to.deep.equal({ actions: [] })
    const conditions = [{ kind: 'event_match', key: 'type', pattern: 'm.*' }]
    expect(readRule('underride', { actions: [], conditions })).to.deep.equal({ actions: [], conditions })
  })

  it('refuses what is missing, wrong or too large', () => {
    expect(codeOf(() => readRule('override', {}))).to.equal('M_MISSING_PARAM')
    expect(codeOf(() => readRule('content', { actions: [] }))).to.equal('M_MISSING_PARAM')
    expect(codeOf(() => readRule('content', { actions: [], pattern: 7 }))).to.equal('M_BAD_JSON')
    expect(codeOf(() => readRule('override', { actions: [], conditions: {} }))).to.equal('M_BAD_JSON')
    expect(codeOf(() => readRule('override', { actions: [], conditions: [{ kind: 'event_match' }] }))).to.equal('M_BAD_JSON')
    expect(codeOf(() => readActions(['shout']))).to.equal('M_BAD_JSON')
    expect(codeOf(() => readActions([{ tweak: 1 }]))).to.equal('M_BAD_JSON')
    expect(codeOf(() => readActions([{ set_tweak: 'sound', value: 'x'.repeat(1024) }]))).to.equal('M_INVALID_PARAM')
    expect(codeOf(() => readKind('overrides'))).to.equal('M_INVALID_PARAM')
  })
})

describe('pushRulesOf', () => {
  it('gives a user who changed nothing the predefined rules', () => {
    expect(pushRulesOf('@alice:hs.test', undefined)).to.deep.equal(base)
  })

  it('keeps what a user changed, and takes the rest from this release', () => {
    const changed = changeRule(put(base, 'mine'), 'override', '.m.rule.master', { enabled: true })
    const old = { ...changed, override: changed.override.filter(({ rule_id }) => rule_id !== '.m.rule.reaction') }
    const withGone = { ...old, underride: [...old.underride, { ...rule, rule_id: '.m.rule.gone', default: true, enabled: true }] }
    expect(pushRulesOf('@alice:hs.test', pushRulesContent(withGone))).to.deep.equal(changed)
  })
})
