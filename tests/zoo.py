"""A zoo of columns: kinds that point to persons, and harmless ones that look like them, each under three styles of header.

All values are made here from a seed. `KINDS` maps a name to (flagged, Chinese header, short header, maker).
"""

from __future__ import annotations

import random
from collections.abc import Callable

from privacy.checksums import VIN_VALUES as VIN

Maker = Callable[[random.Random], str]
COMMON = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖"
    "石金韦贾夏付方邹熊白孟秦邱侯江尹薛阎段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文"
)
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国志文斌鑫浩宇轩梓涵欣怡子墨晨曦雨泽思远佳琪晓东春燕海波立新永"
    "健家豪"
)
REGIONS = ("330106", "330102", "330110", "310104", "320102", "420106", "110101", "440305", "510107", "340104")
HERBS = [
    "当归", "黄芪", "党参", "甘草", "白术", "茯苓", "石斛", "何首乌", "金银花", "连翘", "板蓝根", "陈皮", "半夏", "柴胡", "川芎", "白芍",
    "熟地黄", "枸杞子", "菊花", "薄荷", "桔梗", "麦冬", "五味子", "山药", "丹参", "红花", "桃仁", "杏仁", "杜仲", "牛膝", "黄连", "黄芩",
    "黄柏", "知母", "石膏", "桂枝", "麻黄", "防风", "荆芥", "羌活", "独活", "苍术", "厚朴", "木香", "香附", "郁金", "莪术", "三七", "白及",
    "艾叶",
]
DISHES = [
    "宫保鸡丁", "麻婆豆腐", "西湖醋鱼", "东坡肉", "龙井虾仁", "叫化鸡", "片儿川", "葱包桧", "鱼香肉丝", "回锅肉", "水煮鱼", "红烧排骨", "糖醋里脊",
    "白切鸡", "清蒸鲈鱼", "蒜蓉西兰花", "番茄炒蛋", "酸辣土豆丝", "蚂蚁上树", "干煸四季豆", "梅干菜扣肉", "油焖春笋", "宋嫂鱼羹", "蟹酿橙", "毛血旺",
    "夫妻肺片", "口水鸡", "地三鲜", "锅包肉", "佛跳墙",
]
PLACES = [
    "余杭", "萧山", "江干", "金华", "温州", "丁桥", "周浦", "黄龙", "石桥", "文晖", "彭埠", "闲林", "康桥", "祥符", "米市巷", "湖墅",
    "小河", "和睦", "拱宸桥", "大关", "上塘", "高桥", "方家山", "何家村", "陈家桥", "吴山", "孔家埠", "万松岭", "马塍路", "严家弄", "龙坞",
    "留下", "转塘", "双浦", "古荡", "北山", "西溪", "蒋村", "三墩", "翠苑",
]
POSTS = [
    "会计", "出纳", "文员", "主任", "科员", "副科长", "工程师", "驾驶员", "保洁员", "保安", "社工", "护士", "医师", "药剂师", "教师", "辅导员",
    "检察官助理", "书记员", "网格员", "窗口人员", "档案员", "质检员", "调度员", "电工", "焊工", "钳工", "统计员", "法务", "审计", "采购",
]
SHOPS = ["便利店", "小吃店", "理发店", "水果店", "五金店", "面馆", "药房", "洗衣店", "花店", "书店", "修车行", "打印社", "奶茶店", "服装店", "眼镜店"]
SPECIES = [
    "香樟", "银杏", "水杉", "桂花", "广玉兰", "悬铃木", "无患子", "黄山栾树", "杜英", "石楠", "紫薇", "白玉兰", "鸡爪槭", "马尾松",
    "柏木", "枫香", "乌桕", "合欢", "金钱松", "龙柏",
]


def name(r: random.Random) -> str:
    return r.choice(COMMON[:60] if r.random() < 0.8 else COMMON) + "".join(r.choice(GIVEN) for _ in range(r.choice((1, 2, 2, 2))))


def digits(r: random.Random, number: int) -> str:
    return "".join(str(r.randrange(10)) for _ in range(number))


