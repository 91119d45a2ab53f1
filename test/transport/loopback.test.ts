import { systemHost } from '../../src/transport/host.ts'
import { loopback } from './loopback.ts'
import { transportContract } from './transport.contract.ts'

transportContract('loopback', async () => {
  const [a, b] = loopback(systemHost, { delayMs: 1 })
  return { a, b }
})
