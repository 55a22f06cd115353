import { createLogUpdate } from 'log-update';

/** Where the program speaks: lines that stay, and below them, on a real terminal, a view that is drawn anew. */
export interface Terminal {
  /** True when there is a live view. */
  readonly live: boolean;
  say(line: string): void;
  /** `render` is given the columns of the terminal. */
  draw(render: (columns: number) => string): void;
  /** Leaves the last view standing; lines go below it. */
  endView(): void;
}

interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): boolean;
}

export const openTerminal = (stream: NodeJS.WriteStream & Stream): Terminal => {
  if (!stream.isTTY || process.env['TERM'] === 'dumb') {
    return {
      live: false,
      say: (line) => void stream.write(`${line}\n`),
      draw: () => undefined,
      endView: () => undefined,
    };
  }
  const view = createLogUpdate(stream, { showCursor: true });
  let drawn = '';
  const redraw = (): void => view(drawn);
  return {
    live: true,
    say: (line) => {
      view.clear();
      stream.write(`${line}\n`);
      if (drawn !== '') redraw();
    },
    draw: (render) => {
      drawn = render(stream.columns);
      redraw();
    },
    endView: () => {
      drawn = '';
      view.done();
    },
  };
};
