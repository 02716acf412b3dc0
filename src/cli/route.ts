import { Command, Option } from 'commander';
import pc from 'picocolors';
import { type Candidate, preferSchema, routeResponseSchema, type RouteResponse } from '../contracts/decision.ts';
import { callService } from './api-client.ts';
import { configFrom, type ConfigOptions, serviceUrl, tradeOff, withConfigOptions } from './options.ts';
import { print, table } from './terminal.ts';

interface RouteOptions extends ConfigOptions {
  url?: string;
  model?: string;
  prefer?: string;
  tradeoff?: number;
  json?: boolean;
}

export function routeCommand(): Command {
  return withConfigOptions(new Command('route'))
    .description('decide which model would answer a prompt, and say why, without calling it')
    .argument('<prompt>', 'the prompt')
    .option('-m, --model <name>', 'what to ask for', 'auto')
    .addOption(new Option('--prefer <what>', 'weigh one thing above the others').choices(preferSchema.options))
    .option('--tradeoff <number>', 'from 0 for quality to 1 for cost', tradeOff)
    .option('--json', 'the router’s answer as JSON')
    .option('--url <url>', 'address of the router')
    .action(async (prompt: string, options: RouteOptions) => {
      const config = configFrom(options);
      const answer = await callService(config, `${serviceUrl(config, 'router', options.url)}/route`, {
        query: prompt,
        model: options.model,
        ...(options.prefer === undefined ? {} : { prefer: options.prefer }),
        ...(options.tradeoff === undefined ? {} : { cost_quality_tradeoff: options.tradeoff }),
      });
      if (options.json === true) {
        print(JSON.stringify(answer, null, 2));
        return;
      }
      explain(routeResponseSchema.parse(answer));
    });
}

function explain(decision: RouteResponse): void {
  const percent = (share: number): string => `${Math.round(share * 100)}%`;
  const { candidates, excluded, excluded_counts: counts, summary } = decision.explanation;
  print(`${pc.bold(pc.green(decision.model_id))} ${pc.dim('at')} ${decision.provider}`);
  print(summary);
  print();
  print(
    `type ${pc.bold(decision.query_type)} (${percent(decision.query_type_confidence)}), ` +
      `complexity ${pc.bold(decision.complexity)} (${percent(decision.complexity_confidence)}), ` +
      `first token within ${decision.budget_ms} ms`,
  );
  if (decision.fallback_chain.length > 0) {
    print(`then ${decision.fallback_chain.map((step) => `${step.model_id} (${step.provider})`).join(', then ')}`);
  }
  if (candidates.length > 0) {
    print();
    const header = ['MODEL', 'PROVIDER', 'SCORE', 'QUALITY', 'PREFERRED', 'COST', 'LATENCY', 'TOTAL', 'ABOUT'];
    const rows = candidates.map(({ terms, ...candidate }) => [
      candidate.model,
      candidate.provider,
      scoreCell(candidate),
      signed(terms.quality),
      signed(terms.preference),
      signed(terms.cost),
      signed(terms.latency),
      pc.bold(terms.total.toFixed(3)),
      candidate.estimated_cost_usd === null ? 'price unknown' : `$${candidate.estimated_cost_usd.toPrecision(2)}`,
    ]);
    for (const line of table([header.map((text) => pc.dim(text)), ...rows])) print(line);
    if (candidates.some((candidate) => candidate.score_source === 'learned')) print(pc.dim('* learned from outcomes'));
  }
  const reasons = Object.entries(counts);
  if (reasons.length > 0) {
    print();
    const parts = reasons.map(([reason, count]) => {
      const example = excluded.find((exclusion) => exclusion.reason === reason);
      return `${count} ${reason}${example === undefined ? '' : ` (${example.model}: ${example.detail})`}`;
    });
    print(pc.dim(`excluded: ${parts.join('; ')}`));
  }
}

const signed = (value: number): string => (value > 0 ? `+${value.toFixed(3)}` : value.toFixed(3));

/** The score that was told, and what is believed by the newest answers where that is another. */
function scoreCell(candidate: Omit<Candidate, 'terms'>): string {
  const score = candidate.complexity_score.toFixed(2);
  const believed = (candidate.believed_score ?? candidate.complexity_score).toFixed(2);
  return `${believed === score ? score : `${score} → ${believed}`}${candidate.score_source === 'learned' ? '*' : ''}`;
}
