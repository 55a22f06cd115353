/** The compiled files that a command line names. */
export const compiledFiles = (command: string): readonly string[] =>
  command.match(/dist\/[\w./-]+\.js/g) ?? [];

/** The source that such a file is compiled from, from the repository's root. */
export const sourceOf = (compiled: string): string => compiled.replace(/^dist\//, '').replace(/\.js$/, '.ts');
