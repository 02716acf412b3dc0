#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { messageOf, SignalboxError, StartupError } from '../platform/core/errors.ts';
import { version } from '../platform/core/version.ts';
import { auditCommand } from './audit.ts';
import { configCommand } from './config.ts';
import { deadLettersCommand } from './dead-letters.ts';
import { doctorCommand } from './doctor.ts';
import { evaluateCommand } from './evaluate.ts';
import { importCommand } from './import.ts';
import { keysCommand } from './keys.ts';
import { migrateCommand } from './migrate.ts';
import { modelsCommand } from './models.ts';
import { policyCommand } from './policy.ts';
import { purgeCommand } from './purge.ts';
import { raceCommand } from './race.ts';
import { routeCommand } from './route.ts';
import { savingsCommand } from './savings.ts';
import { scoresCommand } from './scores.ts';
import { serveCommand } from './serve.ts';
import { simCommand } from './sim.ts';
import { teamsCommand } from './teams.ts';
import { printProblem } from './terminal.ts';
import { upCommand } from './up.ts';
import { upgradeCommand } from './upgrade.ts';

const program = new Command('signalbox')
  .description('The LLM gateway that learns where to send each request.')
  .version(version)
  .showSuggestionAfterError()
  .configureHelp({ showGlobalOptions: true })
  // One line instead of the whole help: what is wrong, and where help is.
  .configureOutput({ outputError: (text, write) => write(`${text.trim().split('\n').join(' ')} (see --help)\n`) })
  .exitOverride();

for (const command of [
  upCommand(),
  serveCommand(),
  routeCommand(),
  raceCommand(),
  modelsCommand(),
  keysCommand(),
  teamsCommand(),
  auditCommand(),
  scoresCommand(),
  policyCommand(),
  savingsCommand(),
  evaluateCommand(),
  upgradeCommand(),
  deadLettersCommand(),
  configCommand(),
  importCommand(),
  simCommand(),
  purgeCommand(),
  migrateCommand(),
  doctorCommand(),
]) {
  program.addCommand(command.copyInheritedSettings(program));
  for (const part of command.commands) part.copyInheritedSettings(program);
}

// Whoever reads may have read enough, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its line; asking for help or the version is no failure.
    process.exitCode = error.exitCode;
  } else if (error instanceof StartupError || error instanceof SignalboxError) {
    printProblem(error.message);
    process.exitCode = 1;
  } else {
    printProblem(`unexpected error: ${messageOf(error)}`);
    if (process.argv.includes('--debug')) console.error(error);
    process.exitCode = 1;
  }
}
