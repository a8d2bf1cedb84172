import { z } from 'zod';

/** A process as pm2 has it in its list. */
export interface Pm2Process {
  /** pm2's own number of it. */
  readonly id: number;
  readonly name: string;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** pm2's word for its state, such as `online` or `waiting restart`. */
  readonly status: string;
  /** Folder in which it runs. */
  readonly cwd: string;
  /** Of the last time it ended; undefined before. */
  readonly exitCode: number | undefined;
  /** Times that pm2 has started it again. */
  readonly restarts: number;
  /** What start_miner.sh has noted of it; undefined for a process that something else started. */
  readonly hotkey: string | undefined;
  readonly adminPort: number | undefined;
}

/** Whether pm2 is starting it just now, and has no pid of it yet. */
export function isBeingStarted({ pid, status }: Pm2Process): boolean {
  return pid === undefined && (status === 'launching' || status === 'online');
}

/** States in which the pid is that of a living process; in all others pm2 may still show an old one. */
const LIVING: ReadonlySet<string> = new Set(['launching', 'online', 'stopping']);

/** pm2 mixes the environment of a process with its own facts, so all values may be text, and only these are read. */
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
 * Reads what `pm2 jlist` prints. Lines about pm2 itself may stand before the list, which is one line.
 * @throws an Error for what is no such list
 */
export function parseProcessList(output: string): Pm2Process[] {
  const list = LIST.parse(JSON.parse(output.trimEnd().split('\n').at(-1) ?? ''));
  return list.map(({ pid, name, pm_id: id, pm2_env: env }) => ({
    id,
    name,
    // 0 is no pid: to signal it is to signal one's own group.
    pid: LIVING.has(env.status) && pid ? pid : undefined,
    status: env.status,
    cwd: env.pm_cwd,
    exitCode: env.exit_code ?? undefined,
    restarts: env.restart_time,
    hotkey: env.SN34_HOTKEY,
    adminPort: env.SN34_ADMIN_PORT,
  }));
}
