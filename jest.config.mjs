/** One Jest configuration: for the whole workspace, or for the project whose folder is given as --rootDir. */
export default {
  testMatch: ['<rootDir>/**/src/**/*.test.ts'],
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/.laurel/', '<rootDir>/.nx/'],
  maxWorkers: 2,
  // A connection that a failed set-up left open is not to keep a finished run waiting.
  forceExit: true,
  testEnvironment: 'node',
  // Most tests wait for real services on a machine that may be busy.
  testTimeout: 600_000,
  testEnvironmentOptions: { customExportConditions: ['@laurel/source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2023',
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};
