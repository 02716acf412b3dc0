import { createParser } from 'eventsource-parser';

export interface StreamEvent {
  name: string | undefined;
  data: string;
}

/** Reads the server-sent events of an answer up to its end. */
export async function readEvents(response: Response, onEvent: (event: StreamEvent) => void): Promise<void> {
  const parser = createParser({ onEvent: ({ event, data }) => onEvent({ name: event, data }) });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return;
  for (let read = await reader.read(); !read.done; read = await reader.read()) parser.feed(read.value);
}
