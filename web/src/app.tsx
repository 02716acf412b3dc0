import { useCallback, useEffect } from 'preact/hooks';
import type { Session } from '../../src/contracts/dashboard-session.ts';
import { call, sessionEvents } from './api/client.ts';
import { RoleContext } from './api/session.ts';
import { useQuery } from './api/use-query.ts';
import { Loaded } from './components/loaded.tsx';
import { Shell } from './components/shell.tsx';
import { LoginPage } from './pages/login.tsx';
import { View } from './pages/view.tsx';

/** Asks first who is there: a session says what may be seen and done. */
export function App() {
  const session = useQuery<Session>('/session');
  const { refresh } = session;

  useEffect(() => {
    sessionEvents.addEventListener('expired', refresh);
    return () => sessionEvents.removeEventListener('expired', refresh);
  }, [refresh]);

  const logOut = useCallback(async () => {
    await call('/session', { method: 'DELETE' });
    refresh();
  }, [refresh]);

  return (
    <Loaded query={session} what="the session">
      {({ role, key_required: keyRequired }) =>
        role === null ? (
          <LoginPage onLogin={refresh} />
        ) : (
          <RoleContext.Provider value={role}>
            <Shell onLogOut={keyRequired ? () => void logOut() : undefined}>
              <View />
            </Shell>
          </RoleContext.Provider>
        )
      }
    </Loaded>
  );
}
