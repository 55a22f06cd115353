/** The real system did what the rules do not permit, in whatever order things happened. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
}

/** More could have happened than is worth looking at. */
export class Uncertain extends Error {
  override readonly name = 'Uncertain';
}
