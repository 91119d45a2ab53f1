/** Numbers as people read them: three figures at most, and `–` for what was not measured. */

/** What stands for a number that is not there. */
export const NOTHING = '–'

/** `62`, `6.2`, `1.2 s`: milliseconds. */
export function milliseconds(value: number): string {
  if (!Number.isFinite(value)) return NOTHING
  if (value >= 999.5) return `${(value / 1000).toFixed(value < 9995 ? 1 : 0)} s`
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ms`
}

/** `3.1 %` of a share from 0 to 1. */
export function percent(value: number): string {
  if (!Number.isFinite(value)) return NOTHING
  const points = value * 100
  return `${points < 9.95 ? points.toFixed(1) : points.toFixed(0)} %`
}

/** `812 B`, `4.1 kB`, `62 kB`. */
export function bytes(value: number): string {
  if (!Number.isFinite(value)) return NOTHING
  if (value < 999.5) return `${value.toFixed(0)} B`
  if (value < 999_500) return `${(value / 1000).toFixed(value < 9950 ? 1 : 0)} kB`
  return `${(value / 1e6).toFixed(1)} MB`
}

/** `0`, `0.4`, `60`: events a second. */
export function perSecond(value: number): string {
  if (!Number.isFinite(value)) return NOTHING
  return value > 0 && value < 9.95 ? value.toFixed(1) : value.toFixed(0)
}
