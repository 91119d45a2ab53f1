/**
 * The only home of wraparound. Everywhere else sequences are plain growing integers (exact to 2^53), so `<`, `-` and `%`
 * mean what they say. Method: RFC 3550 appendix A.1 and RFC 9000 appendix A.3 (nearest candidate to a reference).
 */

/** The value nearest to `near` whose low 16 bits are `low`; negative when no such value exists yet. */
export function expand16(low: number, near: number): number {
  const base = near - 0x8000
  return base + ((low - base) & 0xffff)
}

/** The value nearest to `near` whose low 24 bits are `low`; negative when no such value exists yet. */
export function expand24(low: number, near: number): number {
  const base = near - 0x800000
  return base + ((low - base) & 0xffffff)
}
