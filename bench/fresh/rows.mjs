// Rows of the bench in a file.
import { readFileSync, writeFileSync } from 'node:fs'

/** @typedef {import('./run.mjs').Row} Row */

/** A JSON number that every reader takes for infinity, since JSON has no word for it (RFC 8259, section 6). */
const INFINITE = '1e999'

/**
 * NaN becomes null.
 * @param {readonly Row[]} rows
 */
export function jsonOf(rows) {
  const text = JSON.stringify(rows, (_, value) => (value === Number.POSITIVE_INFINITY ? INFINITE : value), 2)
  return `${text.replaceAll(`"${INFINITE}"`, INFINITE)}\n`
}

/**
 * @param {string} text
 * @returns {Row[]}
 */
export function rowsOf(text) {
  return JSON.parse(text, (_, value) => value ?? Number.NaN)
}

/**
 * @param {string} file
 * @param {readonly Row[]} rows
 */
export function writeRows(file, rows) {
  writeFileSync(file, jsonOf(rows))
}

/** @param {string} file */
export function readRows(file) {
  return rowsOf(readFileSync(file, 'utf8'))
}
