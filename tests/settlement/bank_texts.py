"""Files a bank might send, made for the tests from small parts."""

PAIN_002 = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.12"
CAMT_053 = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
CODE = (
    "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly>"
    "</Domn></BkTxCd>"
)


def pain002(group: str, *payments: str, payment_state: str = "") -> bytes:
    """A status report; `group` is the group's state or empty."""
    state = f"<GrpSts>{group}</GrpSts>" if group else ""
    inner = f"<PmtInfSts>{payment_state}</PmtInfSts>" if payment_state else ""
    singles = "".join(payments)
    original = (
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>M1</OrgnlPmtInfId>{inner}{singles}</OrgnlPmtInfAndSts>"
        if singles or inner
        else ""
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{PAIN_002}"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>S1</MsgId><CreDtTm>2026-11-23T09:00:00+08:00</CreDtTm></GrpHdr>"
        "<OrgnlGrpInfAndSts><OrgnlMsgId>M1</OrgnlMsgId>"
        f"<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{state}</OrgnlGrpInfAndSts>"
        f"{original}</CstmrPmtStsRpt></Document>"
    ).encode()


def payment(reference: str, code: str, reason: str = "") -> str:
    """The state of one payment."""
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn><AddtlInf>不行</AddtlInf></StsRsnInf>"
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{reference}</OrgnlEndToEndId><TxSts>{code}</TxSts>"
        f"{why if reason else ''}</TxInfAndSts>"
    )


def camt053(*entries: str, opening: str = "1000.00", closing: str | None = None) -> bytes:
    """A statement of 23 November; balances only when `closing` is given."""
    balances = balance("OPBD", opening) + balance("CLBD", closing or opening)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{CAMT_053}"><BkToCstmrStmt>'
        "<GrpHdr><MsgId>C1</MsgId><CreDtTm>2026-11-24T06:00:00+08:00</CreDtTm></GrpHdr>"
        "<Stmt><Id>20261123</Id><Acct><Id><Othr><Id>6229000000000000001</Id></Othr></Id></Acct>"
        f"{balances}{''.join(entries)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def balance(code: str, amount: str) -> str:
    """A balance; a minus sign makes it a debit."""
    mark = "DBIT" if amount.startswith("-") else "CRDT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="CNY">{amount.lstrip("-")}</Amt><CdtDbtInd>{mark}</CdtDbtInd>'
        "<Dt><Dt>2026-11-23</Dt></Dt></Bal>"
    )


def entry(
    mark: str, amount: str, details: str = "", *, own: str = "E1", state: str = "BOOK"
) -> str:
    """An entry; `details` are its TxDtls."""
    inner = f"<NtryDtls>{details}</NtryDtls>" if details else ""
    reference = f"<AcctSvcrRef>{own}</AcctSvcrRef>" if own else ""
    return (
        f'<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{mark}</CdtDbtInd>'
        f"<Sts><Cd>{state}</Cd></Sts><BookgDt><Dt>2026-11-23</Dt></BookgDt>"
        f"<ValDt><DtTm>2026-11-22T17:00:00Z</DtTm></ValDt>{reference}{CODE}{inner}</Ntry>"
    )


def details(reference: str, *, amount: str = "", reason: str = "", name: str = "") -> str:
    """The details of one transaction within an entry."""
    sum_ = f'<Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd>' if amount else ""
    party = f"<RltdPties><Cdtr><Pty><Nm>{name}</Nm></Pty></Cdtr></RltdPties>" if name else ""
    back = f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>" if reason else ""
    return f"<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>{sum_}{party}{back}</TxDtls>"