def day(r: random.Random, first: int = 1940, last: int = 2020) -> str:
    return f"{r.randint(first, last)}{r.randint(1, 12):02d}{r.randint(1, 28):02d}"


def resident(r: random.Random) -> str:
    body = r.choice(REGIONS) + day(r) + digits(r, 3)
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]


def luhned(body: str) -> str:
    total = sum(sum(divmod(int(digit) * (2 if at % 2 == 0 else 1), 10)) for at, digit in enumerate(reversed(body)))
    return body + str(-total % 10)


def card(r: random.Random) -> str:
    return luhned(r.choice(("622202", "621700", "622848", "623058")) + digits(r, r.choice((9, 12))))


def grouped(number: str) -> str:
    return " ".join(number[at:at + 4] for at in range(0, len(number), 4))


def gapped(number: str) -> str:
    return f"{number[:6]} {number[6:14]} {number[14:]}"


def mobile(r: random.Random) -> str:
    return r.choice((
        "130", "131", "135", "136", "137", "138", "139", "150", "151",
        "152", "158", "159", "177", "180", "186", "188", "189", "199")) + digits(r, 8)


def vin(r: random.Random) -> str:
    marks = [r.choice("ABCDEFGHJKLMNPRSTUVWXYZ0123456789") for _ in range(13)] + list(digits(r, 4))
    marks[0] = "L"
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    marks[8] = "0123456789X"[sum(VIN[mark] * weight for mark, weight in zip(marks, weights, strict=True)) % 11]
    return "".join(marks)


def uscc(r: random.Random) -> str:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = "91" + r.choice(REGIONS) + "MA" + "".join(r.choice(alphabet) for _ in range(7))
    return body + alphabet[-sum(alphabet.index(mark) * pow(3, at, 31) for at, mark in enumerate(body)) % 31]


def plate(r: random.Random) -> str:
    return "浙" + r.choice("ABCDEF") + "".join(r.choice("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789") for _ in range(r.choice((5, 5, 6))))


def door(r: random.Random) -> str:
    road = r.choice(("文一路", "文三路", "古墩路", "莫干山路"))
    return f"杭州市西湖区{road}{r.randint(1, 900)}号{r.randint(1, 40)}幢{r.randint(1, 4)}单元{r.randint(1, 30)}0{r.randint(1, 4)}室"


def ordinary(r: random.Random) -> str:
    return r.choice((
        "路灯不亮，请尽快维修", "小区门口垃圾堆放，影响通行", "咨询医保报销比例问题",
        "反映公交车班次太少，等候时间长", "建议增加绿化面积和健身设施", "噪音扰民，夜间施工未停"))\
        + r.choice(("。", "，谢谢。", "，已多次反映。", "，请有关部门处理。")) + str(r.randint(1, 999))


def sparse(usual: Maker, rare: Maker) -> Maker:
    return lambda r: rare(r) if r.random() < 0.03 else usual(r)


def from_list(words: list[str]) -> Maker:
    return lambda r: r.choice(words)


def counter(start: int, step: int) -> Maker:
    state = {"at": start}

    def made(r: random.Random) -> str:
        state["at"] += r.randint(1, step)
        return str(state["at"])
    return made


