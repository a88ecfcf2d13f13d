// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title The organisations that stand behind an anchor contract, and what only their quorum may do
/// @notice Every act of governance is one EIP-712 struct with the present `nonce` and `epoch`, signed by the quorum
/// (docs/spec/contract.md has all type strings). Whoever submits an act needs no trust. There is no owner.
/// @dev A list of signatures is 65 bytes each (r, s, v), low s, in strictly ascending order of the signers' addresses.
interface IConsortium {
    /// @notice The members of `epoch` are these, from now on.
    event ConsortiumChanged(uint64 indexed epoch, address[] members, uint16 quorum);
    event PauseChanged(bool paused);
    /// @notice Anchoring ended here for ever.
    event SuccessorNamed(address indexed successor);

    error EpochUnknown(uint64 epoch);
    /// @notice Members must be strictly ascending, so that none is zero and none is there twice.
    error MembersNotAscending(address previous, address got);
    error TooManyMembers(uint256 most, uint256 got);
    error QuorumOutOfRange(uint256 members, uint256 quorum);
    error QuorumNotReached(uint256 expected, uint256 got);
    error SignersNotAscending(address previous, address got);
    error SignerNotMember(address got);
    error AcceptanceCountWrong(uint256 expected, uint256 got);
    error AcceptanceInvalid(address expected, address got);
    error PauseUnchanged(bool paused);
    error SuccessorAlreadyNamed(address successor);
    /// @notice The successor has no code, or does not name this contract as its predecessor.
    error SuccessorInvalid(address got);

    /// @notice Replaces members and quorum; the epoch rises and old signatures die.
    /// @param members 1 to 64 addresses, strictly ascending
    /// @param quorum 1 ≤ quorum ≤ members
    /// @param cosignatures of the present quorum over `SetConsortium`
    /// @param acceptances of *every* new member, in the order of `members`, over `AcceptConsortium`: a mistyped or
    /// unwilling member cannot be named
    function setConsortium(
        address[] calldata members,
        uint16 quorum,
        bytes[] calldata cosignatures,
        bytes[] calldata acceptances
    ) external;

    /// @notice Stops or resumes new anchors, and nothing else.
    function setPaused(bool paused, bytes[] calldata cosignatures) external;

    /// @notice Ends anchoring here for ever and names where it goes on.
    /// @dev WARNING: one-way. A verifier never follows a successor by itself; its operator must choose to.
    function setSuccessor(address successor, bytes[] calldata cosignatures) external;

    /// @notice The members and quorum of an epoch, the present one or an old one. Epochs count from 1.
    function consortium(uint64 epoch) external view returns (address[] memory members, uint16 quorum);

    /// @notice The present epoch, the nonce that the next act of governance must carry, and whether anchoring is paused.
    function governance() external view returns (uint64 epoch, uint64 nonce, bool paused);

    /// @notice Where anchoring goes on, or zero.
    function successor() external view returns (address);

    /// @notice The contract that came before, or zero. It never changes.
    function predecessor() external view returns (address);
}
