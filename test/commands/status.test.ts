import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeJpeg } from '../fixtures/media.ts';
import { until } from '../fixtures/until.ts';
import { BOB, createValidator } from '../fixtures/validator.ts';
import { runCommand } from './run-command.ts';

beforeAll(async () => {
  await cryptoWaitReady();
});

async function status(adminPort: number) {
  const child = await runCommand(['status', '--dev', '--admin-port', String(adminPort)]);
  return { exitCode: await child.ended, output: child.output() };
}

describe('status', () => {
  it('status shows the hotkey and the announced address of a ready miner, and who called it last', async () => {
    const miner = await runCommand(['start', '--dev']);
    await miner.ready();
    const before = await status(miner.adminPort);
    expect([before.exitCode, before.output.split('\n')[0]]).toEqual([0, 'ready']);
    expect(before.output).toContain(`detector with the hotkey ${BOB}, uid 1 on subnet 34 of dev\n`);
    expect(before.output).toMatch(/^announced on the chain at [\d.]+:\d+$/m);
    expect(before.output).toContain(
      "validators: the subnet's weights_version is 303010: validators run 3.3.1 or later",
    );
    expect(before.output).toMatch(/^no verified caller has asked since the start, \d+ seconds? ago$/m);

    const alice = createValidator('//Alice');
    const jpeg = await makeJpeg({ width: 50, height: 40, seed: 1 });
    expect((await alice.post(miner.axonPort, '/detect_image', jpeg)).status).toBe(200);
    expect((await createValidator('//Charlie').post(miner.axonPort, '/detect_image', jpeg)).status).toBe(401);
    await alice.post(miner.axonPort, '/detect_image', Buffer.from('no picture'));
    const { exitCode, output } = await status(miner.adminPort);
    expect(exitCode).toBe(0);
    expect(output).toMatch(
      new RegExp(
        `^last asked \\d+ seconds? ago \\(.*Z\\) by ${alice.address} \\(uid 0\\): /detect_image, refused with 415 MEDIA_UNSUPPORTED$`,
        'm',
      ),
    );
    expect(output).toContain('requests since the start: 3; 1 answered, 1 ');
    expect(output).toContain(`process ${miner.child.pid}, for `);
  }, 60_000);

  it('status shows why a miner is not ready', async () => {
    const miner = await runCommand(['start', '--dev', '--subtensor.chain_endpoint', 'ws://127.0.0.1:1']);
    await until(() => miner.output().includes('"msg":"listening"'));
    const { exitCode, output } = await status(miner.adminPort);
    expect([exitCode, output.split('\n')[0]]).toEqual([1, 'not ready']);
    expect(output).toContain('  reason: the signer table has not been read from the chain\n');
    expect(output).toContain('not known yet whether registered');
    expect(output).toContain('the address that the chain holds was not read yet');
  }, 60_000);

  it('status says that no miner runs', async () => {
    const { exitCode, output } = await status(1);
    expect([exitCode, output]).toEqual([1, 'no miner answers on the admin port 1 of this host\n']);
  });
});
