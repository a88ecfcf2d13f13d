// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ILedgerAnchor} from "../ILedgerAnchor.sol";
import {AnchorBatch} from "../lib/AnchorBatch.sol";
import {ConsistencyProof} from "../lib/ConsistencyProof.sol";
import {LedgerOrigin} from "../lib/LedgerOrigin.sol";

/// @title The libraries, laid open for tests; many cases to a call
/// @dev For tests only.
contract ProofHarness {
    struct Case {
        uint64 first;
        bytes32 firstRoot;
        uint64 second;
        bytes32 secondRoot;
        bytes32[] proof;
    }

    function verifyAll(Case[] calldata cases) external view returns (bool[] memory verdicts) {
        verdicts = new bool[](cases.length);
        for (uint256 i = 0; i < cases.length; ++i) {
            Case calldata c = cases[i];
            verdicts[i] = ConsistencyProof.verify(c.first, c.firstRoot, c.second, c.secondRoot, c.proof);
        }
    }

    function proofLengths(uint64[2][] calldata pairs) external pure returns (uint256[] memory lengths) {
        lengths = new uint256[](pairs.length);
        for (uint256 i = 0; i < pairs.length; ++i) lengths[i] = ConsistencyProof.length(pairs[i][0], pairs[i][1]);
    }

    function batchRoot(ILedgerAnchor.Checkpoint[] calldata checkpoints) external pure returns (bytes32) {
        return AnchorBatch.root(checkpoints);
    }

    function chainHash(bytes32 previousHash, uint64 batchId, bytes32 root) external pure returns (bytes32) {
        return AnchorBatch.chainHash(previousHash, batchId, root);
    }

    function ledgerIds(string[] calldata origins) external pure returns (bytes32[] memory ids) {
        ids = new bytes32[](origins.length);
        for (uint256 i = 0; i < origins.length; ++i) ids[i] = LedgerOrigin.id(origins[i]);
    }

    function validOrigins(string[] calldata origins) external pure returns (bool[] memory verdicts) {
        verdicts = new bool[](origins.length);
        for (uint256 i = 0; i < origins.length; ++i) verdicts[i] = LedgerOrigin.isValid(origins[i]);
    }
}
