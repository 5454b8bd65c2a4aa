"""Synthetic people and enterprises: names, numbers with correct check digits, all made by the seed and never real."""

from __future__ import annotations

import numpy as np

from console.demo.draw import Text, divisions, joined, pick, texts

SURNAMES = list("王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾萧田董潘袁"
                "蔡蒋余于杜叶程魏苏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江")
GIVEN = list("伟芳娜敏静丽强磊洋艳勇军杰娟涛明超秀霞平刚桂英华玉兰建国志文俊辉鹏飞雪梅琳浩宇轩子涵欣怡佳慧晨阳思雨嘉豪梦瑶一诺")
USCC = np.array(list("0123456789ABCDEFGHJKLMNPQRTUWXY"), object)
_ORGANISATION = np.array(list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), object)
_MOBILE = ["135", "136", "137", "138", "139", "150", "151", "157", "158", "159", "177", "180", "182", "186", "188", "199"]
_BANK = ["622202", "621700", "622848", "621661"]
_BRAND = list("云栖钱江启明瑞丰泽汇鸿远锦绣长青天目安吉恒信华辰嘉禾博雅凌志星宇百川新湖瀚海东方正泰宏达盛世金桥")
_TRADES: dict[str, list[str]] = {
    "I": ["网络科技", "软件", "信息技术", "数字科技", "人工智能科技"], "F": ["贸易", "电子商务", "进出口", "供应链"],
    "C": ["机械制造", "纺织", "医药", "电子", "新材料"], "L": ["企业管理咨询", "文化传播", "人力资源", "广告"],
    "M": ["生物技术", "检测技术", "工程设计"], "E": ["建筑工程", "装饰工程"], "G": ["物流", "运输"], "H": ["餐饮管理", "酒店管理"],
    "K": ["物业服务", "房地产"], "R": ["影视文化", "体育发展"], "A": ["生态农业", "茶业"],
}
TRADE_WEIGHTS = [18.0, 30.0, 12.0, 12.0, 8.0, 6.0, 3.0, 5.0, 2.0, 2.0, 2.0]


def names(rng: np.random.Generator, size: int) -> Text:
    """Personal names of two or three characters."""
    second = np.where(rng.random(size) < 0.75, pick(rng, GIVEN, size), "")
    return joined(pick(rng, SURNAMES, size), pick(rng, GIVEN, size), second.astype(object))


def mobiles(rng: np.random.Generator, size: int) -> Text:
    """Eleven digits with a prefix that is in use."""
    return joined(pick(rng, _MOBILE, size), texts(rng.integers(0, 10**8, size), "%08d"))


def emails(rng: np.random.Generator, size: int) -> Text:
    """Addresses below a domain that is reserved for examples."""
    return joined("u", texts(rng.integers(10**5, 10**7, size)), "@mail.example.org")


def resident_ids(rng: np.random.Generator, years: np.ndarray[tuple[int], np.dtype[np.int64]], regions: Text) -> Text:
    """Eighteen characters after GB 11643: region, a birthday of the given year, sequence, check character."""
    size = len(years)
    days = (years.astype(str).astype("datetime64[Y]").astype("datetime64[D]") + rng.integers(0, 365, size)).astype(str)
    body = joined(regions, np.char.replace(days, "-", "").astype(object), texts(rng.integers(1, 1000, size), "%03d"))
    digits = _digits(body, 17)
    weights = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
    return joined(body, np.array(list("10X98765432"), object)[digits @ weights % 11])


def bank_cards(rng: np.random.Generator, size: int) -> Text:
    """Nineteen digits whose Luhn check (ISO/IEC 7812-1) holds."""
    body = joined(pick(rng, _BANK, size), texts(rng.integers(0, 10**12, size), "%012d"))
    doubled = _digits(body, 18)
    doubled[:, 1::2] *= 2
    total = np.where(doubled > 9, doubled - 9, doubled).sum(axis=1)
    return joined(body, texts((10 - total % 10) % 10))


def _digits(body: Text, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return body.astype(f"U{width}").view("U1").reshape(len(body), width).astype(np.int64)


def credit_codes(rng: np.random.Generator, districts: Text, kinds: Text) -> Text:
    """Unified social credit codes after GB 32100: `9`, kind digit, registry, organisation code (MA…), check character."""
    size = len(districts)
    marks = np.concatenate([np.tile([22, 10], (size, 1)), rng.integers(0, 36, (size, 6))], axis=1)
    marks[:, 2:] = np.where(np.isin(marks[:, 2:], [18, 24, 28, 31, 35]), 7, marks[:, 2:])     # I O S V Z are not used
    check = (11 - marks @ np.array([3, 7, 9, 10, 5, 8, 4, 2]) % 11) % 11
    body = joined("9", kinds, districts, *_ORGANISATION[marks].T, np.where(check == 10, "X", texts(check)).astype(object))
    values = np.searchsorted(USCC.astype("U1"), body.astype("U17").view("U1").reshape(size, 17))
    total = values @ np.array([pow(3, at, 31) for at in range(17)]) % 31
    return joined(body, USCC[(31 - total) % 31])


def enterprises(rng: np.random.Generator, industries: Text, kinds: Text) -> Text:
    """Names such as 杭州云栖软件有限公司, with the ending that the kind of enterprise has."""
    size = len(industries)
    trades = np.empty(size, object)
    for industry, words in _TRADES.items():
        at = industries == industry
        trades[at] = pick(rng, words, int(at.sum()))
    brand = [pick(rng, _BRAND, size) for _ in range(3)]
    endings = {"A": "有限公司", "B": "股份有限公司", "C": "合伙企业（有限合伙）", "D": "经营部", "E": "商行", "F": "有限公司分公司"}
    return joined("杭州", *brand, trades, np.array([endings[kind] for kind in kinds], object))


INDUSTRIES = list(_TRADES)


def places(rng: np.random.Generator, size: int, urban: float = 6.0) -> tuple[Text, Text, Text]:
    """District codes, district names and streets; streets of the city proper are `urban` times as likely."""
    known = divisions()
    inner = np.isin(known["district"], ["330102", "330105", "330106", "330108", "330110", "330109", "330113", "330114"])
    weights = np.where(inner, urban, 1.0)
    at = rng.choice(len(weights), size, p=weights / weights.sum())
    return known["district"][at], known["district_name"][at], known["name"][at]


ROADS = ["文三路", "文一西路", "天目山路", "体育场路", "庆春路", "解放路", "延安路", "凤起路", "莫干山路", "古墩路",
         "江南大道", "滨盛路", "市心中路", "钱江路", "秋涛北路", "石祥路", "留和路", "振华路", "金城路", "环城北路"]


def addresses(rng: np.random.Generator, district_names: Text, streets: Text) -> Text:
    """An address down to the house number."""
    size = len(streets)
    return joined("杭州市", district_names, streets, pick(rng, ROADS, size), texts(rng.integers(1, 900, size)), "号")
