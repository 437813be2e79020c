"""When two words are the same word: case, spaces, Unicode form and invisible signs do not count."""

import unicodedata

INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])


def word_key(text: str) -> str:
    """The form under which names and ids are compared: “ACME ”, “acme” and its NFD form are one."""
    if text.isascii():
        return " ".join(text.casefold().split())
    plain = unicodedata.normalize("NFC", text).translate(INVISIBLE)
    return " ".join(unicodedata.normalize("NFC", plain.casefold()).split())


def header_key(text: str) -> str:
    """The form under which headers are compared: “Account_Name”, “AccountName ” and “account name” are one."""
    return word_key(text).replace("_", "").replace(" ", "").replace("-", "").replace("/", "").replace("?", "")
