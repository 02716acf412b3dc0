import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface PageProps {
  title: string;
  /** One line that says what the view is for. */
  lead?: ComponentChildren;
  /** Of the whole view: a window of time, a button. */
  actions?: ComponentChildren;
  /** The view above this one. */
  up?: { label: string; href: string };
  children: ComponentChildren;
}

/** Where a browser begins, the first key goes to the first link of the page; only later views take the focus. */
let isFirstView = true;

/** A view: its heading takes the focus when it opens, so that a screen reader says where one is. */
export function Page({ title, lead, actions, up, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Signalbox`;
    if (!isFirstView) heading.current?.focus({ preventScroll: true });
    isFirstView = false;
    scrollTo(0, 0);
  }, [title]);
  return (
    <>
      <header class="page-head">
        <div>
          {up === undefined ? null : (
            <a class="up" href={up.href}>
              ‹ {up.label}
            </a>
          )}
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {lead === undefined ? null : <p class="lead">{lead}</p>}
        </div>
        {actions === undefined ? null : <div class="page-actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

interface PanelProps {
  title: ComponentChildren;
  note?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
}

/** A part of a view with a heading of its own. */
export function Panel({ title, note, actions, children }: PanelProps) {
  return (
    <section class="panel">
      <header class="panel-head">
        <div>
          <h2>{title}</h2>
          {note === undefined ? null : <p class="dim">{note}</p>}
        </div>
        {actions === undefined ? null : <div class="page-actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}
