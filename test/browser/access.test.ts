import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OpenDashboard, openDashboard } from '../support/dashboard-in-browser.ts';

const patient = { timeout: 60_000 };
const keys = { master_key: 'a-master-key-for-this-test', read_key: 'a-read-only-key-for-this-test' };

let dashboard: OpenDashboard;

beforeAll(async () => {
  dashboard = await openDashboard({ config: keys });
}, 120_000);
afterAll(() => dashboard.close());

async function logIn(key: string): Promise<void> {
  const { page } = dashboard;
  await page.getByLabel('Key').fill(key);
  await page.getByRole('button', { name: 'Log in' }).click();
}

it('lets nobody in by a wrong key', patient, async () => {
  const { page, problems } = dashboard;
  await page.goto(dashboard.origin);
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  expect((await new AxeBuilder({ page }).setLegacyMode().analyze()).violations).toEqual([]);
  await logIn('a-key-that-is-wrong');
  await page.getByText('This key is not right.').waitFor();
  // A browser notes each refusal by itself.
  expect(problems.splice(0)).toEqual([expect.stringContaining('401')]);
});

it('lets the read-only key look, and says why it may not act', patient, async () => {
  const { page, problems } = dashboard;
  await logIn(keys.read_key);
  await page.getByText('Read only').waitFor();
  await page.goto(`${dashboard.origin}/#/keys`);
  await page.getByText('No key was made yet').waitFor();
  expect(await page.getByRole('button', { name: 'New key …' }).isDisabled()).toBe(true);
  await page.getByText('This needs the master key').waitFor();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  expect(problems).toEqual([]);
});

it('shows the master key’s first visit how to point a client here, and lets it ask', patient, async () => {
  const { page, problems } = dashboard;
  await page.goto(`${dashboard.origin}/`);
  await logIn(keys.master_key);
  await page.getByRole('heading', { name: 'Welcome to Signalbox' }).waitFor();
  const address = dashboard.routerUrl;
  for (const client of ['Command with curl', 'Code with OpenAI’s client', 'Code with Anthropic’s client']) {
    expect(await page.getByLabel(client, { exact: true }).textContent()).toContain(address);
  }
  expect((await new AxeBuilder({ page }).setLegacyMode().analyze()).violations).toEqual([]);
  expect(await page.content()).not.toContain(keys.master_key);
  await page.getByRole('link', { name: 'Open the playground' }).click();
  await page.getByLabel('What do you want to know?').fill('What is the capital of France?');
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.getByRole('log', { name: 'Answer' }).getByText('Paris').waitFor();
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  expect(problems).toEqual([]);
});
