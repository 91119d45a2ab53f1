/** The element with this id, as the class that the caller needs. A page without it is a mistake of ours. */
export function element<E extends Element>(id: string, kind: new () => E): E {
  const found = document.getElementById(id)
  if (found instanceof kind) return found
  throw new Error(`#${id}: expected ${kind.name}, got ${found?.constructor.name ?? 'nothing'}`)
}

/** The element with this `data-testid`. */
export function marked(testId: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`[data-testid="${testId}"]`)
  if (found) return found
  throw new Error(`data-testid="${testId}": no such element`)
}

/** Sets the text only when it differs, so that nothing is laid out or read aloud for no news. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** `1,204`, or `–` for what was not measured. */
export function count(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? '–' : whole.format(value)
}

/** One decimal below 10, none above, or `–` for what was not measured. */
export function measure(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–'
  return value < 9.95 ? value.toFixed(1) : whole.format(value)
}
