import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { MinerError } from '../errors.ts';
import { untilAborted } from '../until-aborted.ts';
import { type Pm2Process, parseProcessList } from './process-list.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The process manager of this user. */
export interface Pm2 {
  /** The program, as a person calls it. */
  readonly program: string;
  /**
   * All its processes; none while its daemon does not run. Does not start the daemon.
   * @throws also the signal's reason once it is aborted
   */
  list(signal: AbortSignal): Promise<Pm2Process[]>;
  /** Starts the applications of an ecosystem file. */
  start(ecosystemFile: string, more: Environment): Promise<void>;
  /** Ends a process after its time to drain, and forgets it. */
  delete(id: number): Promise<void>;
  /** Follows the log of a process on this terminal until a signal ends that. */
  followLog(name: string, flags: readonly string[], signal: AbortSignal): Promise<void>;
  /** The file with the standard error of a process. */
  errorLog(name: string): string;
  /** Whether `pm2 resurrect`, as after a reboot, would start a process of this name. */
  isSaved(name: string): boolean;
}

/** How long a command of pm2 may take, in milliseconds: its daemon may hang. */
interface Limits {
  readonly list: number;
  readonly start: number;
  readonly delete: number;
}

interface Pm2Options {
  readonly program: string;
  readonly env: Environment;
  readonly limitsMs?: Limits;
}

interface RunOptions {
  readonly limitMs: number;
  readonly more?: Environment;
  /** Absent for a command that must not be interrupted. */
  readonly signal?: AbortSignal;
}

const LAST_LINES = 5;
/** A start may have to start the daemon, and a delete waits for the `kill_timeout` of ecosystem.config.cjs: 20 s. */
const LIMITS_MS: Limits = { list: 10_000, start: 30_000, delete: 40_000 };

/**
 * pm2, through its program: it has no other stable interface.
 * @throws in every method MinerError PM2_FAILED, also if the command does not end in time
 */
export function createPm2({ program, env, limitsMs = LIMITS_MS }: Pm2Options): Pm2 {
  const home = env.PM2_HOME ?? join(env.HOME ?? homedir(), '.pm2');

  /** @returns its standard output */
  async function run(args: readonly string[], { limitMs, more, signal }: RunOptions): Promise<string> {
    signal?.throwIfAborted();
    // In a process group of its own, so that Ctrl-C at the terminal does not interrupt what pm2 has begun.
    const options = { env: { ...env, ...more }, detached: true };
    const child = spawn(program, [...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const limit = AbortSignal.timeout(limitMs);
    const stop = signal === undefined ? limit : AbortSignal.any([limit, signal]);
    const ended = Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    const [stdout, stderr, [code]] = await untilAborted(ended, stop).catch((error: unknown) => {
      if (!stop.aborted) throw failed(args, error instanceof Error ? error.message : String(error));
      abandon(child);
      signal?.throwIfAborted();
      throw failed(args, `it did not end within ${limitMs / 1000} s: the daemon of pm2 may hang`);
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

    async list(signal) {
      // Every command of pm2 starts its daemon.
      if (!existsSync(join(home, 'rpc.sock'))) return [];
      const output = await run(['jlist'], { limitMs: limitsMs.list, signal });
      try {
        return parseProcessList(output);
      } catch {
        throw failed(['jlist'], `its answer is no list of processes: ${output}`);
      }
    },

    async start(ecosystemFile, more) {
      await run(['start', ecosystemFile], { limitMs: limitsMs.start, more });
    },

    async delete(id) {
      await run(['delete', String(id)], { limitMs: limitsMs.delete });
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

/** Ends a command and its process group. The daemon of pm2 is in no such group, and keeps running. */
function abandon({ pid, stdout, stderr }: ChildProcess): void {
  stdout?.destroy();
  stderr?.destroy();
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
