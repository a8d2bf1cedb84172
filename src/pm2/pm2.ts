import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { MinerError } from '../errors.ts';
import { type Pm2Process, parseProcessList } from './process-list.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The process manager of this user. */
export interface Pm2 {
  /** How a person calls it. */
  readonly program: string;
  /** All its processes; none while its daemon does not run, which this does not start. */
  list(): Promise<Pm2Process[]>;
  /** Starts the applications of an ecosystem file. */
  start(ecosystemFile: string, more: Environment): Promise<void>;
  /** Ends a process, after the time to drain that it was started with, and forgets it. */
  delete(id: number): Promise<void>;
  /** Follows the log of a process on this terminal until it is interrupted. */
  followLog(name: string, flags: readonly string[], signal: AbortSignal): Promise<void>;
  /** The file that takes the standard error of a process. */
  errorLog(name: string): string;
  /** Whether `pm2 resurrect`, as after a reboot, would start a process of this name. */
  isSaved(name: string): boolean;
}

const LAST_LINES = 5;

/**
 * pm2 by its own program: it has no other interface that is stable.
 * @throws in every method MinerError PM2_FAILED
 */
export function createPm2({ program, env }: { readonly program: string; readonly env: Environment }): Pm2 {
  const home = env.PM2_HOME ?? join(env.HOME ?? homedir(), '.pm2');

  /** @returns its standard output */
  async function run(args: readonly string[], more: Environment = {}): Promise<string> {
    // In a group of its own: Ctrl-C at the terminal is for whoever asks, not for what pm2 has begun to do.
    const options = { env: { ...env, ...more }, detached: true };
    const child = spawn(program, [...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]).catch((error: unknown) => {
      throw failed(args, error instanceof Error ? error.message : String(error));
    });
    if (code !== 0) throw failed(args, `${stdout}\n${stderr}`);
    return stdout;
  }

  function failed(args: readonly string[], words: string): MinerError {
    const lines = words.split('\n').filter((line) => line.trim() !== '');
    return new MinerError(
      'PM2_FAILED',
      `${program} ${args.join(' ')}: ${lines.slice(-LAST_LINES).join('\n')}`,
    );
  }

  return {
    program,

    async list() {
      // Any command of pm2 starts its daemon.
      if (!existsSync(join(home, 'rpc.sock'))) return [];
      const output = await run(['jlist']);
      try {
        return parseProcessList(output);
      } catch {
        throw failed(['jlist'], `this is no list of processes: ${output}`);
      }
    },

    async start(ecosystemFile, more) {
      await run(['start', ecosystemFile], more);
    },

    async delete(id) {
      await run(['delete', String(id)]);
    },

    async followLog(name, flags, signal) {
      const child = spawn(program, ['logs', name, ...flags], { env, stdio: 'inherit', signal });
      await once(child, 'close');
    },

    errorLog: (name) => join(home, 'logs', `${name}-error.log`),

    isSaved(name) {
      try {
        const saved: unknown = JSON.parse(readFileSync(join(home, 'dump.pm2'), 'utf8'));
        return Array.isArray(saved) && saved.some((one: { name?: unknown }) => one.name === name);
      } catch {
        return false;
      }
    },
  };
}
