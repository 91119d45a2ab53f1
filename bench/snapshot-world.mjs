/**
 * A plain with things that move over it as in a game: each turns towards goals of its own, speeds up and slows down, some
 * rest a while. Metres, seconds, radians.
 */

const SIZE = 900
const TURN_PER_SECOND = 2

/** @typedef {{ x: number, y: number, z: number, yaw: number, hp: number }} Entity */

/** The schema of the codec table in the notes: 84 bits an entity with its 16-bit id. @param {any} codec */
export function entitySchema({ struct, quantized, angle, uint }) {
  return struct({
    x: quantized(-512, 512, 1 / 64),
    y: quantized(-512, 512, 1 / 64),
    z: quantized(-512, 512, 1 / 64),
    yaw: angle(12),
    hp: uint(8),
  })
}

/** A world of `count` entities. @param {number} count @param {() => number} random floats from 0 to 1 @param {number} restShare share that rests at any time */
export function createWorld(count, random, restShare = 0) {
  const between = (/** @type {number} */ a, /** @type {number} */ b) => a + (b - a) * random()
  const movers = Array.from({ length: count }, (_, i) => ({
    id: i * 3 + 1,
    x: between(-SIZE / 2, SIZE / 2),
    y: between(-SIZE / 2, SIZE / 2),
    z: between(0, 30),
    yaw: between(-Math.PI, Math.PI),
    hp: 100,
    speed: between(2, 8),
    wantedSpeed: between(2, 8),
    goal: between(-Math.PI, Math.PI),
    restMs: random() < restShare ? 1000 : 0,
  }))
  return {
    movers,
    /** @param {number} ms */
    step(ms) {
      const seconds = ms / 1000
      for (const mover of movers) {
        if (mover.restMs > 0) {
          mover.restMs -= ms
          continue
        }
        if (random() < restShare * seconds) mover.restMs = 1000
        if (random() < 0.5 * seconds) mover.goal = between(-Math.PI, Math.PI)
        if (random() < 0.5 * seconds) mover.wantedSpeed = between(2, 8)
        if (random() < 0.1 * seconds) mover.hp = Math.max(1, mover.hp - Math.floor(between(1, 30)))
        let turn = mover.goal - mover.yaw
        turn -= Math.round(turn / (2 * Math.PI)) * 2 * Math.PI
        mover.yaw += Math.max(-TURN_PER_SECOND * seconds, Math.min(TURN_PER_SECOND * seconds, turn))
        mover.speed += Math.max(-6 * seconds, Math.min(6 * seconds, mover.wantedSpeed - mover.speed))
        mover.x += Math.cos(mover.yaw) * mover.speed * seconds
        mover.y += Math.sin(mover.yaw) * mover.speed * seconds
        mover.z = 15 + 10 * Math.sin(mover.x / 60) * Math.cos(mover.y / 60)
        if (Math.hypot(mover.x, mover.y) > SIZE / 2) mover.goal = Math.atan2(-mover.y, -mover.x)
      }
    },
    /** @returns {[number, Entity][]} */
    entities() {
      return movers.map(({ id, x, y, z, yaw, hp }) => [id, { x, y, z, yaw, hp }])
    },
  }
}
