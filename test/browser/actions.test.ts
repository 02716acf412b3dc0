import { afterAll, beforeAll, expect, it } from 'vitest';
import { appendAudit } from '../../src/platform/store/audit-log.ts';
import { operator } from '../support/author.ts';
import { addUpgrades, busy, waitingRolloutId } from '../support/dashboard.ts';
import { type OpenDashboard, openDashboard } from '../support/dashboard-in-browser.ts';

const patient = { timeout: 60_000 };

let dashboard: OpenDashboard;

beforeAll(async () => {
  dashboard = await openDashboard({
    config: { ...busy, registry: { refresh_ms: 3_600_000 }, upgrade: { mode: 'approve' } },
    context: { viewport: { width: 1280, height: 900 } },
    async prepare({ pool, origin, upgradeUrl }) {
      await addUpgrades(pool, upgradeUrl);
      await send(origin, 'POST', '/teams', { name: 'crew', requests_per_minute: 60 });
      // More than a page of the audit log holds.
      const looked = { service: 'central', author: operator, action: 'team.look', object: 'crew' } as const;
      for (let row = 0; row < 50; row += 1) await appendAudit(pool, looked);
    },
  });
}, 120_000);
afterAll(() => dashboard.close());

async function send(origin: string, method: 'POST' | 'PATCH', path: string, body: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json', 'x-signalbox-actor': 'ada' };
  const response = await fetch(origin + path, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
}

it('narrows the log, and pages through it by addresses', patient, async () => {
  const { page } = dashboard;
  await page.goto(`${dashboard.origin}/#/decisions`);
  const rows = page.locator('tbody tr');
  await page.getByRole('link', { name: 'Older »' }).waitFor();
  await page.getByRole('link', { name: 'Older »' }).click();
  await page.getByRole('link', { name: '« Newest' }).waitFor();
  expect(page.url()).toContain('before=');
  await page.getByLabel('Complexity', { exact: true }).selectOption('complex');
  await page.waitForURL(/complexity=complex/);
  await page.getByLabel('Origin', { exact: true }).selectOption('pinned');
  await page.waitForURL(/origin=pinned/);
  await rows.filter({ hasText: 'pinned' }).first().waitFor();
  await expect.poll(() => rows.filter({ hasText: 'simple simple' }).count()).toBe(0);
  expect(await rows.count()).toBe(await rows.filter({ hasText: 'complex' }).filter({ hasText: 'pinned' }).count());
  await page.getByLabel('Slower than, ms').fill('99999999');
  await page.getByLabel('Slower than, ms').press('Tab');
  await page.getByRole('alert').getByText('Cannot read decisions').waitFor();
  // The one refusal that was provoked.
  expect(dashboard.problems.splice(0)).toEqual([expect.stringContaining('400')]);
  await page.getByLabel('Slower than, ms').fill('86400000');
  await page.getByLabel('Slower than, ms').press('Tab');
  await page.getByText('No decision matches').waitFor();
  expect(dashboard.problems).toEqual([]);
});

it('shows an answer of the playground as it comes, and takes feedback on it', patient, async () => {
  const { page } = dashboard;
  await page.goto(`${dashboard.origin}/#/playground`);
  await page.getByLabel('What do you want to know?').fill('What is the capital of France?');
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.getByRole('heading', { name: 'Why this model' }).waitFor();
  await page.getByRole('log', { name: 'Answer' }).getByText('Paris').waitFor();
  await page.getByText('all of it after').waitFor();
  await page.getByRole('button', { name: 'Bad answer' }).click();
  await page.getByText('Thank you.').waitFor();
  await page.getByRole('link', { name: 'Open this decision' }).click();
  await page.getByText('Feedback: 0% good.').waitFor();
  await page.getByRole('button', { name: 'Good answer' }).click();
  await page.getByText('Feedback: 100% good.').waitFor();
  expect(dashboard.problems).toEqual([]);
});

it('runs a race in the playground, lane by lane', patient, async () => {
  const { page } = dashboard;
  await page.goto(`${dashboard.origin}/#/playground?mode=race`);
  await page.getByLabel('What do you want to know?').fill('What is 9 times 8?');
  await page.getByRole('radio', { name: 'Best' }).check();
  await page.getByRole('button', { name: 'Start the race' }).click();
  await page.getByRole('table', { name: 'Lanes of the race' }).getByText('won', { exact: true }).waitFor();
  await page.getByRole('log', { name: 'Answer' }).getByText('72').waitFor();
  await page.getByRole('link', { name: 'Open this race' }).waitFor();
  expect(dashboard.problems).toEqual([]);
});

it('takes a step of an upgrade with a reason, and shows it in the log', patient, async () => {
  const { page } = dashboard;
  await page.goto(`${dashboard.origin}/#/upgrades/${waitingRolloutId}`);
  await page.getByRole('button', { name: 'Approve …' }).click();
  const dialog = page.getByRole('dialog', { name: 'Approve: lively-4' });
  await dialog.getByRole('button', { name: 'Approve' }).click();
  // Without a reason nothing happens.
  await dialog.getByLabel('Reason').fill('looks promising');
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await page.getByText('compared in copies').waitFor();
  await page.getByRole('row', { name: /approve.*looks promising/ }).waitFor();
  await page.getByRole('button', { name: 'Hold …' }).waitFor();
  expect(dashboard.problems).toEqual([]);
});

it('makes a key that is shown once, changes and revokes it', patient, async () => {
  const { page } = dashboard;
  await page.goto(`${dashboard.origin}/#/keys`);
  await page.getByRole('button', { name: 'New key …' }).click();
  await page.getByLabel('Name', { exact: true }).fill('phone');
  await page.getByLabel('Budget, USD').fill('5');
  await page.getByRole('button', { name: 'Make the key' }).click();
  const secret = await page.getByLabel('The new key', { exact: true }).textContent();
  expect(secret).toMatch(/^sk-sb-/);
  await page.getByRole('button', { name: 'I have it' }).click();
  expect(await page.content()).not.toContain(secret);
  await page.getByRole('row', { name: /phone/ }).getByText('of $5.00 a month').waitFor();
  await page.getByRole('button', { name: 'Edit phone' }).click();
  await page.getByLabel('Budget, USD').fill('7');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('row', { name: /phone/ }).getByText('of $7.00 a month').waitFor();
  await page.getByRole('button', { name: 'Revoke phone' }).click();
  await page.getByRole('button', { name: 'Revoke for ever' }).click();
  await page.getByText('No key was made yet').waitFor();
  expect(dashboard.problems).toEqual([]);
});

it('tells who changed what, narrowed by address and page by page', patient, async () => {
  const { page, origin, problems } = dashboard;
  await send(origin, 'PATCH', '/teams/crew', { requests_per_minute: 70 });
  await page.goto(`${origin}/#/audit`);
  await page.getByLabel('Action', { exact: true }).selectOption('Teams');
  await page.waitForURL(/action=team/);
  const newest = page.getByRole('row', { name: /anybody here \(ada\) 127\.0\.0\.1 team\.update crew/ }).first();
  await newest.getByText('requests_per_minute: 60 → 70').waitFor();
  await page.getByRole('link', { name: 'Older »' }).click();
  await page.getByRole('row', { name: /team\.create crew name: crew requests_per_minute: 60$/ }).waitFor();
  await page.getByRole('link', { name: 'crew' }).last().click();
  await page.waitForURL(/object=/);
  await newest.waitFor();
  await page.getByLabel('Last day').fill('2001-02-03');
  await page.getByText('No entry matches').waitFor();
  expect(page.url()).toContain('to=2001-02-03');
  expect(problems).toEqual([]);
});

it('puts scores back after asking', patient, async () => {
  const { page } = dashboard;
  await page.goto(`${dashboard.origin}/#/learning`);
  // Enough of the demo's answers change a score.
  const catalogue = page.getByRole('button', { name: 'Back to the catalogue …' });
  await page.locator('button:enabled', { hasText: 'Back to the catalogue' }).waitFor({ timeout: 40_000 });
  await catalogue.click();
  await page.getByRole('dialog', { name: 'Put scores back' }).getByRole('button', { name: 'Put back' }).click();
  await page
    .getByRole('cell', { name: /^put back to the catalogue/ })
    .first()
    .waitFor();
  expect(dashboard.problems).toEqual([]);
});

it('can be walked by the keyboard alone, also out of a dialog', patient, async () => {
  const { page } = dashboard;
  await page.goto(`${dashboard.origin}/`);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  const focused = () => page.evaluate('document.activeElement.textContent');
  await page.keyboard.press('Tab');
  expect(await focused()).toBe('Skip to the content');
  await page.keyboard.press('Enter');
  expect(await page.evaluate('document.activeElement.id')).toBe('main');
  await page.getByRole('link', { name: 'Keys and budgets' }).focus();
  await page.keyboard.press('Enter');
  await expect
    .poll(() => page.evaluate('document.activeElement.outerHTML'))
    .toBe('<h1 tabindex="-1">Keys and budgets</h1>');
  const opener = page.getByRole('button', { name: 'New team …' });
  await opener.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'New team' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await expect.poll(focused).toBe('New team …');
  expect(dashboard.problems).toEqual([]);
});
