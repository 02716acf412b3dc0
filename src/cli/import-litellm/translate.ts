import { aliasesOf } from './aliases.ts';
import { readDeployments } from './deployments.ts';
import { placeDeployments } from './providers-of.ts';
import { createReport, type Finding, leavesOf } from './report.ts';
import { carrySettings } from './settings.ts';

export interface Translation {
  /** What our file is to hold. */
  config: Record<string, unknown>;
  findings: Finding[];
}

/** Translates the content of LiteLLM's configuration file. Every value of it is spoken of in the findings. Pure. */
export function translateLitellm(file: Record<string, unknown>): Translation {
  const report = createReport(leavesOf(file));
  const deployments = readDeployments(file, report);
  const { providers, providerOf } = placeDeployments(deployments);
  const aliases = aliasesOf(file, deployments, providerOf, report);
  const draft = {
    ...(providers.length === 0 ? {} : { providers }),
    ...(Object.keys(aliases).length === 0 ? {} : { routing: { aliases } }),
  };
  return { config: carrySettings(file, draft, report), findings: report.findings() };
}
