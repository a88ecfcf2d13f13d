import { createRequire } from "node:module";

import { defineConfig } from "hardhat/config";

// Hardhat asks before it reports usage; this project answers for its users.
process.env.HARDHAT_DISABLE_TELEMETRY ??= "true";

const require = createRequire(import.meta.url);

// A permissioned chain in miniature: the base fee starts at zero, and the rules are those of London, so that code which
// needs newer opcodes fails here and not in a township.
const chain = {
  type: "edr-simulated",
  chainType: "l1",
  chainId: 31337,
  hardfork: "london",
  initialBaseFeePerGas: 0,
};

export default defineConfig({
  paths: {
    sources: "contracts",
    artifacts: "build/hardhat/artifacts",
    cache: "build/hardhat/cache",
  },
  solidity: {
    compilers: [
      {
        version: "0.8.37",
        path: require.resolve("solc/soljson.js"), // no download, so the build works offline
        settings: {
          evmVersion: "paris", // later targets emit PUSH0, which burns all gas on London and Paris chains
          optimizer: { enabled: true, runs: 10000 },
          metadata: { bytecodeHash: "none" },
        },
      },
    ],
  },
  networks: { default: chain, node: chain },
});
