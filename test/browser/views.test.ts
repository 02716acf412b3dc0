import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { addRacesAndKeys, addUpgrades, busy } from '../support/dashboard.ts';
import { type OpenDashboard, openDashboard } from '../support/dashboard-in-browser.ts';

let dashboard: OpenDashboard;

beforeAll(async () => {
  dashboard = await openDashboard({
    // Models that a test adds are nobody's, and would be unlisted.
    config: { ...busy, registry: { refresh_ms: 3_600_000 } },
    async prepare({ pool, origin, routerUrl, upgradeUrl }) {
      await Promise.all([addUpgrades(pool, upgradeUrl), addRacesAndKeys(routerUrl, origin)]);
    },
  });
  await vi.waitFor(
    async () => {
      const { seq } = (await (await fetch(`${dashboard.origin}/scores?limit=1`)).json()) as { seq: number };
      if (seq === 0) throw new Error('no score has changed yet');
    },
    { timeout: 90_000, interval: 200 },
  );
}, 120_000);
afterAll(() => dashboard.close());

async function newest(path: string, field: string): Promise<string> {
  const answer: unknown = await (await fetch(`${dashboard.origin}${path}`)).json();
  const id = new RegExp(`"${field}":"([^"]+)"`).exec(JSON.stringify(answer))?.[1];
  if (id === undefined) throw new Error(`${path} tells no ${field}`);
  return id;
}

/** Every view with something on it that only comes from the server. */
const views: ReadonlyArray<{ name: string; hash(): string | Promise<string>; shows(page: Page): Promise<void> }> = [
  {
    name: 'overview',
    hash: () => '',
    async shows(page) {
      await page.getByText('1 open incident').waitFor();
      await page.locator('dl').filter({ hasText: 'Net savings' }).getByText('of what it would have cost').waitFor();
      await page.getByRole('img', { name: /^Requests\. Requests: from/ }).waitFor();
      await page
        .getByText(/\d requests\/s$/)
        .first()
        .waitFor();
    },
  },
  {
    name: 'models',
    hash: () => 'models',
    async shows(page) {
      await page.getByRole('rowheader', { name: /gpt-6-luna sim-openai/ }).waitFor();
      await page.getByRole('img', { name: /Frontier, from the cheapest to the best: \w/ }).waitFor();
    },
  },
  {
    name: 'model',
    hash: () => 'models/sim-openai/gpt-6-luna',
    async shows(page) {
      await page.getByRole('heading', { name: 'gpt-6-luna' }).waitFor();
      await page.getByRole('img', { name: /^Calls\. Calls: from/ }).waitFor();
      await page.getByText('healthy').waitFor();
    },
  },
  {
    name: 'decisions',
    hash: () => 'decisions',
    async shows(page) {
      await page.getByRole('row').filter({ hasText: 'answered' }).nth(10).waitFor();
    },
  },
  {
    name: 'decision',
    hash: async () =>
      `decisions/${await newest('/decisions?outcome=success&origin=auto&complexity=simple&limit=1', 'decision_id')}`,
    async shows(page) {
      await page
        .getByRole('table', { name: /^Candidates/ })
        .getByText('chosen', { exact: true })
        .waitFor();
      await page.getByText('models left out').click();
      await page.getByText('Not in use for automatic choices').waitFor();
    },
  },
  {
    name: 'learning',
    hash: () => 'learning',
    async shows(page) {
      await page
        .getByRole('table', { name: /^Changes of scores/ })
        .getByText('→')
        .first()
        .waitFor();
      await page
        .getByRole('img', { name: /^Evidence that it became worse/ })
        .first()
        .waitFor();
    },
  },
  {
    name: 'races',
    hash: () => 'races',
    async shows(page) {
      await page
        .getByRole('row', { name: /consensus/ })
        .getByText('decided')
        .waitFor();
      await page.getByRole('table', { name: 'Models in races' }).waitFor();
    },
  },
  {
    name: 'race',
    hash: async () => `races/${await newest('/races?limit=1', 'race_id')}`,
    async shows(page) {
      await page.getByRole('table', { name: 'Lanes of this race' }).getByText('won', { exact: true }).waitFor();
    },
  },
  {
    name: 'upgrades',
    hash: () => 'upgrades',
    async shows(page) {
      await page.getByRole('row', { name: /new-2/ }).getByText('on trial, 10%').waitFor();
    },
  },
  {
    name: 'upgrade',
    hash: async () => `upgrades/${await newest('/services/upgrade/evaluations?state=canary', 'rollout_id')}`,
    async shows(page) {
      await page
        .getByRole('img', { name: /^Evidence that it is no worse/ })
        .first()
        .waitFor();
      await page.getByRole('table', { name: 'Steps of this rollout' }).getByText('it looks good').first().waitFor();
    },
  },
  {
    name: 'instances',
    hash: () => 'instances',
    async shows(page) {
      await page.getByRole('table', { name: 'Instances' }).getByText('live').waitFor();
    },
  },
  {
    name: 'keys',
    hash: () => 'keys',
    async shows(page) {
      const row = page.getByRole('row', { name: /laptop/ });
      await row.getByText(/\$\d.* of \$0\.20 a day/).waitFor();
      await row.getByRole('img', { name: /^Spent: \d/ }).waitFor();
    },
  },
  {
    name: 'audit',
    hash: () => 'audit',
    async shows(page) {
      const row = page.getByRole('row', { name: /key\.create laptop/ });
      await row.getByText('name: laptop').waitFor();
      await row.getByText(/\d more/).click();
      await row.getByText('gpt-*, claude-*').waitFor();
    },
  },
  {
    name: 'playground',
    hash: () => 'playground',
    async shows(page) {
      await page.getByLabel('What do you want to know?').waitFor();
    },
  },
];

it.each(views)('$name shows its facts, to everybody', { timeout: 60_000 }, async ({ hash, shows }) => {
  const { page, problems } = dashboard;
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.goto(`${dashboard.origin}/#/${await hash()}`);
  await shows(page);
  expect(await violations(new AxeBuilder({ page }))).toEqual([]);

  // What differs in the dark are colours, and on a phone the widths.
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 375, height: 812 });
  expect(await violations(new AxeBuilder({ page }).withRules(['color-contrast']))).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  expect(problems).toEqual([]);
});

async function violations(axe: AxeBuilder): Promise<string[]> {
  const found = await axe.setLegacyMode().analyze();
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
}
