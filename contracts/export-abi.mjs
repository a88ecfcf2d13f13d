// Compiles the contracts from scratch and writes the committed ABI and bytecode files.
//
//   npm run export-abi              write them
//   npm run export-abi -- DIR       write them under DIR instead, to compare
//
// LedgerAnchor.json is what Python deploys and calls, so that it needs no compiler. ProofHarness.json is for tests.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { createHardhatRuntimeEnvironment } from "hardhat/hre";

import config from "../hardhat.config.js";

const project = fileURLToPath(new URL("..", import.meta.url));
const exports = [
  { contractName: "LedgerAnchor", folder: "contracts/abi" },
  { contractName: "ProofHarness", folder: "tests/contracts/abi" },
];

async function main(target) {
  const scratch = await mkdtemp(path.join(tmpdir(), "contracts-"));
  try {
    const paths = { ...config.paths, artifacts: path.join(scratch, "artifacts"), cache: path.join(scratch, "cache") };
    const hre = await createHardhatRuntimeEnvironment({ ...config, paths }, {}, project);
    await hre.tasks.getTask("build").run({ quiet: true });
    for (const { contractName, folder } of exports) {
      const file = path.join(target, folder, `${contractName}.json`);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, `${JSON.stringify(await describe(hre, contractName), null, 1)}\n`);
      console.log(path.relative(process.cwd(), file));
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function describe(hre, contractName) {
  const { abi, bytecode, deployedBytecode } = await hre.artifacts.readArtifact(contractName);
  const [{ version, settings }] = config.solidity.compilers;
  return { contractName, abi, bytecode, deployedBytecode, compiler: { name: "solc", version, settings } };
}

await main(path.resolve(process.argv[2] ?? project));
