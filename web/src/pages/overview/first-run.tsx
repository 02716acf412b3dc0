import type { Installation } from '../../../../src/contracts/dashboard.ts';
import { Copyable } from '../../components/copy.tsx';
import { Page, Panel } from '../../components/page.tsx';
import { plural } from '../../format/numbers.ts';
import { linkTo } from '../../route.ts';
import { anthropicExample, clientAddress, curlExample, openAiExample } from './clients.ts';

/** Before the first request: how to point a client here. It goes away by itself when one comes. */
export function FirstRun({ installation }: { installation: Installation }) {
  const { models, providers, is_simulated: isSimulated } = installation;
  const address = clientAddress(installation.router_url, location.hostname);
  return (
    <Page
      title="Welcome to Signalbox"
      lead={`It offers ${plural(models, 'model')} of ${plural(providers, 'provider')} and waits for the first request.`}
    >
      {isSimulated ? (
        <div class="notice">
          <p>
            No provider is configured, so answers come from a built-in simulator. To use your own, start Signalbox with
            keys in its environment, such as <code>OPENAI_API_KEY</code> or <code>ANTHROPIC_API_KEY</code>.
          </p>
        </div>
      ) : null}
      <Panel
        title="Try it here"
        note="Ask something, see which model would answer and why, and read the answer."
        actions={
          <a class="button primary" href={linkTo(['playground'])}>
            Open the playground
          </a>
        }
      >
        <p>Or point a client at it. The model “auto” leaves the choice to Signalbox.</p>
      </Panel>
      <Panel title="curl">
        <Copyable label="Command with curl" text={curlExample(address)} />
      </Panel>
      <div class="columns">
        <Panel title="OpenAI’s client">
          <Copyable label="Code with OpenAI’s client" text={openAiExample(address)} />
        </Panel>
        <Panel title="Anthropic’s client" note="Its address ends before /v1.">
          <Copyable label="Code with Anthropic’s client" text={anthropicExample(address)} />
        </Panel>
      </div>
    </Page>
  );
}
