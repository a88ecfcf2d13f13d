// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IConsortium} from "./IConsortium.sol";

/// @title Anchors of ledgers: which ledger had which root, at which size, in which block
/// @notice What is stored here is never changed or deleted. It shows that a ledger was only ever extended, that its own
/// signer signed each head, and that a quorum of named organisations looked at each batch. It does not show that the
/// records were true.
interface ILedgerAnchor is IConsortium {
    /// @notice One ledger's tree head in a batch.
    /// @param ledger SHA-256("gongfen/ledger/v1\n" || origin)
    /// @param size number of entries, less than 2^53
    /// @param root RFC 9162 root of the first `size` entries
    /// @param proof RFC 9162 consistency proof from the last anchored size; empty for a ledger's first anchor
    /// @param signature of the ledger's signer over `Head(ledger,size,root)`
    struct Checkpoint {
        bytes32 ledger;
        uint64 size;
        bytes32 root;
        bytes32[] proof;
        bytes signature;
    }

    event Anchored(bytes32 indexed ledger, uint64 indexed size, bytes32 root, uint64 indexed batchId);
    event BatchAnchored(uint64 indexed batchId, bytes32 root, bytes32 hash, uint256 count);
    event LedgerRegistered(bytes32 indexed ledger, string origin, address signer);
    event SignerRotated(bytes32 indexed ledger, address previous, address signer);

    error AnchoringPaused();
    error AnchoringEnded(address successor);
    error NoCheckpoints();
    error LedgersNotAscending(bytes32 previous, bytes32 got);
    error BatchOutOfOrder(uint64 expected, uint64 got);
    /// @notice The batch id is taken by a batch with another root.
    error BatchConflict(uint64 batchId, bytes32 expected, bytes32 got);
    error BatchUnknown(uint64 batchId);
    error AnchorUnknown(bytes32 ledger, uint256 index, uint256 count);
    error SizeTooLarge(bytes32 ledger, uint64 most, uint64 got);
    error SizeNotLarger(bytes32 ledger, uint64 previous, uint64 got);
    error HeadSignerWrong(bytes32 ledger, address expected, address got);
    error ProofLengthWrong(bytes32 ledger, uint256 expected, uint256 got);
    error ProofInvalid(bytes32 ledger, uint64 previousSize, uint64 size);
    error LedgerUnknown(bytes32 ledger);
    error LedgerAlreadyRegistered(bytes32 ledger);
    error NoLedgers();
    error CountMismatch(uint256 origins, uint256 signers);
    error OriginInvalid(string origin);
    error SignerZero(bytes32 ledger);
    error PredecessorInvalid(address got);
    /// @notice The predecessor has not ended in favour of this contract, so its heads could still grow.
    error PredecessorOpen(address predecessor, address successor);

    /// @notice Anchors the next batch. The same batch again is a no-op that succeeds.
    /// @param batchId the next batch id; ids count from 1
    /// @param checkpoints at least one, strictly ascending by ledger id
    /// @param cosignatures of a quorum of members over `Batch`
    /// @return batchRoot the root that the contract computed from the checkpoints
    function anchor(
        uint64 batchId,
        Checkpoint[] calldata checkpoints,
        bytes[] calldata cosignatures
    ) external returns (bytes32 batchRoot);

    /// @notice Lets ledgers anchor here. An origin is registered once, for ever.
    /// @param origins C2SP origins (formats §2)
    /// @param signers for each origin the address whose key signs its heads
    /// @param cosignatures of the quorum over `RegisterLedgers`
    function registerLedgers(
        string[] calldata origins,
        address[] calldata signers,
        bytes[] calldata cosignatures
    ) external;

    /// @notice Replaces the key that signs a ledger's heads, from the next batch on.
    /// @param cosignatures of the quorum over `RotateSigner`
    function rotateSigner(bytes32 ledger, address signer, bytes[] calldata cosignatures) external;

    /// @notice The newest anchor of a ledger in this contract, and how many there are; all zero if there is none.
    function head(bytes32 ledger) external view returns (uint64 size, bytes32 root, uint64 batchId, uint256 count);

    /// @notice The newest anchor of a ledger here or, before its first anchor here, in the predecessors.
    /// @dev This is what the ledger's next checkpoint is checked against.
    function frontier(bytes32 ledger) external view returns (uint64 size, bytes32 root);

    /// @notice The anchor number `index` (from 0) of a ledger.
    /// @return size number of entries
    /// @return root root of the ledger's tree
    /// @return batchId the batch that anchored it
    /// @return time of the block, in seconds since 1970
    /// @return blockNumber of the block
    function anchorAt(
        bytes32 ledger,
        uint256 index
    ) external view returns (uint64 size, bytes32 root, uint64 batchId, uint64 time, uint64 blockNumber);

    /// @notice Whether exactly this head was anchored in this contract.
    function isAnchored(bytes32 ledger, uint64 size, bytes32 root) external view returns (bool);

    /// @notice A batch: its root, its place in the chain of batch hashes, its block's time in seconds, and the epoch
    /// whose members co-signed it.
    function batch(uint64 batchId) external view returns (bytes32 root, bytes32 hash, uint64 time, uint64 epoch);

    /// @notice The newest batch id and its hash; both zero before the first batch.
    function lastBatch() external view returns (uint64 batchId, bytes32 hash);

    /// @notice The address whose key signs a ledger's heads, or zero if the ledger is not registered.
    function signerOf(bytes32 ledger) external view returns (address);
}
