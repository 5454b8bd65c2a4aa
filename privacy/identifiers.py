"""The table of identifiers: one declarative specification each, read by the engine's screen, the column judge, Presidio and `spans_in`.

Scores run from 0 to 1. `bare` is a match that stands alone in its right shape, `odd` one in a doubtful shape, `checked` one whose
checksum holds; a cue word nearby raises them to `cued`, a veto word lowers them. Levels follow notes of the province's grading guide
and PIPL Art. 28; they are a suggestion of the screen, and the contract decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from catalog.contract import Level
from privacy.checksums import (
    always,
    area_shape,
    card_shape,
    credit_shape,
    foreigner_shape,
    id_check,
    id_shape,
    ip_shape,
    luhn,
    mobile_shape,
    uscc_check,
    vin_check,
)

COUNTS = 0.5          # from this score on a finding counts without any further evidence
RARE = 1e-4           # below this share of random codes of its form a hit is no chance
_NUMBERED = ("订单", "流水", "单号", "运单", "快递", "工单", "批号", "批次", "文书号", "文号", "案号", "档案号", "项目编号", "项目代码", "发票",
             "合同编号", "合同号", "序列号", "设备", "表号", "编码", "编号", "序号", "金额", "ORDER", "SERIAL", "SN:", "NO.")


@dataclass(frozen=True)
class Spec:
    """`cores` match folded text (`gaps`: with separators between its characters); `chance` is how often a checksum holds by chance, and
    `random` which share of codes drawn at random from the characters of its first core passes shape and checksum (1.0: not established).

    `lead`: what must stand directly before. `edge`: characters that may not touch the match on either side. `bodies`: enterprises and
    offices have it too, so that a contract may name it on an L1 column and keep it.
    """

    kind: str
    zh: str
    en: str
    personal: bool
    level: Level
    cores: tuple[str, ...]
    source: str
    bare: float = 0.0
    odd: float = 0.0
    checked: float = 0.0
    cued: float = 0.9
    shape: Callable[[str], bool] = always
    check: Callable[[str], bool] | None = None
    chance: float = 1.0
    cues: tuple[str, ...] = ()
    vetoes: tuple[str, ...] = ()
    gaps: bool = True
    lead: str = ""
    edge: str = "0-9"
    bodies: bool = False
    random: float = 1.0

    @property
    def certain(self) -> bool:
        """Whether one hit that passes its checksum is a person's for certain: rarer by chance than RARE, and counted by itself."""
        return self.personal and not self.bodies and self.random <= RARE and self.checked >= COUNTS


