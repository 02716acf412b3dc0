/** What is asked for; one case is one body. */
export interface Case {
  name: CaseName;
  bodyKilobytes: number;
  stream: boolean;
  body: string;
}

const kinds = {
  pinned: { model: 'gpt-6-luna', stream: false },
  auto: { model: 'auto', stream: false },
  'pinned-stream': { model: 'gpt-6-luna', stream: true },
  'auto-stream': { model: 'auto', stream: true },
} as const;

export type CaseName = keyof typeof kinds;
export const caseNames = Object.keys(kinds) as CaseName[];

const question = 'What is the capital of France? ';

/** A request whose body has this size; the prompt is a question over and over. */
export function makeCase(name: CaseName, bodyKilobytes: number): Case {
  const { model, stream } = kinds[name];
  const withPrompt = (content: string): string =>
    JSON.stringify({ model, stream, messages: [{ role: 'user', content }] });
  const room = bodyKilobytes * 1024 - withPrompt('').length;
  return { name, bodyKilobytes, stream, body: withPrompt(question.repeat(room / question.length + 1).slice(0, room)) };
}
