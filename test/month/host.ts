import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Pm2Process, parseProcessList } from '../../src/pm2/process-list.ts';
import { isRunning } from '../fixtures/is-running.ts';
import { until } from '../fixtures/until.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
/** Files that no test changes. They are linked, not copied. */
const LINKED = ['node_modules', 'models', 'src', '.tools'];
const COPIED = [
  'dist',
  'deploy',
  'setup.sh',
  'start_miner.sh',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  '.env.miner.template',
];

export interface Outcome {
  readonly exitCode: number;
  /** What a person sees: standard output and error. */
  readonly output: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Run through another program: `[program, arguments]`. */
  readonly through?: readonly string[];
}

/** A checkout of the repository in which everything was set up. */
export interface Checkout {
  readonly folder: string;
  writeSettings(settings: Readonly<Record<string, string | number>>, instance?: string): void;
  /** Runs its start_miner.sh to the end. */
  script(args?: readonly string[], options?: RunOptions): Promise<Outcome>;
}

/** A computer as far as it belongs to one operator: a home, wallets, checkouts, and a pm2 of its own. */
export interface Host {
  readonly folder: string;
  readonly wallets: string;
  readonly stateDir: string;
  /** Programs, of which node is one. */
  path: string;
  checkout(name: string): Checkout;
  pm2(...args: string[]): Promise<Outcome>;
  /** What pm2 runs, by name. */
  processes(): Promise<ReadonlyMap<string, Pm2Process>>;
  /** What a miner has written to its log so far. */
  log(name: string): string;
  /** Ends pm2 and all that it runs, as a shutdown does, and waits for it. */
  shutDown(): Promise<void>;
  /** Ends what still runs, and removes all files. */
  close(): Promise<void>;
}

export function createHost(): Host {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sn34-month-')));
  // Other users have to be able to go in.
  chmodSync(folder, 0o755);
  const [home, pm2Home] = [join(folder, 'home'), join(folder, 'pm2')];
  mkdirSync(home);

  const environment = (more: Readonly<Record<string, string>> = {}) => ({
    PATH: host.path,
    HOME: home,
    PM2_HOME: pm2Home,
    // The month does not use a GPU of this machine.
    CUDA_VISIBLE_DEVICES: '',
    ...more,
  });

  const pm2Program = () => {
    const own = join(REPOSITORY, '.tools/bin/pm2');
    return existsSync(own) ? own : 'pm2';
  };

  const host: Host = {
    folder,
    wallets: join(folder, 'wallets'),
    stateDir: join(folder, 'state'),
    path: process.env.PATH ?? '',

    checkout(name) {
      const root = join(folder, name);
      mkdirSync(root);
      for (const path of COPIED) cpSync(join(REPOSITORY, path), join(root, path), { recursive: true });
      for (const path of LINKED) {
        if (existsSync(join(REPOSITORY, path))) symlinkSync(join(REPOSITORY, path), join(root, path));
      }
      // Dated now: newer than the sources, as after a build.
      writeFileSync(join(root, 'dist/.sn34-built'), '');
      return {
        folder: root,
        writeSettings(settings, instance) {
          const lines = Object.entries(settings).map((pair) => `${pair.join('=')}\n`);
          writeFileSync(
            join(root, `.env.miner${instance === undefined ? '' : `.${instance}`}`),
            lines.join(''),
          );
        },
        script: (args = [], { env, through = [] } = {}) => {
          const [program = '', ...rest] = [...through, join(root, 'start_miner.sh'), ...args];
          return run(program, rest, environment(env));
        },
      };
    },

    pm2: (...args) => run(pm2Program(), args, environment()),

    async processes() {
      const { output } = await host.pm2('jlist');
      return new Map(parseProcessList(output).map((one) => [one.name, one]));
    },

    log: (name) =>
      ['out', 'error']
        .map((stream) => join(pm2Home, 'logs', `${name}-${stream}.log`))
        .map((path) => (existsSync(path) ? readFileSync(path, 'utf8') : ''))
        .join(''),

    async shutDown() {
      const pidFile = join(pm2Home, 'pm2.pid');
      if (!existsSync(pidFile)) return;
      const pid = Number(readFileSync(pidFile, 'utf8'));
      process.kill(pid, 'SIGTERM');
      await until(() => !isRunning(pid) && processesIn(folder).length === 0);
    },

    async close() {
      await host.shutDown();
      for (const pid of processesIn(folder)) process.kill(pid, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return host;
}

/**
 * A folder for PATH with all programs of this machine but node and npm, which are put beside it.
 * @returns the path of the folder
 */
export function linkProgramsWithoutNode(folder: string): string {
  mkdirSync(folder);
  for (const source of ['/usr/bin', '/bin', '/usr/sbin', '/sbin']) {
    for (const name of existsSync(source) ? readdirSync(source) : []) {
      if (/^(node|nodejs|npm|npx)$/.test(name) || existsSync(join(folder, name))) continue;
      // A link of the system may lead nowhere, and so be made twice.
      try {
        symlinkSync(join(source, name), join(folder, name));
      } catch {}
    }
  }
  return folder;
}

/** Puts a copy of this Node.js, with npm, into a folder. */
export function installNode(folder: string): void {
  mkdirSync(folder, { recursive: true });
  copyFileSync(process.execPath, join(folder, 'node'));
  symlinkSync(realpathSync(join(process.execPath, '../npm')), join(folder, 'npm'));
}

/** Processes whose folder is below another. */
function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${folder}/`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { env, cwd: tmpdir(), maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => {
        if (child.exitCode === null) reject(error);
        else resolve({ exitCode: child.exitCode, output: stdout + stderr });
      },
    );
    child.stdin?.end();
  });
}
