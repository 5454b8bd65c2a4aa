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
    "disability_card": "残疾人证", "social_credit_code": "统一社会信用代码|信用代码",
    "name": "姓名|联系人|当事人|负责人|法定代表人|来电人|户主|监护人|患者|申请人", "address": "住址|家庭地址|户籍地|居住地|通讯地址",
}
_EXACT = {
    "resident_id": "SFZH|SFZHM|SFZ|ZJHM|IDCARD|ID_CARD|ID_NO|IDNO", "bank_card": "YHKH|BANK_CARD|CARD_NO|YHZH",
    "mobile": "SJH|SJHM|LXDH|LXFS|PHONE|MOBILE|TEL|DHHM", "landline": "GDDH|BGDH|LANDLINE", "email": "YX|DZYX|EMAIL|E_MAIL",
    "plate": "CPH|CPHM|HPHM|PLATE|PLATE_NO",
    "passport": "HZH|HZHM|PASSPORT|PASSPORT_NO", "imei": "IMEI", "vin": "CJH|VIN", "mac": "MAC", "ip": "IP|IP_ADDR", "wechat": "WXH|WECHAT",
    "qq": "QQ|QQH", "social_credit_code": "TYSHXYDM|USCC|XYDM", "name": "XM|XINGMING|LXR|DSR|FDDBR|NAME|PERSON_NAME|FULL_NAME",
    "address": "ZZ|JTZZ|JTDZ|HOME_ADDRESS",
}
_THINGS = re.compile("订单|流水|工单|单号|编号|序号|批次|运单|合同|表号|设备|产品|型号|药|菜|岗位|职务|店名|商户|地名|路名|金额|数量|版本|时间|日期|"
                     "(?:^|_)(?:DDH|LSH|GDH|XH|BH|PCH|YDH|HTBH|BBH|SBBH|ORDER|SERIAL|BATCH|VERSION|AMOUNT|COUNT)(?:_|$)")
_ASKS = {kind: re.compile(rf"{words}|^(?:{_EXACT.get(kind, '(?!)')})$") for kind, words in _WORDS.items()}


def header_kinds(*headers: str) -> frozenset[str]:
    """Kinds that one of the headers asks for."""
    names = [fold(header).strip() for header in headers]
    return frozenset(kind for kind, asks in _ASKS.items() if any(asks.search(name) for name in names))


def of_things(*headers: str) -> bool:
    """Whether a header speaks of orders, serials, devices, dishes and the like, and none asks for an identifier."""
    return any(_THINGS.search(fold(header)) for header in headers) and not header_kinds(*headers)
