import { announcementWords } from '../admin/status-text.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import { unregisteredNotice } from '../miner/registration-log.ts';
import type { Instance } from './instance.ts';
import type { StartReport } from './start-under-pm2.ts';

/** The result of a start, as text. */
interface StartText {
  /** Whether the miner is ready, or runs unregistered as its settings allow. */
  readonly succeeded: boolean;
  readonly lines: readonly string[];
}

interface TextContext {
  readonly config: MinerConfig;
  readonly instance: Instance;
  /** How pm2 is called. */
  readonly pm2: string;
  /** How long the start waited for the miner; milliseconds. */
  readonly waitMs: number;
}

/** The lines that a person reads after starting a miner. */
export function startText({ hotkey, outcome, lastWords }: StartReport, context: TextContext): StartText {
  const { config, instance, waitMs } = context;
  const { name, script } = instance;
  switch (outcome.kind) {
    case 'ready': {
      const { registration } = outcome.report.chain;
      const uid = registration.state === 'registered' ? `, uid ${registration.uid}` : '';
      return {
        succeeded: true,
        lines: [
          `${name} is ready: ${config.minerType} with the hotkey ${hotkey}${uid}`,
          announcementWords(outcome.report),
          ...warnings(outcome.report.readiness.warnings),
          ...commands(context),
        ],
      };
    }
    case 'unregistered': {
      const { registration } = outcome.report.chain;
      const notice = 'burnTao' in registration ? unregisteredNotice(config, hotkey, registration) : '';
      return {
        succeeded: true,
        lines: [
          `${name} runs unregistered, so no validator calls it: ${notice}`,
          `it listens on port ${config.axon.port}: call that port with curl from another host; it answers with 200`,
          ...warnings(outcome.report.readiness.warnings),
          ...commands(context),
        ],
      };
    }
    case 'trying': {
      const { report, restarts } = outcome;
      const reasons = report?.readiness.reasons ?? [];
      const state = restarts === 0 ? 'runs' : `has ended ${restarts} times and was started again`;
      return {
        succeeded: false,
        lines: [
          `${name} ${state}; it is not ready after ${waitMs / 1000} s and keeps trying`,
          ...reasons.map((reason) => `  reason: ${reason}`),
          ...warnings(report?.readiness.warnings ?? []),
          ...(report === undefined ? lastWords.map((line) => `  ${line}`) : []),
          `${script} status shows whether it is ready; ${script} logs shows its log`,
        ],
      };
    }
    case 'ended':
      return {
        succeeded: false,
        lines: [
          `${name} ended${outcome.exitCode === undefined ? '' : ` with exit code ${outcome.exitCode}`} and is not started again`,
          ...lastWords.map((line) => `  ${line}`),
          `${script} logs shows its log`,
        ],
      };
  }
}

function warnings(sentences: readonly string[]): string[] {
  return sentences.map((warning) => `  warning: ${warning}`);
}

function commands({ instance: { script }, pm2 }: TextContext): string[] {
  return [
    `  status  ${script} status`,
    `  logs    ${script} logs`,
    `  stop    ${script} stop`,
    `  keep it over a reboot: ${pm2} save, and once: ${pm2} startup`,
  ];
}
