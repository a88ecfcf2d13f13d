// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Consistency proofs of RFC 9162 (and RFC 6962) trees, with SHA-256
/// @notice Shows that a tree of `second` leaves begins with the very leaves of an older tree of `first` leaves.
/// @dev Source: RFC 9162 §2.1.4. The path is read in two runs: an *inner* run up to the level where the two last leaves
/// meet, in which a hash stands on the left or on the right by the bits of the older index; then a *border* run of left
/// siblings only. Both lengths follow from the sizes, so exactly one length is right and it is checked first.
library ConsistencyProof {
    /// @notice The SHA-256 precompile (address 2) does not answer as it should.
    error Sha256Unavailable();

    bytes32 private constant EMPTY_HASH = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;

    /// @notice Whether `proof` ties the root of the older tree to the root of the newer.
    /// @param first size of the older tree, 1 ≤ first
    /// @param firstRoot its root
    /// @param second size of the newer tree, first ≤ second
    /// @param secondRoot its root
    /// @param proof the hashes of the proof, in the order of RFC 9162
    /// @return false for sizes that have no proof, for a proof of another length, and for roots that do not come out
    function verify(
        uint64 first,
        bytes32 firstRoot,
        uint64 second,
        bytes32 secondRoot,
        bytes32[] calldata proof
    ) internal view returns (bool) {
        if (first == 0 || first > second || proof.length != length(first, second)) return false;
        if (first == second) return firstRoot == secondRoot;
        (bytes32 oldHash, bytes32 newHash) = _fold(first, firstRoot, second, proof);
        return oldHash == firstRoot && newHash == secondRoot;
    }

    /// @notice How many hashes a proof from `first` to `second` leaves has, exactly.
    /// @dev Requires 1 ≤ first ≤ second.
    function length(uint64 first, uint64 second) internal pure returns (uint256) {
        if (first == second) return 0;
        (uint256 oldIndex, uint256 newIndex) = _indexes(first, second);
        uint256 inner = _innerLength(oldIndex, newIndex);
        uint256 seed = _isPowerOfTwo(first) ? 0 : 1;
        return seed + inner + _countOnes(newIndex >> inner);
    }

    /// @dev Requires first < second and a proof of the right length.
    function _fold(
        uint64 first,
        bytes32 firstRoot,
        uint64 second,
        bytes32[] calldata proof
    ) private view returns (bytes32 oldHash, bytes32 newHash) {
        (uint256 oldIndex, uint256 newIndex) = _indexes(first, second);
        uint256 i = _isPowerOfTwo(first) ? 0 : 1;
        uint256 innerEnd = i + _innerLength(oldIndex, newIndex);
        uint256 buffer = _newBuffer();
        // The older tree is one whole subtree of the newer, or the proof names the last whole subtree of the older.
        oldHash = newHash = i == 0 ? firstRoot : proof[0];
        unchecked {
            for (; i < innerEnd; ++i) {
                bytes32 sibling = proof[i];
                if (oldIndex & 1 == 1) {
                    oldHash = _node(buffer, sibling, oldHash);
                    newHash = _node(buffer, sibling, newHash);
                } else {
                    newHash = _node(buffer, newHash, sibling);
                }
                oldIndex >>= 1;
            }
            for (; i < proof.length; ++i) {
                bytes32 sibling = proof[i];
                oldHash = _node(buffer, sibling, oldHash);
                newHash = _node(buffer, sibling, newHash);
            }
        }
    }

    /// @notice Reverts on a chain without the SHA-256 precompile; to be called once, when a contract is deployed.
    /// @dev There the compiler's own sha256() returns rubbish without failing.
    function requireSha256() internal pure {
        if (sha256("") != EMPTY_HASH) revert Sha256Unavailable();
    }

    /// @dev 65 bytes of fresh memory that begin with the prefix of an interior node.
    function _newBuffer() private pure returns (uint256 buffer) {
        assembly ("memory-safe") {
            buffer := mload(0x40)
            mstore8(buffer, 0x01)
            mstore(0x40, add(buffer, 0x60))
        }
    }

    /// @dev The interior node SHA-256(0x01 || left || right); its bytes are put together in `buffer`.
    function _node(uint256 buffer, bytes32 left, bytes32 right) private view returns (bytes32 hash) {
        assembly ("memory-safe") {
            mstore(add(buffer, 0x01), left)
            mstore(add(buffer, 0x21), right)
            // Yul evaluates arguments from the last to the first: first the call, then the size of its answer.
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), 0x02, buffer, 0x41, 0x00, 0x20))) {
                revert(0x00, 0x00) // out of gas
            }
            hash := mload(0x00)
        }
    }

    /// @dev The indexes of the last leaves, raised to the level of the last whole subtree of the older tree.
    function _indexes(uint64 first, uint64 second) private pure returns (uint256 oldIndex, uint256 newIndex) {
        oldIndex = uint256(first) - 1;
        newIndex = uint256(second) - 1;
        while (oldIndex & 1 == 1) {
            oldIndex >>= 1;
            newIndex >>= 1;
        }
    }

    /// @dev Levels below the one where both paths are the same. The indexes differ, since first < second.
    function _innerLength(uint256 oldIndex, uint256 newIndex) private pure returns (uint256) {
        return Math.log2(oldIndex ^ newIndex) + 1;
    }

    function _isPowerOfTwo(uint256 value) private pure returns (bool) {
        return value & (value - 1) == 0;
    }

    /// @dev Of a value below 2^64: sums of 2, 4 and 8 bits side by side, then of all bytes.
    function _countOnes(uint256 value) private pure returns (uint256) {
        unchecked {
            value -= (value >> 1) & 0x5555555555555555;
            value = (value & 0x3333333333333333) + ((value >> 2) & 0x3333333333333333);
            value = (value + (value >> 4)) & 0x0f0f0f0f0f0f0f0f;
            return ((value * 0x0101010101010101) >> 56) & 0xff;
        }
    }
}
