// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IConsortium} from "./IConsortium.sol";

/// @title Members, quorum and governance
/// @notice See {IConsortium}.
/// @dev Nothing here can touch what was anchored.
abstract contract Consortium is EIP712, IConsortium {
    uint256 private constant MAX_MEMBERS = 64;

    bytes32 private constant SET_CONSORTIUM_TYPE =
        keccak256("SetConsortium(address[] members,uint16 quorum,uint64 nonce,uint64 epoch)");
    bytes32 private constant ACCEPT_CONSORTIUM_TYPE =
        keccak256("AcceptConsortium(address[] members,uint16 quorum,uint64 nonce,uint64 epoch)");
    bytes32 private constant SET_PAUSED_TYPE = keccak256("SetPaused(bool paused,uint64 nonce,uint64 epoch)");
    bytes32 private constant SET_SUCCESSOR_TYPE = keccak256("SetSuccessor(address successor,uint64 nonce,uint64 epoch)");

    struct MemberSet {
        address[] members;
        uint16 quorum;
    }

    mapping(uint64 epoch => MemberSet) private _memberSets;
    /// @dev The last epoch that an address is a member of; it is a member now if that is the present one.
    mapping(address member => uint64 epoch) private _memberUntil;

    // One slot, read by every anchor.
    address private _successor;
    uint64 private _epoch;
    uint16 private _quorum;
    bool private _paused;

    uint64 private _nonce; // shares its slot with what a contract that inherits this one declares first

    constructor(address[] memory members, uint16 quorum) EIP712("LedgerAnchor", "1") {
        _replaceMembers(members, quorum);
    }

    /// @inheritdoc IConsortium
    function setConsortium(
        address[] calldata members,
        uint16 quorum,
        bytes[] calldata cosignatures,
        bytes[] calldata acceptances
    ) external {
        bytes32 membersHash = keccak256(abi.encodePacked(members));
        bytes32 acceptance = _hashTypedDataV4(
            keccak256(abi.encode(ACCEPT_CONSORTIUM_TYPE, membersHash, quorum, _nonce, _epoch))
        );
        _authorise(keccak256(abi.encode(SET_CONSORTIUM_TYPE, membersHash, quorum, _nonce, _epoch)), cosignatures);
        if (acceptances.length != members.length) {
            revert AcceptanceCountWrong(members.length, acceptances.length);
        }
        for (uint256 i = 0; i < members.length; ++i) {
            address signer = ECDSA.recover(acceptance, acceptances[i]);
            if (signer != members[i]) revert AcceptanceInvalid(members[i], signer);
        }
        _replaceMembers(members, quorum);
    }

    /// @inheritdoc IConsortium
    function setPaused(bool paused, bytes[] calldata cosignatures) external {
        _authorise(keccak256(abi.encode(SET_PAUSED_TYPE, paused, _nonce, _epoch)), cosignatures);
        if (paused == _paused) revert PauseUnchanged(paused);
        _paused = paused;
        emit PauseChanged(paused);
    }

    /// @inheritdoc IConsortium
    /// @dev The successor must already name this contract, so a mistyped address cannot end anchoring.
    function setSuccessor(address next, bytes[] calldata cosignatures) external {
        _authorise(keccak256(abi.encode(SET_SUCCESSOR_TYPE, next, _nonce, _epoch)), cosignatures);
        if (_successor != address(0)) revert SuccessorAlreadyNamed(_successor);
        if (next.code.length == 0 || IConsortium(next).predecessor() != address(this)) {
            revert SuccessorInvalid(next);
        }
        _successor = next;
        emit SuccessorNamed(next);
    }

    /// @inheritdoc IConsortium
    function consortium(uint64 epoch) external view returns (address[] memory members, uint16 quorum) {
        if (epoch == 0 || epoch > _epoch) revert EpochUnknown(epoch);
        MemberSet storage set = _memberSets[epoch];
        return (set.members, set.quorum);
    }

    /// @inheritdoc IConsortium
    function governance() external view returns (uint64 epoch, uint64 nonce, bool paused) {
        return (_epoch, _nonce, _paused);
    }

    /// @inheritdoc IConsortium
    function successor() public view returns (address) {
        return _successor;
    }

    /// @dev Reverts unless the present quorum signed the act; then the nonce is spent.
    function _authorise(bytes32 structHash, bytes[] calldata cosignatures) internal {
        _requireQuorum(structHash, cosignatures);
        ++_nonce;
    }

    /// @dev Reverts unless at least the quorum, and nobody but members, signed the struct, each once.
    function _requireQuorum(bytes32 structHash, bytes[] calldata cosignatures) internal view {
        if (cosignatures.length < _quorum) revert QuorumNotReached(_quorum, cosignatures.length);
        bytes32 digest = _hashTypedDataV4(structHash);
        uint64 epoch = _epoch;
        address previous;
        for (uint256 i = 0; i < cosignatures.length; ++i) {
            address signer = ECDSA.recover(digest, cosignatures[i]);
            if (signer <= previous) revert SignersNotAscending(previous, signer);
            if (_memberUntil[signer] != epoch) revert SignerNotMember(signer);
            previous = signer;
        }
    }

    function _epochAndNonce() internal view returns (uint64 epoch, uint64 nonce) {
        return (_epoch, _nonce);
    }

    function _isPaused() internal view returns (bool) {
        return _paused;
    }

    /// @dev Starts a new epoch with these members.
    function _replaceMembers(address[] memory members, uint16 quorum) private {
        if (members.length > MAX_MEMBERS) revert TooManyMembers(MAX_MEMBERS, members.length);
        if (quorum == 0 || quorum > members.length) revert QuorumOutOfRange(members.length, quorum);
        uint64 epoch = ++_epoch;
        address previous;
        for (uint256 i = 0; i < members.length; ++i) {
            if (members[i] <= previous) revert MembersNotAscending(previous, members[i]);
            previous = members[i];
            _memberUntil[previous] = epoch;
        }
        _quorum = quorum;
        _memberSets[epoch] = MemberSet(members, quorum);
        emit ConsortiumChanged(epoch, members, quorum);
    }
}
