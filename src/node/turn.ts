import type { IceServer } from './ice-servers.ts'

export interface TurnOptions {
  /** coturn's `static-auth-secret`; stays on the server. */
  readonly secret: string
  /** The TURN server's addresses, such as `turn:turn.example:3478`. */
  readonly urls: string | readonly string[]
  /** How long a client may begin to use them, seconds. Default 3,600. */
  readonly ttlSeconds?: number
  /** Names the user in the TURN server's logs. Default none. */
  readonly user?: string
  /** Present time, ms since 1970, as the TURN server's clock has it. Default `Date.now()`. */
  readonly now?: number
}

/**
 * Short-lived credentials for a coturn with `use-auth-secret`: the name is the instant of expiry, the password its HMAC-SHA1 under
 * the shared secret ("A REST API for access to TURN services", draft-uberti-behave-turn-rest-00). Give them to `listen` and to the
 * page's `connect` alike.
 */
export async function turnCredentials(options: TurnOptions): Promise<Required<IceServer>> {
  const { secret, urls, ttlSeconds = 3600, user, now = Date.now() } = options
  const expiry = Math.floor(now / 1000) + ttlSeconds
  const username = user === undefined ? `${expiry}` : `${expiry}:${user}`
  const encoder = new TextEncoder()
  const algorithm = { name: 'HMAC', hash: 'SHA-1' }
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign'])
  const mac = await crypto.subtle.sign('HMAC', key, encoder.encode(username))
  return { urls, username, credential: Buffer.from(mac).toString('base64') }
}
