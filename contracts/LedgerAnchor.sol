// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Consortium} from "./Consortium.sol";
import {IConsortium} from "./IConsortium.sol";
import {ILedgerAnchor} from "./ILedgerAnchor.sol";
import {AnchorBatch} from "./lib/AnchorBatch.sol";
import {ConsistencyProof} from "./lib/ConsistencyProof.sol";
import {LedgerOrigin} from "./lib/LedgerOrigin.sol";

/// @title The anchor contract of the Gongfen ledger
/// @notice See {ILedgerAnchor}; the rules and all signed structs are in docs/spec/contract.md.
/// @dev WARNING: never put this behind a proxy. Whoever could replace the code could rewrite the evidence.
contract LedgerAnchor is Consortium, ILedgerAnchor {
    bytes32 private constant HEAD_TYPE = keccak256("Head(bytes32 ledger,uint64 size,bytes32 root)");
    bytes32 private constant BATCH_TYPE =
        keccak256("Batch(uint64 batchId,bytes32 batchRoot,bytes32 previousBatchHash,uint64 epoch)");
    bytes32 private constant REGISTER_LEDGERS_TYPE =
        keccak256("RegisterLedgers(string[] origins,address[] signers,uint64 nonce,uint64 epoch)");
    bytes32 private constant ROTATE_SIGNER_TYPE =
        keccak256("RotateSigner(bytes32 ledger,address signer,uint64 nonce,uint64 epoch)");

    uint64 private constant MAX_SIZE = 2 ** 53 - 1;
    /// @dev No chain's seconds reach this before the year 5138; some chains count milliseconds.
    uint256 private constant MAX_SECONDS = 10 ** 11;

    struct Registration {
        address signer;
        uint64 count; // of anchors
    }

    struct Anchor {
        uint64 size;
        uint64 batchId;
        uint64 time;
        uint64 blockNumber;
        bytes32 root;
    }

    struct Batch {
        bytes32 root;
        bytes32 hash;
        uint64 time;
        uint64 epoch;
    }

    address private immutable PREDECESSOR;

    uint64 private _lastBatchId;
    mapping(bytes32 ledger => Registration) private _registrations;
    mapping(bytes32 ledger => mapping(uint256 index => Anchor)) private _anchors;
    mapping(uint64 batchId => Batch) private _batches;

    /// @param members the first consortium, 1 to 64 addresses, strictly ascending
    /// @param quorum 1 ≤ quorum ≤ members
    /// @param predecessor_ the contract whose heads this one continues, or zero
    constructor(address[] memory members, uint16 quorum, address predecessor_) Consortium(members, quorum) {
        if (predecessor_ != address(0) && predecessor_.code.length == 0) revert PredecessorInvalid(predecessor_);
        PREDECESSOR = predecessor_;
        ConsistencyProof.requireSha256();
    }

    /// @inheritdoc ILedgerAnchor
    function anchor(
        uint64 batchId,
        Checkpoint[] calldata checkpoints,
        bytes[] calldata cosignatures
    ) external returns (bytes32 batchRoot) {
        batchRoot = AnchorBatch.root(checkpoints);
        if (_isRepeated(batchId, batchRoot)) return batchRoot;
        if (_isPaused()) revert AnchoringPaused();
        if (successor() != address(0)) revert AnchoringEnded(successor());

        (uint64 epoch, ) = _epochAndNonce();
        bytes32 previousHash = _batches[batchId - 1].hash;
        _requireQuorum(keccak256(abi.encode(BATCH_TYPE, batchId, batchRoot, previousHash, epoch)), cosignatures);
        uint64 time = _blockTime();
        for (uint256 i = 0; i < checkpoints.length; ++i) {
            _anchorHead(checkpoints[i], batchId, time);
        }
        bytes32 hash = AnchorBatch.chainHash(previousHash, batchId, batchRoot);
        _lastBatchId = batchId;
        _batches[batchId] = Batch(batchRoot, hash, time, epoch);
        emit BatchAnchored(batchId, batchRoot, hash, checkpoints.length);
    }

    /// @inheritdoc ILedgerAnchor
    function registerLedgers(
        string[] calldata origins,
        address[] calldata signers,
        bytes[] calldata cosignatures
    ) external {
        if (origins.length == 0) revert NoLedgers();
        if (origins.length != signers.length) revert CountMismatch(origins.length, signers.length);
        bytes32[] memory originHashes = new bytes32[](origins.length);
        for (uint256 i = 0; i < origins.length; ++i) {
            originHashes[i] = keccak256(bytes(origins[i]));
            _register(origins[i], signers[i]);
        }
        bytes32 originsHash = keccak256(abi.encodePacked(originHashes));
        bytes32 signersHash = keccak256(abi.encodePacked(signers));
        (uint64 epoch, uint64 nonce) = _epochAndNonce();
        _authorise(keccak256(abi.encode(REGISTER_LEDGERS_TYPE, originsHash, signersHash, nonce, epoch)), cosignatures);
    }

    /// @inheritdoc ILedgerAnchor
    function rotateSigner(bytes32 ledger, address signer, bytes[] calldata cosignatures) external {
        (uint64 epoch, uint64 nonce) = _epochAndNonce();
        _authorise(keccak256(abi.encode(ROTATE_SIGNER_TYPE, ledger, signer, nonce, epoch)), cosignatures);
        address previous = _registrations[ledger].signer;
        if (previous == address(0)) revert LedgerUnknown(ledger);
        if (signer == address(0)) revert SignerZero(ledger);
        _registrations[ledger].signer = signer;
        emit SignerRotated(ledger, previous, signer);
    }

    /// @inheritdoc ILedgerAnchor
    function head(bytes32 ledger) external view returns (uint64 size, bytes32 root, uint64 batchId, uint256 count) {
        count = _registrations[ledger].count;
        if (count == 0) return (0, 0, 0, 0);
        Anchor storage newest = _anchors[ledger][count - 1];
        return (newest.size, newest.root, newest.batchId, count);
    }

    /// @inheritdoc ILedgerAnchor
    function frontier(bytes32 ledger) external view returns (uint64 size, bytes32 root) {
        return _frontier(ledger, _registrations[ledger].count);
    }

    /// @inheritdoc ILedgerAnchor
    function anchorAt(
        bytes32 ledger,
        uint256 index
    ) external view returns (uint64 size, bytes32 root, uint64 batchId, uint64 time, uint64 blockNumber) {
        uint256 count = _registrations[ledger].count;
        if (index >= count) revert AnchorUnknown(ledger, index, count);
        Anchor storage found = _anchors[ledger][index];
        return (found.size, found.root, found.batchId, found.time, found.blockNumber);
    }

    /// @inheritdoc ILedgerAnchor
    /// @dev Sizes ascend, so the anchor is found by halving.
    function isAnchored(bytes32 ledger, uint64 size, bytes32 root) external view returns (bool) {
        uint256 low = 0;
        uint256 high = _registrations[ledger].count;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            Anchor storage found = _anchors[ledger][middle];
            if (found.size == size) return found.root == root;
            if (found.size < size) low = middle + 1;
            else high = middle;
        }
        return false;
    }

    /// @inheritdoc ILedgerAnchor
    function batch(uint64 batchId) external view returns (bytes32 root, bytes32 hash, uint64 time, uint64 epoch) {
        if (batchId == 0 || batchId > _lastBatchId) revert BatchUnknown(batchId);
        Batch storage found = _batches[batchId];
        return (found.root, found.hash, found.time, found.epoch);
    }

    /// @inheritdoc ILedgerAnchor
    function lastBatch() external view returns (uint64 batchId, bytes32 hash) {
        return (_lastBatchId, _batches[_lastBatchId].hash);
    }

    /// @inheritdoc ILedgerAnchor
    function signerOf(bytes32 ledger) external view returns (address) {
        return _registrations[ledger].signer;
    }

    /// @inheritdoc IConsortium
    function predecessor() external view returns (address) {
        return PREDECESSOR;
    }

    /// @dev True for a batch that is anchored already, false for the next one; any other reverts.
    function _isRepeated(uint64 batchId, bytes32 batchRoot) private view returns (bool) {
        uint64 last = _lastBatchId;
        if (batchId == 0 || batchId > last + 1) revert BatchOutOfOrder(last + 1, batchId);
        if (batchId == last + 1) return false;
        bytes32 stored = _batches[batchId].root;
        if (stored != batchRoot) revert BatchConflict(batchId, stored, batchRoot);
        return true;
    }

    /// @dev Checks one head against the ledger's signer and its last head, then stores it.
    function _anchorHead(Checkpoint calldata checkpoint, uint64 batchId, uint64 time) private {
        (bytes32 ledger, uint64 size, bytes32 root) = (checkpoint.ledger, checkpoint.size, checkpoint.root);
        Registration storage registration = _registrations[ledger];
        (address signer, uint64 count) = (registration.signer, registration.count);
        if (signer == address(0)) revert LedgerUnknown(ledger);
        if (size > MAX_SIZE) revert SizeTooLarge(ledger, MAX_SIZE, size);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(HEAD_TYPE, ledger, size, root)));
        address got = ECDSA.recover(digest, checkpoint.signature);
        if (got != signer) revert HeadSignerWrong(ledger, signer, got);
        _requireExtension(checkpoint, count);
        _anchors[ledger][count] = Anchor(size, batchId, time, uint64(block.number), root);
        registration.count = count + 1;
        emit Anchored(ledger, size, root, batchId);
    }

    /// @dev Reverts unless the checkpoint extends the ledger's last head. A first anchor here may repeat the last head
    /// of the predecessor; after that every anchor must be larger.
    function _requireExtension(Checkpoint calldata checkpoint, uint64 count) private view {
        (bytes32 ledger, uint64 size) = (checkpoint.ledger, checkpoint.size);
        (uint64 oldSize, bytes32 oldRoot) = _frontier(ledger, count);
        bool repeats = count == 0 && oldSize != 0 && size == oldSize;
        if (size <= oldSize && !repeats) revert SizeNotLarger(ledger, oldSize, size);
        if (oldSize == 0) {
            if (checkpoint.proof.length != 0) revert ProofLengthWrong(ledger, 0, checkpoint.proof.length);
            return;
        }
        if (ConsistencyProof.verify(oldSize, oldRoot, size, checkpoint.root, checkpoint.proof)) return;
        uint256 needed = ConsistencyProof.length(oldSize, size);
        if (checkpoint.proof.length != needed) revert ProofLengthWrong(ledger, needed, checkpoint.proof.length);
        revert ProofInvalid(ledger, oldSize, size);
    }

    /// @dev The head that the next one must extend; size 0 if the ledger was never anchored, here or before.
    function _frontier(bytes32 ledger, uint64 count) private view returns (uint64 size, bytes32 root) {
        if (count != 0) {
            Anchor storage newest = _anchors[ledger][count - 1];
            return (newest.size, newest.root);
        }
        if (PREDECESSOR == address(0)) return (0, 0);
        // While the predecessor can still anchor, a head of its own could fork from the one anchored here.
        address next = IConsortium(PREDECESSOR).successor();
        if (next != address(this)) revert PredecessorOpen(PREDECESSOR, next);
        return ILedgerAnchor(PREDECESSOR).frontier(ledger);
    }

    /// @dev Seconds since 1970.
    function _blockTime() private view returns (uint64) {
        return uint64(block.timestamp > MAX_SECONDS ? block.timestamp / 1000 : block.timestamp);
    }

    function _register(string calldata origin, address signer) private {
        if (!LedgerOrigin.isValid(origin)) revert OriginInvalid(origin);
        bytes32 ledger = LedgerOrigin.id(origin);
        if (signer == address(0)) revert SignerZero(ledger);
        if (_registrations[ledger].signer != address(0)) revert LedgerAlreadyRegistered(ledger);
        _registrations[ledger].signer = signer;
        emit LedgerRegistered(ledger, origin, signer);
    }
}
