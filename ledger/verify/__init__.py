"""The offline verifier: receipts and statements against keys that the verifier chose (formats §9).

Pure: no clock, no network, no disk. `ledger.rpc` reads chains for it.
"""

from ledger.verify.report import Finding, Report, Step, Subject
from ledger.verify.trust import Policy, Trust, TrustedChain
from ledger.verify.verifier import verify

__all__ = ["Finding", "Policy", "Report", "Step", "Subject", "Trust", "TrustedChain", "verify"]
