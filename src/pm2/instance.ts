/** One of the miners that run under pm2 on this host. */
export interface Instance {
  /** What pm2 calls it. */
  readonly name: string;
  /** How start_miner.sh is called for it. */
  readonly script: string;
  /** What pm2 may also call it, from before there were instances: one process for each type of miner. */
  readonly formerNames: readonly string[];
}

/**
 * An instance by its name as start_miner.sh has checked it.
 * @param name of the variable INSTANCE; empty for the one that needs no name
 */
export function instanceNamed(name: string): Instance {
  return name === ''
    ? { name: 'sn34-miner', script: './start_miner.sh', formerNames: ['sn34-detector', 'sn34-segmenter'] }
    : { name: `sn34-miner-${name}`, script: `./start_miner.sh --instance ${name}`, formerNames: [] };
}
