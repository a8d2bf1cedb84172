import { timeWords } from '../telemetry/time-words.ts';
import type { MinerReport } from './read-status.ts';

/**
 * A running miner in words, a line each: whether it is ready and if not, why; who it is on the subnet, where it is
 * announced, who asked it last.
 * @param nowMs Unix time
 */
export function statusLines(report: MinerReport, nowMs: number): string[] {
  const { readiness, miner, axon } = report;
  return [
    readiness.ready ? 'ready' : 'not ready',
    ...readiness.reasons.map((reason) => `  reason: ${reason}`),
    ...readiness.warnings.map((warning) => `  warning: ${warning}`),
    `${miner.type} with the hotkey ${miner.hotkey}, ${standing(report)}`,
    announcementWords(report),
    lastAsked(report, nowMs),
    requestsSoFar(report),
    ...(report.validators === null ? [] : [`validators: ${report.validators.meaning}`]),
    `process ${miner.pid}, for ${timeWords(miner.uptimeSeconds * 1000)}; port ${axon.port ?? 'closed'}`,
  ];
}

function standing({ chain: { registration }, miner }: MinerReport): string {
  const subnet = `subnet ${miner.netuid} of ${miner.network}`;
  switch (registration.state) {
    case 'registered':
      return `uid ${registration.uid} on ${subnet}`;
    case 'unregistered':
      return `not registered on ${subnet}`;
    case 'deregistered':
      return `no longer registered on ${subnet}: it was uid ${registration.formerUid}`;
    case 'unknown':
      return `not known yet whether registered on ${subnet}`;
  }
}

/** Where validators look for the miner. */
export function announcementWords({ chain: { heldAddress } }: MinerReport): string {
  if (heldAddress === null) return 'not announced on the chain';
  if (heldAddress === 'unread') return 'the address that the chain holds was not read yet';
  const { ip, port, leadsHere } = heldAddress;
  if (leadsHere === null) {
    return `announced on the chain at ${ip}:${port}; the address of this host is not known yet`;
  }
  return leadsHere
    ? `announced on the chain at ${ip}:${port}`
    : `announced on the chain at ${ip}:${port}, which is not this miner`;
}

function lastAsked({ requests, miner }: MinerReport, nowMs: number): string {
  const [last] = requests.recent;
  if (last === undefined) {
    return `no verified caller has asked since the start, ${timeWords(miner.uptimeSeconds * 1000)} ago`;
  }
  const { validator, route, status, code, arrivedAtMs } = last;
  const outcome = code === 'OK' ? 'answered' : `refused with ${status} ${code}`;
  const when = `${timeWords(nowMs - arrivedAtMs)} ago (${new Date(arrivedAtMs).toISOString()})`;
  return `last asked ${when} by ${validator.hotkey} (uid ${validator.uid}): ${route}, ${outcome}`;
}

function requestsSoFar({ requests: { total, byCode } }: MinerReport): string {
  const { OK: answered = 0, ...refusals } = byCode;
  const others = Object.entries(refusals)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `, ${count} ${code}`);
  return `requests since the start: ${total}; ${answered} answered${others.join('')}`;
}
