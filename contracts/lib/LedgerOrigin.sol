// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title Origins and ledger ids (formats §2)
library LedgerOrigin {
    uint256 internal constant MAX_LENGTH = 128;

    /// @notice SHA-256("gongfen/ledger/v1\n" || origin)
    function id(string calldata origin) internal pure returns (bytes32) {
        return sha256(abi.encodePacked("gongfen/ledger/v1\n", origin));
    }

    /// @notice Whether `origin` matches [a-z0-9.-]+(/[a-z0-9-]+)+ and has at most 128 bytes.
    function isValid(string calldata origin) internal pure returns (bool) {
        bytes calldata text = bytes(origin);
        if (text.length > MAX_LENGTH) return false;
        uint256 segments;
        bool empty = true; // the present segment has no character yet
        for (uint256 i = 0; i < text.length; ++i) {
            bytes1 c = text[i];
            if (c == "/") {
                if (empty) return false;
                ++segments;
                empty = true;
            } else if ((c >= "a" && c <= "z") || (c >= "0" && c <= "9") || c == "-" || (c == "." && segments == 0)) {
                empty = false;
            } else {
                return false;
            }
        }
        return segments > 0 && !empty;
    }
}
