"""What a column's header says about its values: a kind of identifier, or that they are numbers of things and not of persons.

In Chinese, English and initials of pinyin. A header supports or raises a doubt; none ever clears a column by itself.
"""

from __future__ import annotations

import re

from privacy.recognisers import fold

# Words that ask for a kind (contained in the header), and whole names (English, initials of pinyin) that do.
_WORDS = {
    "resident_id": "身份证|证件号|公民身份", "bank_card": "银行卡|卡号|银行账号|开户账号", "mobile": "手机|联系电话|联系方式|移动电话|电话号码",
    "landline": "固定电话|座机|办公电话|传真", "email": "邮箱|电子邮件", "plate": "车牌|号牌号码", "passport": "护照", "imei": "IMEI|串号",
    "vin": "车架号|车辆识别", "mac": "MAC地址|物理地址", "ip": "IP地址|登录IP", "wechat": "微信", "qq": "QQ", "social_security": "社保号|社会保障号",
    "disability_card": "残疾人证", "hk_macao_permit": "港澳通行证|港澳证件|回乡证", "social_credit_code": "统一社会信用代码|信用代码",
    "name": "姓名|联系人|当事人|负责人|法定代表人|来电人|户主|监护人|患者|申请人", "address": "住址|家庭地址|户籍地|居住地|通讯地址",
}
# Of a name in two columns, no value of either shows a name; nor does one in Latin letters.
_HALVES = "姓|名|姓氏|SURNAME|(?:GIVEN|FIRST|MIDDLE|LAST|FAMILY)_?NAMES?|XMPY|XM_PY|(?:姓名|名字|人名)拼音"
_EXACT = {
    "resident_id": "SFZH|SFZHM|SFZ|ZJHM|IDCARD|ID_CARD|ID_NO|IDNO", "bank_card": "YHKH|BANK_CARD|CARD_NO|YHZH",
    "mobile": "SJH|SJHM|LXDH|LXFS|PHONE|MOBILE|TEL|DHHM", "landline": "GDDH|BGDH|LANDLINE", "email": "YX|DZYX|EMAIL|E_MAIL",
    "plate": "CPH|CPHM|HPHM|PLATE|PLATE_NO",
    "passport": "HZH|HZHM|PASSPORT|PASSPORT_NO", "imei": "IMEI", "vin": "CJH|VIN", "mac": "MAC", "ip": "IP|IP_ADDR", "wechat": "WXH|WECHAT",
    "qq": "QQ|QQH", "social_credit_code": "TYSHXYDM|USCC|XYDM", "name": f"XM|XINGMING|LXR|DSR|FDDBR|PERSON_NAME|FULL_NAME|{_HALVES}",
    "address": "ZZ|JTZZ|JTDZ|HOME_ADDRESS",
}
_THINGS = re.compile("订单|流水|工单|单号|编号|序号|批次|运单|合同|表号|设备|产品|型号|药|菜|岗位|职务|店名|商户|地名|路名|金额|数量|版本|时间|日期|"
                     "(?:^|_)(?:DDH|LSH|GDH|XH|BH|PCH|YDH|HTBH|BBH|SBBH|ORDER|SERIAL|BATCH|VERSION|AMOUNT|COUNT)(?:_|$)")
# What no value shows by itself (accounts, numbers without a check), and words that speak of a person and nothing else.
_FORMLESS = frozenset(("wechat", "qq", "social_security", "passport", "hk_macao_permit", "disability_card"))
_PERSON = re.compile(f"姓名|当事人|来电人|户主|监护人|患者|法定代表人|^(?:{_HALVES})$")
_ASKS = {kind: re.compile(rf"{words}|^(?:{_EXACT.get(kind, '(?!)')})$") for kind, words in _WORDS.items()}


_SPACES = re.compile(r"(?<=[\u3400-\u9fff])[\s_-]+|[\s_-]+(?=[\u3400-\u9fff])")


def _plain(header: str) -> str:
    """Half-width and in capitals, without the spaces that set Chinese words wide; other words with one underline between them."""
    return re.sub(r"[\s-]+", "_", _SPACES.sub("", fold(header).strip()))


def header_kinds(*headers: str) -> frozenset[str]:
    """Kinds that one of the headers asks for."""
    names = [_plain(header) for header in headers]
    return frozenset(kind for kind, asks in _ASKS.items() if any(asks.search(name) for name in names))


def of_things(*headers: str) -> bool:
    """Whether a header speaks of orders, serials, devices, dishes and the like, and none asks for an identifier."""
    return any(_THINGS.search(_plain(header)) for header in headers) and not header_kinds(*headers)


def shown_by_header(kind: str, *headers: str) -> bool:
    """Whether a header is reason enough for a doubt about a declared column whose values show nothing of the kind."""
    return kind in _FORMLESS or (kind == "name" and any(_PERSON.search(_plain(header)) for header in headers))


_ATTRIBUTE = re.compile("性别|出生|生日|年龄|邮政编码|邮编|民族|婚姻|学历|职业|籍贯|户籍|"
                        r"(?<![a-z])(?:sex|gender|birth\w*|born\w*|dob|age|postcode|post_code|zip|zipcode|zip_code|ethnicity|marital\w*)(?![a-z])",
                        re.IGNORECASE)


def attribute(*headers: str) -> bool:
    """Whether a header calls what GB/T 37964 lists as a quasi-identifier of persons: sex, birth, age, postcode and their like."""
    return any(_ATTRIBUTE.search(_plain(header)) for header in headers)
