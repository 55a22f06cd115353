import js from '@eslint/js';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const root = import.meta.dirname;

/** Which folders a folder may import from (docs/architecture.md, "Imports point one way"). */
const mayImport = {
  rules: [],
  marketo: ['rules'],
  dynamics: ['rules'],
  store: ['rules'],
  config: ['rules'],
  activities: ['rules', 'marketo', 'dynamics', 'store', 'config'],
  workflows: ['activities'],
  worker: ['rules', 'marketo', 'dynamics', 'store', 'config', 'activities', 'workflows', 'launch'],
  client: ['rules', 'marketo', 'dynamics', 'store', 'config', 'activities', 'workflows', 'launch'],
  launch: ['rules', 'store', 'config', 'workflows', 'client', 'simulators'],
  simulators: [],
  bench: ['rules', 'marketo', 'dynamics', 'store', 'config', 'activities', 'simulators', 'launch'],
};
const folders = Object.keys(mayImport);
const zones = folders.map((target) => ({
  target: `./${target}`,
  from: folders
    .filter((from) => from !== target && !mayImport[target].includes(from))
    .map((from) => `./${from}`),
  message: `Imports point one way: ${target}/ may only import from ${mayImport[target].join(', ') || 'nothing'}.`,
}));

const sandboxAbsent = [
  'structuredClone',
  'crypto',
  'fetch',
  'Buffer',
  'process',
  'performance',
  'queueMicrotask',
  'setInterval',
  'setTimeout',
  'AbortSignal',
  'atob',
  'btoa',
  'Event',
];

export default tseslint.config(
  { ignores: ['dist', 'node_modules', '**/.venv', 'test/histories'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { project: ['./test/tsconfig.json'], tsconfigRootDir: root } },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver({ project: './tsconfig.json' })] },
    rules: {
      'import-x/no-restricted-paths': ['error', { basePath: root, zones }],
      'import-x/no-cycle': 'error',
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-non-null-assertion': 'error',
      'max-lines': ['warn', { max: 350, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['node:*', 'fs', 'path', 'crypto', 'http', 'https'],
              message: 'The workflow sandbox has no Node built-ins.',
            },
            {
              group: ['@temporalio/client', '@temporalio/worker', '@temporalio/activity'],
              message: 'Not in workflow code.',
            },
          ],
        },
      ],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['**/activities/**'],
              allowTypeImports: true,
              message: 'Workflows know activities by type alone.',
            },
          ],
        },
      ],
      'no-restricted-globals': ['error', ...sandboxAbsent],
    },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', setTimeout: 'readonly' },
    },
  },
);
