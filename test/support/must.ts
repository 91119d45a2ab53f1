/** For inner loops, where `expect` would cost more than what is tested: throws `what` unless `holds`. */
export function must(holds: boolean, what: () => string): void {
  if (!holds) throw new Error(what())
}
