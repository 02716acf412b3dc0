import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';
import { glossary, type Term } from '../format/glossary.ts';

const marginPx = 8;
const gapPx = 6;

/** A word with its meaning, which opens by click, touch or key and closes by Escape or a click elsewhere. */
export function Hint({ term, children }: { term: Term; children?: ComponentChildren }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const note = useRef<HTMLSpanElement>(null);

  function place(): void {
    if (button.current === null || note.current === null) return;
    const at = button.current.getBoundingClientRect();
    const { style, offsetWidth, offsetHeight } = note.current;
    const left = Math.min(at.left, innerWidth - offsetWidth - marginPx);
    const fitsBelow = at.bottom + gapPx + offsetHeight < innerHeight;
    style.left = `${Math.max(marginPx, left)}px`;
    style.top = `${fitsBelow ? at.bottom + gapPx : Math.max(marginPx, at.top - gapPx - offsetHeight)}px`;
  }

  return (
    <>
      <button ref={button} type="button" class="hint" popovertarget={id} aria-describedby={id}>
        {children ?? term}
      </button>
      <span ref={note} id={id} popover="auto" class="hint-note" onToggle={place}>
        {glossary[term]}
      </span>
    </>
  );
}
