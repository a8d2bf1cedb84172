import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Installs pm2 as a user would, if it is missing. */
export function setup(): void {
  execFileSync(join(import.meta.dirname, '../../setup.sh'), ['--quiet', '--production'], {
    stdio: 'inherit',
  });
}
