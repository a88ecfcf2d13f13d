// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ILedgerAnchor} from "../ILedgerAnchor.sol";

/// @title The batch tree: one root over the checkpoints of many ledgers (formats §8)
/// @dev The MerkleTools construction: SHA-256(left || right), an odd node rises unchanged. It is not the tree of a ledger:
/// leaves are kept apart from nodes by their length (95 bytes against 64) and by their prefix.
library AnchorBatch {
    /// @notice The root over the leaves of `checkpoints`, which are at least one, strictly ascending by ledger id.
    function root(ILedgerAnchor.Checkpoint[] calldata checkpoints) internal pure returns (bytes32) {
        uint256 count = checkpoints.length;
        if (count == 0) revert ILedgerAnchor.NoCheckpoints();
        bytes32[] memory level = new bytes32[](count);
        bytes32 previous;
        for (uint256 i = 0; i < count; ++i) {
            ILedgerAnchor.Checkpoint calldata checkpoint = checkpoints[i];
            if (checkpoint.ledger <= previous) {
                revert ILedgerAnchor.LedgersNotAscending(previous, checkpoint.ledger);
            }
            previous = checkpoint.ledger;
            level[i] = leaf(checkpoint.ledger, checkpoint.size, checkpoint.root);
        }
        return _fold(level);
    }

    /// @notice SHA-256("gongfen/anchor-leaf/v1\n" || ledger id || u64(size) || root)
    function leaf(bytes32 ledger, uint64 size, bytes32 ledgerRoot) internal pure returns (bytes32) {
        return sha256(abi.encodePacked("gongfen/anchor-leaf/v1\n", ledger, size, ledgerRoot));
    }

    /// @notice SHA-256("gongfen/batch/v1\n" || previous batch hash || u64(batch id) || batch root)
    function chainHash(bytes32 previousHash, uint64 batchId, bytes32 batchRoot) internal pure returns (bytes32) {
        return sha256(abi.encodePacked("gongfen/batch/v1\n", previousHash, batchId, batchRoot));
    }

    /// @dev Overwrites `level` with one level of the tree after the other.
    function _fold(bytes32[] memory level) private pure returns (bytes32) {
        uint256 width = level.length;
        while (width > 1) {
            uint256 pairs = width / 2;
            for (uint256 i = 0; i < pairs; ++i) {
                level[i] = sha256(bytes.concat(level[2 * i], level[2 * i + 1]));
            }
            if (width % 2 == 1) level[pairs] = level[width - 1];
            width = pairs + (width % 2);
        }
        return level[0];
    }
}
