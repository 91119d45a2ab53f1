import { raceSignal } from './deadline.ts'

/**
 * The text of `body`, or `undefined` as soon as it has more than `maxBytes`. Counts what comes, never what a header
 * promises. Rejects with the signal's reason when it fires; the stream is cancelled on every path but the good one.
 */
export async function readText(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (body === null) return ''
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await raceSignal(reader.read(), signal)
      if (done) return text + decoder.decode()
      bytes += value.length
      if (bytes > maxBytes) break
      text += decoder.decode(value, { stream: true })
    }
  } catch (error) {
    reader.cancel(error).catch(() => {})
    throw error
  }
  reader.cancel().catch(() => {})
  return undefined
}

/** The first characters of `text` on one line and in quotes, for an error message. */
export function excerptOf(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return JSON.stringify(line.length > 80 ? `${line.slice(0, 80)}…` : line)
}
