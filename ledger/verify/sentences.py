"""Every step's result, and every verdict, in words that a resident understands; English and Chinese."""

from __future__ import annotations

from typing import Final, NamedTuple


class Sentence(NamedTuple):
    """One sentence in two languages."""

    en: str
    zh: str


def _table(ok: Sentence, failed: Sentence, missing: Sentence, **more: Sentence) -> dict[str, Sentence]:
    return {"ok": ok, "failed": failed, "missing": missing} | more


SENTENCES: Final[dict[str, dict[str, Sentence]]] = {
    "format": _table(
        Sentence("The file is complete and readable.", "文件完整，可以读取。"),
        Sentence("The file is damaged, or of a kind that is not known here.", "文件已损坏，或者不是本程序认识的格式。"),
        Sentence("A part of the file is not there.", "文件缺少一部分。"),
    ),
    "bound": _table(
        Sentence("All parts belong together: one ledger, one place in it.", "各部分相互对应：同一本账、同一个位置。"),
        Sentence("Parts of different records have been put together.", "文件是由不同记录的部分拼凑起来的。"),
        Sentence("A part that ties the record to the ledger is not there yet.", "尚缺少把记录与账本对应起来的部分。"),
    ),
    "signed": _table(
        Sentence("Those who recorded it signed exactly this text.", "记录人签署的正是这一内容。"),
        Sentence("A signature does not fit: the record was changed, or not signed.", "签名不符：记录被改动或未签署。"),
        Sentence("The signatures cannot be checked yet; their keys come later.", "签名暂时无法核对，公钥随后提供。"),
    ),
    "authorised": _table(
        Sentence("Those who signed were entitled to, at that time.", "签署人在当时有权签署。"),
        Sentence("Somebody signed who was not entitled to.", "签署人没有相应的权限。"),
        Sentence("Whether the signers were entitled cannot be told yet.", "签署人是否有权，暂时还不能确认。"),
    ),
    "private": _table(
        Sentence("The personal details shown are the recorded ones.", "所出示的个人信息与记录一致。"),
        Sentence("A personal detail shown is not the recorded one.", "所出示的个人信息与记录不一致。"),
        Sentence("A personal detail is not there.", "缺少一项个人信息。"),
        not_asked=Sentence("No personal details are shown.", "没有出示个人信息。"),
    ),
    "effects": _table(
        Sentence("The points and the people are what the record says.", "积分和相关的人与记录相符。"),
        Sentence("The points or the people are not what the record says.", "积分或相关的人与记录不符。"),
        Sentence("The points cannot be worked out yet.", "积分暂时无法核算。"),
    ),
    "included": _table(
        Sentence("The record stands in the ledger's book.", "这条记录确实在账本里。"),
        Sentence("The record does not stand in the book that is shown.", "这条记录不在所出示的账本里。"),
        Sentence("The ledger has not yet summed up its state after this record.", "这条记录之后尚无状态承诺。"),
    ),
    "checkpoint": _table(
        Sentence(
            "The ledger sealed its book, and as many witnesses as you ask for saw it.",
            "账本已封签，见证方达到您要求的数量。",
        ),
        Sentence("The seal on the book is not one that you trust.", "账本的封签不是您所信任的。"),
        Sentence("Not enough witnesses have seen the book yet.", "见证方的数量还不够。"),
        outdated=Sentence("The witnesses saw the book longer ago than you allow.", "见证时间早于您允许的期限。"),
    ),
    "batched": _table(
        Sentence("The book is part of the batch that was sent to the chain.", "账本包含在上链的批次里。"),
        Sentence("The book is not part of the batch that is named.", "账本不在所指的批次里。"),
        Sentence("The book has not been sent to a chain yet.", "账本还没有上链。"),
        not_asked=Sentence("No batch is named, and you ask for none.", "没有批次信息，您也没有要求。"),
    ),
    "anchored": _table(
        Sentence("The chain holds the seal of this book.", "链上存有这本账的存证。"),
        Sentence("The chain does not hold what this file says.", "链上的存证与文件所说不符。"),
        Sentence("The chain has not confirmed it yet, or could not be asked.", "链上尚未确认，或暂时无法查询。"),
        outdated=Sentence("The chain holds it, but it is older than you allow.", "链上存有，但早于您允许的期限。"),
        not_asked=Sentence("You do not ask for proof from a chain.", "您没有要求链上存证。"),
    ),
    "complete": _table(
        Sentence("These are all the records of this party, and the balance adds up.", "这是全部记录，余额正确。"),
        Sentence("Records are missing or too many, or the balance is wrong.", "记录有缺漏或多余，或余额不对。"),
        Sentence("Whether these are all the records cannot be told yet.", "是否为全部记录，暂时还不能确认。"),
    ),
    "current": _table(
        Sentence("Nothing later takes it back.", "之后没有被撤销。"),
        Sentence("The newer statement contradicts this file.", "较新的档案证明与本文件矛盾。"),
        Sentence("The newer statement does not settle it.", "较新的档案证明不足以判断。"),
        outdated=Sentence("It was taken back later.", "这条记录后来被撤销了。"),
    ),
}
"""By code and result; every result that a step can have is there."""

VERDICTS: Final[dict[str, Sentence]] = {
    "genuine": Sentence(
        "Genuine, as of {size} entries. What came after is not covered.",
        "真实有效（截至第 {size} 条），不涉及之后的记录。",
    ),
    "pending": Sentence(
        "Nothing is wrong, but a confirmation is still missing, as of {size} entries.",
        "未发现问题，但还缺少确认（截至第 {size} 条）。",
    ),
    "superseded": Sentence(
        "It was genuine, as of {size} entries, but it has been taken back, replaced or is too old.",
        "曾经真实有效（截至第 {size} 条），但已被撤销、替代或过期。",
    ),
    "invalid": Sentence("Not valid: do not rely on it.", "无效，请勿采信。"),
}
