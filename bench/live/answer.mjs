/**
 * The page's half: fetches what it is asked, and posts the answer, so that every browser can be asked without a driver.
 * @param {string} id of this page
 * @param {Record<string, (value: any) => unknown>} answers by name
 */
export async function answer(id, answers) {
  for (;;) {
    const question = await (await fetch(`/question/${id}`)).text()
    if (question === '') return
    void reply(id, answers, JSON.parse(question))
  }
}

/**
 * @param {string} id
 * @param {Record<string, (value: any) => unknown>} answers
 * @param {{ number: number, name: string, value: unknown }} question
 */
async function reply(id, answers, { number, name, value }) {
  /** @type {{ number: number, value?: unknown, error?: string }} */
  let given
  try {
    const found = answers[name]
    if (found === undefined) throw new Error(`no answer to ${name}`)
    given = { number, value: (await found(value)) ?? {} }
  } catch (error) {
    given = { number, error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) }
  }
  await fetch(`/answer/${id}`, { method: 'POST', body: JSON.stringify(given) })
}
