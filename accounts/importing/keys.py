"""When two words are the same word: case, spaces, Unicode form and invisible signs do not count."""

import unicodedata
from collections.abc import Sequence

INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])


def word_key(text: str) -> str:
    """The form under which names and ids are compared: “ACME ”, “acme” and its NFD form are one."""
    if text.isascii():
        return " ".join(text.casefold().split())
    plain = unicodedata.normalize("NFC", text).translate(INVISIBLE)
    return " ".join(unicodedata.normalize("NFC", plain.casefold()).split())


def word_keys(texts: Sequence[str]) -> list[str]:
    """`word_key` of each text; plain ones, which are nearly all, together."""
    joined = "\n".join(texts)
    # One word each and no blanks around it, so that nothing but case can differ.
    single = joined.isascii() and joined.count("\n") + 1 == len(texts) and "\n".join(joined.split()) == joined
    if single:
        return joined.casefold().split("\n")
    return list(map(word_key, texts))


def header_key(text: str) -> str:
    """The form under which headers are compared: “Account_Name”, “AccountName ” and “account name” are one."""
    return word_key(text).replace("_", "").replace(" ", "").replace("-", "").replace("/", "").replace("?", "")
