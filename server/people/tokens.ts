import { hash } from 'node:crypto'
import type { Home } from '../home.ts'

/** A new token of 256 random bits; its first letters say what it is for. */
export function makeToken(home: Pick<Home, 'random'>, kind: 'access' | 'refresh' | 'registration' | 'login' | 'openid'): string {
  return `tb${kind[0]}_${home.random(32).toString('base64url')}`
}

/** What is stored of a token. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'base64url')
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** An id for a device that did not bring one: ten capital letters, as clients show them. */
export function makeDeviceId(home: Pick<Home, 'random'>): string {
  return Array.from(home.random(10), (byte) => letters[byte % letters.length]).join('')
}
