import { expect, test } from 'playwright/test'
import { HASHES_OF_SEVEN, weatherHashes } from '../test/support/weather-run.ts'
import { startPageServer } from './fixtures/page-server.ts'

test('the same seed gives the same weather in Node and in this browser, to the last instant of the last packet', async ({
  page,
}) => {
  const pages = await startPageServer()
  try {
    await page.goto(`${pages.url}/weather/`)
    await page.waitForFunction(() => window.weatherHashes !== undefined)
    expect(await page.evaluate(() => window.weatherHashes)).toEqual(HASHES_OF_SEVEN)
    expect(weatherHashes('seven')).toEqual(HASHES_OF_SEVEN)
  } finally {
    await pages.close()
  }
})
