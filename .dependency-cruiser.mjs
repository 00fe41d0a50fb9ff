/**
 * Which folder of src/ may import which. Dependencies point one way, so that a rule can be read and tested without
 * a database, and so that nothing in the daemon can reach the simulator by accident.
 */
const LAYERS = {
  domain: [],
  config: ['domain'],
  telemetry: ['domain'],
  embedded: ['domain'],
  simulator: ['domain'],
  store: ['domain'],
  retell: ['domain'],
  runner: ['domain', 'store', 'retell'],
  reports: ['domain', 'store'],
  import: ['domain', 'store'],
  archive: ['domain', 'store'],
};

/** The typed settings are plain shapes that everybody is given; importing the type is not importing the loader. */
const SHARED_TYPES = '^src/config/settings\\.ts$';

const layerRules = Object.entries(LAYERS).map(([layer, allowed]) => ({
  name: `${layer}-imports-only-what-is-below-it`,
  comment: `src/${layer} may import ${['itself', ...allowed].join(', ')}.`,
  severity: 'error',
  from: { path: `^src/${layer}/` },
  to: {
    path: '^src/',
    pathNot: [...[layer, ...allowed].map((folder) => `^src/${folder}/`), ...(layer === 'domain' ? [] : [SHARED_TYPES])],
  },
}));

export default {
  forbidden: [
    ...layerRules,
    {
      name: 'domain-is-pure',
      comment: 'No I/O in the domain: of outside packages only those that calculate, of Node only hashing.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: ['^src/', '^node_modules/(temporal-polyfill|libphonenumber-js|zod)/', '^(node:)?crypto$'] },
    },
    {
      name: 'settings-are-shared-as-types-only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(config|cli)/' },
      to: { path: SHARED_TYPES, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'main-only-starts-the-command-line',
      severity: 'error',
      from: { path: '^src/main\\.ts$' },
      to: { path: '^src/', pathNot: '^src/cli/' },
    },
    {
      name: 'nobody-imports-the-entry',
      severity: 'error',
      from: { path: '^(src|test)/' },
      to: { path: '^src/main\\.ts$' },
    },
    {
      name: 'src-does-not-import-tests-or-scripts',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|scripts)/' },
    },
    {
      name: 'src-needs-no-development-package',
      comment: 'It would work here and fail on a machine installed with --omit=dev.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'the-peer-is-the-benchmarks',
      comment: 'Another job queue is a yardstick here, nothing to build on.',
      severity: 'error',
      from: { pathNot: '^scripts/bench/' },
      to: { path: '^node_modules/(agenda|@agendajs)/' },
    },
    {
      name: 'no-cycle',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    { name: 'everything-resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: '^node_modules' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
