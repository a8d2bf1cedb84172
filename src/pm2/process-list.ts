import { z } from 'zod';

/** A process in the list of pm2. */
export interface Pm2Process {
  /** Its number in pm2. */
  readonly id: number;
  readonly name: string;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** pm2's word for its state, such as `online` or `waiting restart`. */
  readonly status: string;
  /** Folder in which it runs. */
  readonly cwd: string;
  /** Exit code of its last end; undefined if it has not ended yet. */
  readonly exitCode: number | undefined;
  /** How often pm2 has started it again. */
  readonly restarts: number;
  /** Hotkey and admin port at its last start by start_miner.sh; undefined if something else started it. */
  readonly hotkey: string | undefined;
  readonly adminPort: number | undefined;
}

/** Whether pm2 is starting it and has no pid yet. */
export function isBeingStarted({ pid, status }: Pm2Process): boolean {
  return pid === undefined && (status === 'launching' || status === 'online');
}

/** States in which the process lives. In all others pm2 may still show an old pid. */
const LIVING: ReadonlySet<string> = new Set(['launching', 'online', 'stopping']);

/** pm2 mixes the environment of a process with its own values, so all values may be text, and only these are read. */
const LIST = z.array(
  z.object({
    pid: z.number().nullish(),
    name: z.string(),
    pm_id: z.number(),
    pm2_env: z.object({
      status: z.string(),
      pm_cwd: z.string(),
      exit_code: z.number().nullish().catch(undefined),
      restart_time: z.number().catch(0),
      SN34_HOTKEY: z.string().optional().catch(undefined),
      SN34_ADMIN_PORT: z.coerce.number().int().positive().optional().catch(undefined),
    }),
  }),
);

/**
 * Reads the output of `pm2 jlist`. The list is its last line; lines about pm2 itself may stand before it.
 * @throws an Error if there is no such list
 */
export function parseProcessList(output: string): Pm2Process[] {
  const list = LIST.parse(JSON.parse(output.trimEnd().split('\n').at(-1) ?? ''));
  return list.map(({ pid, name, pm_id: id, pm2_env: env }) => ({
    id,
    name,
    // 0 is no pid: a signal to it would go to the process group of this process.
    pid: LIVING.has(env.status) && pid ? pid : undefined,
    status: env.status,
    cwd: env.pm_cwd,
    exitCode: env.exit_code ?? undefined,
    restarts: env.restart_time,
    hotkey: env.SN34_HOTKEY,
    adminPort: env.SN34_ADMIN_PORT,
  }));
}
