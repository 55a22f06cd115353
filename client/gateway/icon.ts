/** Two circles that meet: 64 by 64, PNG. */
export const ICON = Buffer.from(
  [
    'iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAYAAACqaXHeAAAAqUlEQVR42u3aywmFMBRFUcuwEMuwBAuxG5uyHwXBscFPcmPWhkwf',
    'nDV7Jl0nSZIkSbrfNC5byrn8oXndkk5Noy8xUkdHwXg6/Dz9MB/nMUBOiLfHV4Pw1fAqIHKND4mQe3w4hKYBSo0PgVB6fHGEpgGi',
    'jC+GAKBlgGjjsyMAAAAAAAAAAAA0C+C/AAAAPogA8FHUZ3EArsZcjroe90DCExmPpCRJkiTpn+3oOELKGL/2FwAAAABJRU5ErkJg',
    'gg==',
  ].join(''),
  'base64',
);
