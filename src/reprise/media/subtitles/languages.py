"""What languages are called in names of files and in containers."""

from __future__ import annotations

from functools import cache

_KNOWN = """
af afr afrikaans · am amh amharic · ar ara arabic · az aze azerbaijani · be bel belarusian · bg bul bulgarian
bn ben bengali · bo tib bod tibetan · bs bos bosnian · ca cat catalan · cs cze ces czech · cy wel cym welsh
da dan danish · de ger deu german deutsch · el gre ell greek · en eng english · eo epo esperanto
es spa spanish español · et est estonian · eu baq eus basque · fa per fas persian farsi · fi fin finnish
fo fao faroese · fr fre fra french français · ga gle irish · gl glg galician · gu guj gujarati · ha hau hausa
he heb hebrew · hi hin hindi · hr hrv croatian · ht hat haitian · hu hun hungarian · hy arm hye armenian
id ind indonesian · is ice isl icelandic · it ita italian italiano · ja jpn jp japanese · jv jav jw javanese
ka geo kat georgian · kk kaz kazakh · km khm khmer · kn kan kannada · ko kor kr korean · la lat latin
lb ltz luxembourgish · ln lin lingala · lo lao laotian · lt lit lithuanian · lv lav latvian · mg mlg malagasy
mi mao mri maori · mk mac mkd macedonian · ml mal malayalam · mn mon mongolian · mr mar marathi
ms may msa malay · mt mlt maltese · my bur mya burmese · ne nep nepali · nl dut nld dutch nederlands
nn nno nynorsk · no nor norwegian nb nob bokmål · oc oci occitan · pa pan punjabi · pl pol polish polski
ps pus pashto · pt por pob portuguese português · ro rum ron romanian · ru rus russian · sa san sanskrit
sd snd sindhi · si sin sinhala · sk slo slk slovak · sl slv slovenian · sn sna shona · so som somali
sq alb sqi albanian · sr srp scc serbian · su sun sundanese · sv swe swedish svenska · sw swa swahili
ta tam tamil · te tel telugu · tg tgk tajik · th tha thai · tk tuk turkmen · tl tgl tagalog fil filipino
tr tur turkish · tt tat tatar · uk ukr ua ukrainian · ur urd urdu · uz uzb uzbek · vi vie vietnamese
yi yid yiddish · yo yor yoruba · zh chi zho chs cht yue cmn chinese mandarin cantonese · zu zul zulu
"""
"""ISO 639-1, then what else stands for it: ISO 639-2 in both forms, what Whisper and rips say, names."""


@cache
def _codes() -> dict[str, str]:
    entries = [entry.split() for line in _KNOWN.strip().splitlines() for entry in line.split("·")]
    return {word: words[0] for words in entries for word in words}


def language_code(word: str) -> str:
    """ISO 639-1 of a code, a code with a region or script (``pt-BR``, ``zh_Hans``) or a name; empty for anything else."""
    plain = word.strip().casefold()
    return _codes().get(plain) or _codes().get(plain.replace("_", "-").partition("-")[0], "")
