import { isIPv6 } from 'node:net'
import { TransportError, type TransportErrorCode } from '../transport/errors.ts'

const CODES: Readonly<Record<string, TransportErrorCode>> = {
  EADDRINUSE: 'port-in-use',
  EACCES: 'port-denied',
  EADDRNOTAVAIL: 'bad-address',
  ENOTFOUND: 'bad-address',
  EAI_AGAIN: 'bad-address',
  EINVAL: 'bad-address',
}

const HINTS: Readonly<Partial<Record<TransportErrorCode, string>>> = {
  'port-in-use': 'is in use by another program, or by this one; stop it or choose another port',
  'port-denied': 'may not be opened by this user; below 1024 that takes privileges',
  'bad-address': 'cannot be opened: that is no address of this machine',
}

/** What the system said about opening a port, as a typed error that names address and port. */
export function listenError(
  protocol: 'TCP' | 'UDP',
  port: number,
  address: string | undefined,
  cause: NodeJS.ErrnoException,
): TransportError {
  const code = CODES[cause.code ?? ''] ?? 'listen-failed'
  const what = HINTS[code] ?? `could not be opened (${cause.message})`
  return new TransportError(code, `${protocol} port ${addressText(port, address)} ${what}`, { cause })
}

export function addressText(port: number, address: string | undefined): string {
  if (address === undefined) return `${port} (all addresses)`
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`
}
