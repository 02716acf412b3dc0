import type { ComponentChildren } from 'preact';
import { useContext, useState } from 'preact/hooks';
import { LiveContext, useLive } from '../api/live.ts';
import { RoleContext } from '../api/session.ts';
import { views } from '../pages/views.ts';
import { linkTo, useRoute } from '../route.ts';
import { LiveStatus } from './live-status.tsx';
import { ThemeSwitch } from './theme-switch.tsx';

interface ShellProps {
  /** Undefined where there is no session to end. */
  onLogOut: (() => void) | undefined;
  children: ComponentChildren;
}

/** What stands around every view. */
export function Shell({ onLogOut, children }: ShellProps) {
  const live = useLive(true);
  const role = useContext(RoleContext);
  const { path } = useRoute();
  const [isOpen, setOpen] = useState(false);
  const current = path[0] ?? 'overview';

  return (
    <LiveContext.Provider value={live}>
      <div class="shell">
        <a
          class="skip"
          href="#main"
          onClick={(event) => {
            event.preventDefault();
            document.querySelector<HTMLElement>('#main')?.focus();
          }}
        >
          Skip to the content
        </a>
        <header class="top">
          <a class="brand" href={linkTo([])}>
            <svg viewBox="0 0 32 32" aria-hidden="true">
              <rect width="32" height="32" rx="7" />
              <path d="M6 22h7l6-12h7" />
            </svg>
            Signalbox
          </a>
          <button
            type="button"
            class="menu-button"
            aria-expanded={isOpen}
            aria-controls="navigation"
            onClick={() => setOpen(!isOpen)}
          >
            Menu
          </button>
        </header>
        <nav id="navigation" class={isOpen ? 'navigation open' : 'navigation'} aria-label="Views">
          <ul>
            {views.map(({ name, label }) => (
              <li key={name}>
                <a
                  href={linkTo(name === 'overview' ? [] : [name])}
                  aria-current={name === current ? 'page' : undefined}
                  onClick={() => setOpen(false)}
                >
                  {label}
                </a>
              </li>
            ))}
          </ul>
          <div class="navigation-foot">
            <LiveStatus live={live} />
            <ThemeSwitch />
            <p class="links">
              <a href="/docs">API</a>
              {role === 'read' ? <span class="dim">Read only</span> : null}
              {onLogOut === undefined ? null : (
                <button type="button" class="plain" onClick={onLogOut}>
                  Log out
                </button>
              )}
            </p>
          </div>
        </nav>
        <main id="main" tabIndex={-1}>
          {children}
        </main>
      </div>
    </LiveContext.Provider>
  );
}