KINDS: dict[str, tuple[bool, str, str, Maker]] = {
    "resident": (True, "身份证号", "SFZH", resident),
    "resident_sparse": (True, "备注", "BZ", sparse(ordinary, lambda r: f"本人身份证{resident(r)}，请核实。")),
    "resident_mistyped": (True, "证件号码", "ZJHM", lambda r: resident(r) if r.random() < 0.7 else resident(r)[:17] + "5"),
    "resident_gaps": (True, "公民身份号码", "ID_NO", lambda r: gapped(resident(r))),
    "card": (True, "银行卡号", "YHKH", card),
    "card_grouped": (True, "开户账号", "YHZH", lambda r: grouped(card(r))),
    "mobile": (True, "手机号码", "SJHM", mobile),
    "mobile_86": (True, "联系电话", "LXDH", lambda r: "+86" + mobile(r)),
    "mobile_grouped": (True, "联系方式", "LXFS", lambda r: mobile(r)[:3] + "-" + digits(r, 4) + "-" + digits(r, 4)),
    "mobile_full": (True, "手机", "TEL", lambda r: mobile(r).translate({48 + at: 0xFF10 + at for at in range(10)})),
    "mobile_sparse": (True, "处理意见", "CLYJ", sparse(ordinary, lambda r: f"请回电{mobile(r)}。")),
    "mobile_masked": (True, "电话号码", "DHHM", lambda r: mobile(r)[:3] + "****" + digits(r, 4)),
    "email": (True, "电子邮箱", "EMAIL", lambda r: f"u{digits(r, 6)}@{r.choice(('qq.com', '163.com', 'example.cn'))}"),
    "email_sparse": (True, "反馈", "FK", sparse(ordinary, lambda r: f"请发到a{digits(r, 5)}@163.com。")),
    "plate": (True, "车牌号", "CPHM", plate),
    "vin": (True, "车架号", "CJH", vin),
    "imei": (True, "设备串号", "IMEI", lambda r: luhned("86" + digits(r, 12))),
    "passport": (True, "护照号", "HZH", lambda r: "E" + digits(r, 8)),
    "hmt": (True, "港澳证件号", "ZJHM", lambda r: r.choice("HM") + digits(r, 8)),
    "landline": (True, "固定电话", "GDDH", lambda r: "0571-8" + digits(r, 7)),
    "disability": (True, "残疾人证号", "CJRZH", lambda r: resident(r) + r.choice("1234567") + r.choice("1234")),
    "mac": (True, "MAC地址", "MAC", lambda r: ":".join(f"{r.randrange(256):02X}" for _ in range(6))),
    "ip": (True, "登录IP", "IP", lambda r: ".".join(str(r.randint(1, 254)) for _ in range(4))),
    "uscc": (True, "统一社会信用代码", "TYSHXYDM", uscc),
    "name": (True, "姓名", "XM", name),
    "name_contact": (True, "联系人", "LXR", name),
    "name_masked": (True, "当事人", "DSR", lambda r: name(r)[0] + "**"),
    "name_half": (True, "负责人", "FZR", lambda r: name(r) if r.random() < 0.6 else r.choice(PLACES) + r.choice(SHOPS)),
    "name_sparse": (True, "内容", "NR", sparse(ordinary, lambda r: f"联系人：{name(r)}，请尽快处理此事。")),
    "name_titled": (True, "来电内容", "LDNR", sparse(ordinary, lambda r: f"{r.choice(COMMON[:40])}先生来电反映小区停水问题{r.randint(1, 99)}")),
    "address": (True, "家庭地址", "JTDZ", door),
    "address_text": (True, "诉求", "SQ", lambda r: f"{door(r)}漏水，请处理。"),
    "order_2024": (False, "订单编号", "DDH", lambda r: day(r, 2023, 2024) + digits(r, 8)),
    "order_19": (False, "流水号", "LSH", lambda r: day(r, 2023, 2024) + digits(r, 11)),
    "serial": (False, "序号", "XH", counter(1, 3)),
    "serial_11": (False, "工单编号", "GDH", counter(13500000000, 5)),
    "code_18": (False, "项目编号", "XMBH", lambda r: r.choice(REGIONS) + day(r, 2015, 2024) + digits(r, 4)),
    "meter": (False, "水表表号", "BH", lambda r: "3" + digits(r, 11)),
    "snowflake": (False, "记录标识", "JLBS", counter(7_012_345_678_901_234_567, 10**13)),
    "card_like": (False, "运单号", "YDH", lambda r: "62" + digits(r, 14)),
    "eleven": (False, "计数值", "COUNT", lambda r: str(r.randint(10**10, 10**11 - 1))),
    "amount": (False, "金额", "JE", lambda r: f"{r.uniform(1, 1e6):.2f}"),
    "amount_big": (False, "预算金额", "AMOUNT", lambda r: f"{r.randint(10**9, 10**12)}.00"),
    "millis": (False, "时间戳", "SJC", lambda r: str(r.randint(1_600_000_000_000, 1_700_000_000_000))),
    "date": (False, "登记日期", "DJRQ", lambda r: f"{r.randint(2000, 2024)}-{r.randint(1, 12):02d}-{r.randint(1, 28):02d}"),
    "date_time": (False, "登记时间", "DJSJ",
                  lambda r: f"2024-{r.randint(1, 12):02d}-{r.randint(1, 28):02d} {r.randint(0, 23):02d}:{r.randint(0, 59):02d}:00"),
    "compact_time": (False, "生成时间", "SCSJ", lambda r: day(r, 2020, 2024) + f"{r.randint(0, 23):02d}{r.randint(0, 59):02d}{r.randint(0, 59):02d}"),
    "version": (False, "版本号", "BBH", lambda r: f"{r.randint(1, 9)}.{r.randint(0, 30)}.{r.randint(0, 99)}"),
    "uuid": (False, "对象标识", "UUID", lambda r: f"{r.getrandbits(128):032x}"),
    "hash": (False, "摘要值", "ZY", lambda r: f"{r.getrandbits(64):016x}"),
    "postcode": (False, "邮政编码", "YZBM", lambda r: "31" + digits(r, 4)),
    "division": (False, "行政区划代码", "XZQHDM", lambda r: r.choice(REGIONS) + digits(r, 6)),
    "batch": (False, "批次号", "PCH", lambda r: f"B{r.randint(2020, 2024)}{digits(r, 6)}"),
    "contract": (False, "合同编号", "HTBH", lambda r: f"HT-{r.randint(2018, 2024)}-{digits(r, 5)}"),
    "coordinate": (False, "经度", "JD", lambda r: f"{r.uniform(119, 121):.6f}"),
    "percent": (False, "完成率", "WCL", lambda r: f"{r.uniform(0, 100):.1f}%"),
    "herb": (False, "药材名称", "YCMC", from_list(HERBS)),
    "dish": (False, "菜品名称", "CPMC", from_list(DISHES)),
    "place": (False, "地名", "DM", from_list(PLACES)),
    "post": (False, "岗位名称", "GWMC", from_list(POSTS)),
    "shop": (False, "店名", "DMC", lambda r: r.choice(PLACES) + r.choice(SHOPS)),
    "shop_surname": (False, "商户名称", "SHMC", lambda r: f"{r.choice(COMMON)}记{r.choice(SHOPS)}"),
    "street": (False, "所属街道", "SSJD", lambda r: r.choice(PLACES) + "街道"),
    "community": (False, "所属社区", "SSSQ", lambda r: r.choice(PLACES) + r.choice(("", "东", "西")) + "社区"),
    "status": (False, "办理状态", "BLZT", from_list(["已办结", "办理中", "待受理", "已退回", "已回访"])),
    "ordinary": (False, "诉求内容", "SQNR", ordinary),
    "company": (False, "企业名称", "QYMC", lambda r: f"杭州{r.choice(GIVEN)}{r.choice(GIVEN)}{r.choice(('科技', '贸易', '餐饮', '建筑'))}有限公司"),
    "product": (False, "产品型号", "CPXH", lambda r: f"{r.choice('ABCX')}{digits(r, 4)}-{r.choice('ABC')}"),
    "line": (False, "公交线路", "GJXL", lambda r: f"{r.randint(1, 900)}路"),
    "species": (False, "树种", "SZ", from_list(SPECIES)),
}
STYLES = ("chinese", "short", "meaningless")


def columns(rows: int = 1000, seed: int = 7) -> list[tuple[str, str, str, bool, list[str]]]:
    """(kind, style of header, header, whether it must be flagged, values) of every kind in every style."""
    found = []
    for kind, (flagged, chinese, short, maker) in KINDS.items():
        for style, header in zip(STYLES, (chinese, short, "F17"), strict=True):
            r = random.Random(f"{seed} {kind} {style}")
            found.append((kind, style, header, flagged, [maker(r) for _ in range(rows)]))
    return found
