import Sqlite from 'better-sqlite3'
import { expect } from 'chai'
import { prepare } from '../../../../server/storage/sqlite/prepare.ts'

describe('a statement for SQLite', () => {
  let connection: Sqlite.Database
  beforeEach(() => {
    connection = new Sqlite(':memory:')
  })
  afterEach(() => {
    connection.close()
  })

  it('has one plan, whatever is bound: nothing is compiled anew for another value', () => {
    connection.exec('CREATE TABLE many (often TEXT, odd TEXT); CREATE INDEX by_often ON many (often); CREATE INDEX by_odd ON many (odd)')
    const insert = connection.prepare('INSERT INTO many VALUES (?, ?)')
    for (let count = 0; count < 400; count++) insert.run(count < 300 ? 'usual' : `rare${count}`, `group${count % 9}`)
    connection.exec('ANALYZE')
    const sql = 'EXPLAIN QUERY PLAN SELECT * FROM many WHERE often = ? AND odd = ?'
    const plansOf = (statement: Sqlite.Statement) => ['usual', 'rare399'].map((often) => JSON.stringify(statement.all(often, 'group1')))
    expect(new Set(plansOf(connection.prepare(sql))), 'as SQLite does it').to.have.lengthOf(2)
    expect(new Set(plansOf(prepare(connection, sql)))).to.have.lengthOf(1)
  })

  it('takes every kind of value as it is', () => {
    const values = ['10', 10, 2.5, -9007199254740991n, null, Buffer.from([0, 255])]
    for (const value of values) {
      const told = connection.prepare('SELECT ?, typeof(?)').raw().get(value, value)
      expect(prepare(connection, 'SELECT ?, typeof(?)').raw().get(value, value)).to.deep.equal(told)
    }
    connection.exec('CREATE TABLE kinds (text TEXT, number BIGINT)')
    prepare(connection, 'INSERT INTO kinds VALUES (?, ?)').run('7', '7')
    const row = prepare(connection, 'SELECT text, number FROM kinds WHERE text = ? AND number = ? LIMIT ?').get('7', 7, 1)
    expect(row).to.deep.equal({ text: '7', number: 7 })
  })

  it('leaves question marks in texts and names alone', () => {
    const row = prepare(connection, `SELECT 'a?''b?' AS "one?", ? AS two`).get('x')
    expect(row).to.deep.equal({ 'one?': "a?'b?", two: 'x' })
  })
})
