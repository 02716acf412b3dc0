import { useState } from 'preact/hooks';
import { ApiError, call } from '../api/client.ts';
import { Field } from '../components/field.tsx';
import { Failure } from '../components/loaded.tsx';
import { Page } from '../components/page.tsx';

/** Where a key is required. The key goes to the server once and is kept nowhere on the page. */
export function LoginPage({ onLogin }: { onLogin(): void }) {
  const [key, setKey] = useState('');
  const [failure, setFailure] = useState<string>();

  async function logIn(event: Event): Promise<void> {
    event.preventDefault();
    setFailure(undefined);
    try {
      await call('/session', { method: 'POST', body: { key } });
      onLogin();
    } catch (error) {
      const { status, message } = error instanceof ApiError ? error : { status: 0, message: 'unknown' };
      setFailure(status === 401 ? 'This key is not right.' : `Cannot log in: ${message}.`);
    }
  }

  return (
    <main class="login">
      <Page title="Log in" lead="This Signalbox is protected by a key.">
        <form class="form" onSubmit={(event) => void logIn(event)}>
          {failure === undefined ? null : <Failure message={failure} />}
          <Field label="Key" help="The master key, or the read-only key to look without changing anything.">
            {(attributes) => (
              <input
                {...attributes}
                type="password"
                autocomplete="current-password"
                required
                value={key}
                onInput={(event) => setKey(event.currentTarget.value)}
              />
            )}
          </Field>
          <button type="submit" class="primary">
            Log in
          </button>
        </form>
      </Page>
    </main>
  );
}
