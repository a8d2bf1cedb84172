// A command of the program as commander reads it. commands/program.ts declares the commands; flags.ts adds the settings.
import { Command, type HelpContext, type ParseOptionsResult } from 'commander';
import { MinerError } from '../errors.ts';

/** A command whose mistakes are errors of the miner. */
export class MinerCommand extends Command {
  private passesUnknownFlags = false;

  override createCommand(name?: string): MinerCommand {
    return new MinerCommand(name).usage('[flags]').optionsGroup('Flags:');
  }

  override allowUnknownOption(allow = true): this {
    this.passesUnknownFlags = allow;
    return super.allowUnknownOption(allow);
  }

  /** @throws MinerError CONFIG_INVALID: what is wrong, and how the command is called */
  override error(message: string): never {
    const usage = this.createHelp().commandUsage(this);
    throw new MinerError('CONFIG_INVALID', `${message.replace(/^error: /, '')}\nUsage: ${usage}`);
  }

  /** Shows the help; a command that is missing is a mistake. */
  override help(context?: HelpContext | ((text: string) => string)): never {
    if (typeof context === 'function') return super.help(context);
    if (context?.error !== true) return super.help(context);
    return this.error(`name a command: ${this.commands.map((command) => command.name()).join(', ')}`);
  }

  override parseOptions(argv: string[]): ParseOptionsResult {
    // The flags belong to one of its commands.
    if (this.commands.length > 0) return super.parseOptions(argv);
    for (const [index, flag] of argv.entries()) {
      const option = this.options.find(({ long }) => long === flag);
      if (option?.required !== true || !/^-./.test(argv[index + 1] ?? '')) continue;
      // commander would take the next flag for the value.
      this.error(`option '${option.flags}' argument missing`);
    }
    const { operands, unknown } = super.parseOptions(argv);
    if (this.passesUnknownFlags) return { operands, unknown };
    // The error names an unknown flag. Its value may be a key, and would hide which known flag is the nearest.
    return { operands, unknown: unknown.map((flag) => flag.replace(/^(--[^=]+)=.*/s, '$1')) };
  }
}
