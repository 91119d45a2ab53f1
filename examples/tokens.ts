/**
 * Who may play: the web server that knows the players signs a token that lives for half a minute, the page sends it as a Bearer,
 * and the game server takes each token once.
 */
import { type Authorize, SignalRefusal } from 'gannet/node'
import { errors, jwtVerify, SignJWT } from 'jose'

/** What the game knows of a player. */
export interface Player {
  readonly id: string
  readonly name: string
}

const ISSUER = 'https://accounts.example'
const AUDIENCE = 'game'
const LIFETIME_SECONDS = 30

/** The web server's half. `now`: present time, ms since 1970. */
export function issueToken(player: Player, secret: Uint8Array, now: number = Date.now()): Promise<string> {
  const seconds = Math.floor(now / 1000)
  return new SignJWT({ name: player.name })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(player.id)
    .setJti(crypto.randomUUID())
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + LIFETIME_SECONDS)
    .sign(secret)
}

/** The game server's half: `listen({ authorize: authorizeWith(secret) })`. */
export function authorizeWith(secret: Uint8Array): Authorize<Player> {
  /** Tokens that were used and have not expired, by their instant of expiry, s; in the order of use, so nearly of expiry. */
  const used = new Map<string, number>()
  return async (request) => {
    const [scheme, token = ''] = (request.headers.get('authorization') ?? '').split(' ')
    if (scheme?.toLowerCase() !== 'bearer') return new SignalRefusal(401, 'no-token', 'send a token as Bearer')
    const claims = await verify(token, secret)
    if (claims instanceof SignalRefusal) return claims
    const now = Date.now() / 1000
    for (const [id, expiry] of used) {
      if (expiry > now) break
      used.delete(id)
    }
    const { jti = '', exp = 0, sub = '', name } = claims
    if (used.has(jti)) return new SignalRefusal(401, 'token-used', 'this token has been used')
    used.set(jti, exp)
    return { id: sub, name: String(name) }
  }
}

async function verify(token: string, secret: Uint8Array) {
  try {
    const options = { issuer: ISSUER, audience: AUDIENCE, requiredClaims: ['sub', 'jti', 'exp'] }
    return (await jwtVerify(token, secret, options)).payload
  } catch (error) {
    if (error instanceof errors.JWTExpired) {
      const data = { expiredAt: error.payload.exp }
      return new SignalRefusal(401, 'token-expired', 'this token has expired; get another', { data })
    }
    return new SignalRefusal(401, 'bad-token', 'this token is not ours')
  }
}