PLACES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_CITIZEN = ("身份证", "身份证号", "身份证编号", "证件", "证件编号", "证件号", "公民身份", "身份号码", "SFZ", "ID CARD", "IDCARD")
_CALL = ("电话", "手机", "手机号", "联系", "致电", "来电", "号码", "TEL", "PHONE", "MOBILE", "SJH", "LXDH", "微信", "短信")
_CARD = ("卡号", "银行卡", "储蓄卡", "信用卡", "账号", "帐号", "账户", "开户", "收款", "YHK", "CARD")
SPECS: tuple[Spec, ...] = (
    Spec("disability_card", "残疾人证号", "Disability card number", True, "L4", ("[1-9][0-9]{16}[0-9X][1-7][1-4](?:B[0-9])?",
         "[1-9][0-9]{16}[0-9X][0-9]{2}"), "China Disabled Persons' Federation, disability card rules: resident ID, kind, grade",
         0.85, 0.1, 0.95, 0.95, id_shape, id_check, 1 / 11, ("残疾", "CJZ"), _NUMBERED, random=3e-5),
    Spec("hmt_residence_permit", "港澳台居民居住证号", "Residence permit of a Hong Kong, Macao or Taiwan resident", True, "L4",
         ("8[123]0000[0-9]{11}[0-9X]",), "State Council 2018 no. 81; GB 11643", 0.9, 0.3, 0.95, 0.95, id_shape, id_check, 1 / 11,
         ("居住证", *_CITIZEN), random=7e-5),
    Spec("foreigner_permit", "外国人永久居留身份证号", "Permanent residence card of a foreigner", True, "L4",
         ("9[0-9]{16}[0-9X]", "[A-Z]{3}[0-9]{12}"), "GA/T 1193; card of 2023", 0.3, 0.05, 0.4, 0.9, foreigner_shape, id_check, 1 / 11,
         ("永久居留", "外国人"), _NUMBERED, edge="0-9A-Z", random=7e-5),
    Spec("resident_id", "居民身份证号", "Resident ID number", True, "L4", ("[1-9][0-9]{16}[0-9X]", "[1-9][0-9]{14}"), "GB 11643-1999",
         0.85, 0.05, 0.95, 0.95, id_shape, id_check, 1 / 11, _CITIZEN, _NUMBERED, random=3e-5),
    Spec("residence_permit", "居住证号", "Residence permit number", True, "L4", ("[A-Z0-9]{2}[0-9]{8,16}",),
         "Regulation on residence permits, 2015; cities number their own", 0.0, 0.0, 0.0, 0.7, cues=("居住证", "暂住证", "JZZ"),
         edge="0-9A-Z"),
    Spec("social_credit_code", "统一社会信用代码", "Unified social credit code", False, "L1",
         ("[1-9A-HJ-NPQRTUWXY][0-9A-HJ-NPQRTUWXY][0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}",), "GB 32100-2015",
         0.3, 0.0, 0.95, 0.95, credit_shape, uscc_check, 1 / 31, ("信用代码", "税号", "纳税人识别号", "TYSHXYDM", "USCC"), edge="0-9A-Z",
         bodies=True),
    Spec("bank_card", "银行卡号", "Bank card number", True, "L4",
         tuple(core for n in (19, 18, 17, 16) for core in (f"(?:6[02]|5[1-5]|35)[0-9]{{{n - 2}}}", f"[49][0-9]{{{n - 1}}}")),
         "ISO/IEC 7812-1; JR/T 0008", 0.15, 0.0, 0.7, 0.9, card_shape, luhn, 1 / 10, _CARD, _NUMBERED),
    Spec("vin", "车辆识别代号", "Vehicle identification number", True, "L3", ("[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{4}[0-9]{4}",),
         "GB 16735; ISO 3779", 0.2, 0.0, 0.65, 0.9, lambda text: not text.isdigit(), vin_check, 1 / 11, ("车架", "车辆识别", "VIN"), _NUMBERED,
         edge="0-9A-Z"),
    Spec("imei", "移动设备识别码", "IMEI of a device", True, "L3", ("(?:0[01]|35|86|99)[0-9]{13}",), "3GPP TS 23.003", 0.05, 0.0, 0.3, 0.9,
         check=luhn, chance=1 / 10, cues=("IMEI", "串号", "设备识别")),
    Spec("mobile", "手机号码", "Mobile number", True, "L3", (r"(?:(?:\+?0?0?86)?1[3-9][0-9]{9}){1,6}",),
         "Telecommunications numbering plan (MIIT)", 0.8, 0.55, 0.0, 0.95, mobile_shape, cues=_CALL, vetoes=_NUMBERED),
    Spec("landline", "固定电话", "Landline number", True, "L3", (
         r"(?:\+?0?0?86)?0(?:10|2[0-9]|[3-9][0-9]{2})[2-8][0-9]{6,7}", r"\+?0?0?86(?:10|2[0-9]|[3-9][0-9]{2})[2-8][0-9]{7}", "[2-8][0-9]{7}"),
         "Telecommunications numbering plan (MIIT)", 0.6, 0.1, 0.0, 0.8,
         lambda text: len(text) > 8 and area_shape(text), cues=("座机", "电话", "家电", "固话", "TEL"), vetoes=_NUMBERED,
         bodies=True),
    Spec("hk_macao_permit", "港澳通行证号", "Permit for or from Hong Kong and Macao", True, "L4",
         ("[HM][0-9]{8}", "[HM][0-9]{10}", "C[0-9A-Z][0-9]{7}", "W[0-9]{8}"), "Exit-entry documents (NIA)", 0.3, 0.0, 0.0, 0.85,
         cues=("通行证", "回乡证", "港澳"), vetoes=_NUMBERED, edge="0-9A-Z"),
    Spec("taiwan_permit", "台湾通行证号", "Permit for or from Taiwan", True, "L4", ("[0-9]{8}", "[LT][0-9]{8}", "[0-9]{10}[A-Z]?"),
         "Exit-entry documents (NIA)", 0.0, 0.0, 0.0, 0.75, cues=("台胞证", "台湾居民来往", "来往台湾", "台湾通行证"), edge="0-9A-Z"),
    Spec("passport", "护照号", "Passport number", True, "L4",
         ("[EGDSPHK][0-9]{8}", "E[A-HJ-NP-Z][0-9]{7}", "1[45][0-9]{7}", "P[0-9]{7}", "[A-Z]{1,2}[0-9]{6,8}"),
         "Passport law; ICAO Doc 9303", 0.3, 0.0, 0.0, 0.9, cues=("护照", "PASSPORT", "HZH"), vetoes=_NUMBERED, edge="0-9A-Z"),
    Spec("officer_card", "军官证号", "Officer card number", True, "L4",
         ("[军政后装海空沈北兰济南广成武警士文参总][字]?第?[0-9]{6,8}号?", "[0-9]{6,8}"), "Service identity cards", 0.0, 0.0, 0.0, 0.8,
         cues=("军官证", "士官证", "士兵证", "警官证", "文职", "军人证", "军字", "武字")),
    Spec("plate", "机动车号牌", "Vehicle plate", True, "L3",
         (f"[{PLACES}][A-Z][A-HJ-NP-Z0-9]{{5,6}}", f"[{PLACES}][A-Z][A-HJ-NP-Z0-9]{{4}}[学警港澳挂领]", f"WJ[{PLACES}]?[0-9]{{4}}[0-9A-Z]",
          "[0-9]{6}使", f"[{PLACES}][A-Z][A-HJ-NP-Z0-9]{{5,6}}(?:19|20)[0-9]{{2}}(?:[0-9]{{4}})?"), "GA 36-2018", 0.85, 0.45,
         0.0, 0.95, lambda text: any(mark.isdigit() for mark in text[2:]),
         cues=("车牌", "号牌", "车辆", "车主", "轿车", "CPH"), edge="0-9A-Z"),
    Spec("email", "电子邮箱", "E-mail address", True, "L3",
         (r"[A-Z0-9._%+\-]+@[A-Z0-9][A-Z0-9.\-]*\.[A-Z]{2,}",
          r"[A-Z0-9][A-Z0-9._%+\-]*[ ([（【{]{1,2}(?:AT|艾特)[ )\]）】}]{1,2}[A-Z0-9][A-Z0-9\-]*(?:[ ]?(?:\.|DOT|点)[ ]?[A-Z0-9\-]{2,})+"),
         "RFC 5322; what people write to hide it", 0.95, gaps=False, edge=r"A-Z0-9._%+\-", cued=0.95),
    Spec("ip", "IP 地址", "IP address", True, "L3",
         (r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}",
          r"(?:[0-9A-F]{1,4}:){7}[0-9A-F]{1,4}", r"(?:[0-9A-F]{1,4}:){2,6}(?::[0-9A-F]{1,4}){1,5}"), "RFC 791, RFC 4291",
         0.7, 0.25, 0.0, 0.9, ip_shape, cues=("IP", "地址为", "登录", "访问"), vetoes=("版本", "VERSION", "条款", "章节"), gaps=False,
         edge="0-9A-F.:"),
    Spec("mac", "MAC 地址", "MAC address of a device", True, "L3", ("[0-9A-F]{2}(?::[0-9A-F]{2}){5}", r"[0-9A-F]{2}(?:\-[0-9A-F]{2}){5}",
         r"[0-9A-F]{4}\.[0-9A-F]{4}\.[0-9A-F]{4}"), "IEEE 802", 0.85, 0.3, 0.0, 0.9,
         lambda text: ":" in text or any(mark.isalpha() for mark in text), cues=("MAC", "网卡", "物理地址"), gaps=False, edge=r"0-9A-Z:\-"),
    Spec("url_token", "带令牌的链接", "Link with a token", True, "L4",
         (r"[A-Z]{2,6}://[^ ]*[?&#;](?:[A-Z_]*TOKEN|SID|SESSION[A-Z_]*|JSESSIONID|[A-Z_]*KEY|SIG|SIGN|SIGNATURE|AUTH|CODE|TICKET|OPENID|UNIONID|UID"
          r"|USERID|USER_ID|PASSWORD|PWD|SECRET)=[^& ;；，。、]{4,}", r"[A-Z]{2,6}://[^ /:@]+:[^ /@]+@[^ ]+"), "RFC 3986, RFC 6750",
         0.9, gaps=False, cued=0.9, edge="A-Z"),
    Spec("wechat", "微信号", "WeChat account", True, "L3", (r"[A-Z0-9][A-Z0-9_\-]{4,29}",), "WeChat account rules", 0.85, cued=0.9, gaps=False,
         lead=r"(?:微信|薇信|微心|WECHAT|WEIXIN|(?<![A-Z0-9])(?:WX|VX)|V信)(?:号码|账号|帐号|号|名|ID)?[ 是为：:;；,，=\-]{0,3}", edge=r"A-Z0-9_\-"),
    Spec("qq", "QQ 号", "QQ number", True, "L3", ("[1-9][0-9]{4,11}",), "QQ account rules", 0.85, cued=0.9,
         lead=r"(?:QQ|扣扣|企鹅)(?:群|号码|账号|帐号|号)?[ 是为：:;；,，=\-]{0,3}"),
    Spec("social_security", "社会保障号", "Social security number", True, "L4", ("[A-Z]?[0-9]{8,12}",), "Social security card rules (MOHRSS)",
         0.0, 0.0, 0.0, 0.8, cues=("社保", "医保", "社会保障", "SBH", "YBH"), vetoes=_NUMBERED, edge="0-9A-Z"),
    Spec("coordinates", "经纬度", "Coordinates", False, "L3",
         (r"(?:7[3-9]|[89][0-9]|1[0-2][0-9]|13[0-5])\.[0-9]{4,}[ ,，;、]{1,3}[1-5]?[0-9]\.[0-9]{4,}",
          r"[1-5]?[0-9]\.[0-9]{4,}[ ,，;、]{1,3}(?:7[3-9]|[89][0-9]|1[0-2][0-9]|13[0-5])\.[0-9]{4,}"), "GB/T 37964: a home's place identifies",
         0.3, 0.0, 0.0, 0.8, cues=("住址", "家住", "家庭", "住宅", "定位", "HOME"), gaps=False, edge="0-9."),
    Spec("name", "姓名", "Name of a person", True, "L3", (), "PIPL Art. 4"),
    Spec("address", "地址", "Address", True, "L3", (), "PIPL Art. 4; GB/T 23705"),
)
BY_KIND = {spec.kind: spec for spec in SPECS}
# What is already masked identifies together with other columns: findings of free text, never a reason of their own.
MASKED = Spec("masked", "已遮蔽的值", "Masked value", True, "L2", (r"[0-9A-Z]{1,10}[*●•■]{2,16}[0-9A-Z]{0,6}", r"[*●•■]{3,16}[0-9A-Z]{2,6}"),
              "What is left identifies with the rest of the row", 0.5, gaps=False, edge="0-9A-Z*")
