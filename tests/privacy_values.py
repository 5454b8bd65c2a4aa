"""Made-up values of every kind for the tests of recognisers: well-formed, given to nobody on purpose, made at run time."""

from __future__ import annotations

import random
from collections.abc import Callable

from hypothesis import strategies as st

from privacy.checksums import VIN_VALUES, VIN_WEIGHTS
from privacy.recognisers import USCC_ALPHABET, luhn, uscc_check


def _citizen(seed: int, region: str) -> str:
    rng = random.Random(seed)
    body = f"{region}{rng.randint(1950, 2010)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}{rng.randint(1, 999):03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def resident_id(seed: int) -> str:
    return _citizen(seed, "330106")


def bank_card(seed: int) -> str:
    rng = random.Random(seed)
    body = "622848" + "".join(rng.choice("0123456789") for _ in range(12))
    return next(body + digit for digit in "0123456789" if luhn(body + digit))


def credit_code(seed: int) -> str:
    rng = random.Random(seed)
    body = "91330100" + "".join(rng.choice(USCC_ALPHABET) for _ in range(9))
    return next(body + mark for mark in USCC_ALPHABET if uscc_check(body + mark))


def mobile(seed: int) -> str:
    return "1" + str(random.Random(seed).randint(3_000_000_000, 9_999_999_999))


def vin(seed: int) -> str:
    rng = random.Random(seed)
    body = "LSV" + "".join(rng.choice("ABCDEFGH0123456789") for _ in range(5)) + "0" + "".join(rng.choice("ABC0123456789") for _ in range(4)) + "1234"
    rest = sum(VIN_VALUES[mark] * weight for mark, weight in zip(body, VIN_WEIGHTS, strict=True)) % 11
    return body[:8] + "0123456789X"[rest] + body[9:]


def imei(seed: int) -> str:
    body = f"86{seed:012d}"
    return next(body + digit for digit in "0123456789" if luhn(body + digit))


MADE: dict[str, Callable[[int], str]] = {
    "resident_id": resident_id, "bank_card": bank_card, "social_credit_code": credit_code, "mobile": mobile,
    "email": lambda seed: f"user{seed}@mail.example.cn", "disability_card": lambda seed: resident_id(seed) + "43",
    "hmt_residence_permit": lambda seed: _citizen(seed, "810000"), "foreigner_permit": lambda seed: _citizen(seed, "933156"),
    "landline": lambda seed: f"0571-8{seed:07d}", "plate": lambda seed: f"浙A{seed:04d}K", "ip": lambda seed: f"192.168.{seed % 200}.77",
    "mac": lambda seed: f"A4:5E:60:{seed % 256:02X}:01:9F", "vin": vin, "imei": imei, "passport": lambda seed: f"E{seed + 10_000_000:08d}",
    "hk_macao_permit": lambda seed: f"H{seed + 20_000_000:08d}", "url_token": lambda seed: f"https://a.example.cn/x?access_token=abc{seed:06d}",
    "coordinates": lambda seed: f"120.15{seed % 1000:03d},30.27{seed % 1000:03d}",
}
# Kinds that count in a cell of their own, without a word around.
BARE = ("resident_id", "bank_card", "social_credit_code", "mobile", "email", "disability_card", "hmt_residence_permit", "landline", "plate", "ip",
        "mac", "vin", "url_token")
# Beside the word that asks for them.
WORDED = {
    "passport": "护照号 E12345678", "hk_macao_permit": "港澳通行证：H12345678", "taiwan_permit": "台胞证 12345678",
    "officer_card": "军官证 军字第2001988号", "residence_permit": "居住证号 330100123456", "foreigner_permit": "永久居留证 CHN110085061205",
    "imei": "手机串号 861234567890123", "social_security": "社保卡号 A12345678", "wechat": "微信号：li_lei-99", "qq": "QQ：123456789",
    "coordinates": "家住 120.155070,30.274080",
    "landline": "家电 88881234", "bank_card": "银行卡号 6222000000000000001", "social_credit_code": "信用代码 91330100MA00000000",
}
PIECES = st.one_of(
    st.sampled_from(["1", "3", "8", "0", "9", "6", "2", "A", "X", "x", "１", "３", "＠", "@", ".", "-", " ", "\u3000", "\u2009", "\u200b", "－", "ß",
                     "张", "com", "9133", "0106", "1990", "86", "+", "_", "\n", "浙A", "浙", "护照", "微信", "QQ", "电话", " at ", "(at)",
                     ":", "://", "?token=",
                     "E8", "0571", ",", "，", "E+10", "订单号", "使", "WJ", "12,345", "1.3800001E10", "5E:60:01"]),
    *[st.integers(0, 50).map(make) for make in MADE.values()], st.sampled_from(sorted(WORDED.values())))
