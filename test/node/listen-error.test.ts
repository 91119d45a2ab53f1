import { expect, test } from 'vitest'
import { listenError } from '../../src/node/listen-error.ts'

test.each([
  ['EADDRINUSE', 'port-in-use'],
  ['EACCES', 'port-denied'],
  ['EADDRNOTAVAIL', 'bad-address'],
  ['ENOTFOUND', 'bad-address'],
  ['EMFILE', 'listen-failed'],
])('%s becomes %s and names protocol, port and address', (errno, code) => {
  const cause = Object.assign(new Error(`bind ${errno}`), { code: errno })
  const error = listenError('TCP', 3000, '::1', cause)
  expect([error.code, error.cause]).toEqual([code, cause])
  expect(error.message).toMatch(/^TCP port \[::1\]:3000 /)
  expect(listenError('UDP', 5, undefined, cause).message).toMatch(/^UDP port 5 \(all addresses\) /)
})
