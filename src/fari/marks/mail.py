"""Free-mail domains: an address there says nothing about the company its owner works for."""

_FREE = frozenset(
    """aol.com bluewin.ch btinternet.com comcast.net fastmail.com free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net
    googlemail.com hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it icloud.com inbox.lv laposte.net libero.it
    live.com live.it mac.com mail.com mail.ru me.com msn.com naver.com orange.fr outlook.com outlook.de outlook.fr outlook.it pm.me
    posteo.de proton.me protonmail.com qq.com rediffmail.com rocketmail.com seznam.cz sky.com t-online.de tin.it tiscali.it tutanota.com
    verizon.net virgilio.it wanadoo.fr web.de yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.de yahoo.es yahoo.fr yahoo.it yandex.com
    yandex.ru ymail.com zoho.com 126.com 163.com alice.it""".split()
)


def is_free_mail(address: str) -> bool:
    """Whether an e-mail address is at a free-mail provider.

    >>> is_free_mail("ada@gmail.com"), is_free_mail("ada@acme.com")
    (True, False)
    """
    return address.rpartition("@")[2] in _FREE
