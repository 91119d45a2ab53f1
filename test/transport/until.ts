/** Waits for `condition` on the real clock; fails with `what` after `timeoutMs`. */
export async function until(condition: () => boolean, what = condition.toString(), timeoutMs = 10_000): Promise<void> {
  const deadlineAt = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > deadlineAt) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
