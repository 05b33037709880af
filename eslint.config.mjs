import nx from '@nx/eslint-plugin';
import accessibility from 'eslint-plugin-jsx-a11y';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** The layers of ARCHITECTURE.md. A project's tag is in its package.json. */
const layers = [
  { sourceTag: 'type:domain', onlyDependOnLibsWithTags: ['type:domain'] },
  { sourceTag: 'type:engine', onlyDependOnLibsWithTags: ['type:domain'] },
  { sourceTag: 'type:adapter', onlyDependOnLibsWithTags: ['type:domain', 'type:engine', 'type:adapter'] },
  { sourceTag: 'type:client', onlyDependOnLibsWithTags: ['type:domain', 'type:kafka'] },
  {
    sourceTag: 'type:service',
    onlyDependOnLibsWithTags: ['type:domain', 'type:engine', 'type:adapter', 'type:client'],
  },
  {
    sourceTag: 'type:acceptance',
    onlyDependOnLibsWithTags: ['type:domain', 'type:engine', 'type:adapter', 'type:client', 'type:stack'],
  },
  { sourceTag: 'type:stack', onlyDependOnLibsWithTags: ['type:stack'] },
];

const boundaries = (constraints) => [
  'error',
  { enforceBuildableLibDependency: false, allow: [], depConstraints: constraints },
];

export default tseslint.config(
  // AssemblyScript has types of its own, and its compiler checks them.
  { ignores: ['**/dist', '**/generated', '.nx', '.laurel', '.reports', '**/node_modules', '**/assembly'] },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { '@nx': nx },
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@nx/enforce-module-boundaries': boundaries(layers),
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Nest modules are empty classes with a decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // Nest's types of options are classes, meant to be given as plain objects.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Marked so that it stands out: the settings allow a provider over http on this machine alone.
      '@typescript-eslint/no-deprecated': [
        'error',
        { allow: [{ from: 'package', name: 'allowInsecureRequests', package: 'openid-client' }] },
      ],
      'no-console': 'error',
    },
  },
  {
    // The domain runs in a reader's head: no I/O, no clock, no framework.
    files: [
      'libs/events/src/**/*.ts',
      'libs/usage/src/**/*.ts',
      'libs/fair-play/src/**/*.ts',
      'libs/titles/src/**/*.ts',
    ],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['node:*', '@nestjs/*', 'kafkajs', '@clickhouse/*', 'pino'], message: 'The domain does no I/O.' },
          ],
        },
      ],
      'no-restricted-globals': ['error', 'process', 'setTimeout', 'setInterval', 'fetch'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Time comes in as data.' },
        { object: 'Math', property: 'random', message: 'Randomness comes in as data.' },
      ],
    },
  },
  {
    // Tests may start the stack for themselves, to kill and restart parts of it.
    files: ['**/*.test.ts'],
    rules: {
      '@nx/enforce-module-boundaries': boundaries(
        layers.map((layer) => ({
          ...layer,
          onlyDependOnLibsWithTags: [...layer.onlyDependOnLibsWithTags, 'type:stack'],
        })),
      ),
    },
  },
  {
    files: ['services/board/**/*.tsx', 'services/board/**/*.ts'],
    extends: [reactHooks.configs.flat.recommended],
  },
  {
    files: ['services/board/**/*.tsx'],
    extends: [accessibility.flatConfigs.strict],
  },
  {
    // Grafana 12 takes dashboards of the second schema only with a feature toggle.
    files: ['deploy/grafana/**/*.ts'],
    rules: { '@typescript-eslint/no-deprecated': 'off' },
  },
  {
    files: ['services/cli/**/*.ts', 'deploy/local/**/*.ts', 'examples/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
);
