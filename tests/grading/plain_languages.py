"""Which letter an answer chooses in another language than English, once more in plain Python: for _languages.sql."""

from __future__ import annotations

import re

WORDS = """
antwort lösung wähle réponse reponse choisis respuesta opción elijo risposta opzione scelgo resposta opção alternativa
escolho antwoord kies svar odpověď odpowiedź wybieram ответ вариант выбираю відповідь cevap cevab yanıt đáp.án jawaban
răspuns απάντηση الإجابة الجواب उत्तर คำตอบ
"""
SIGNS = "答案 正解 答え 回答 解答 選択肢 选项 選項 选择 選擇 选 選 정답 답"
NEGATIONS = "nicht niet pas non não не inte ikke nie değil"
REFUTED = """
ist.falsch ist.nicht est.fauss est.fausse n'est.pas no.es es.incorrecta è.sbagliata non.è não.é está.errada is.niet
неверно неправильно
"""
OPEN = r"(?:\\(?:text|math)[a-z]*|[\s(\[{*\"`$_<>\\])*"
END = r"(?![^\W_]|['-])"


def letter(text: str) -> str | None:
    """Take the last letter behind a word for the answer, behind such a sign, or in front of one."""
    if text.isascii() and not re.search(f"(?i){_any(WORDS)}", text):
        return None
    read = re.sub(
        rf"(?i:{_any(NEGATIONS)}) \(?[A-J](?![a-zA-Z0-9_])\)?|(?:不是|不选|不選|非)[A-J]", " ", _refuted(text)
    )
    small = r"(?:[a-z]|[^\x00-\x7f])"
    behind_words = rf"(?i:{_any(WORDS)}){small}*(?:[ ,]+[A-Z]?{small}+){{0,4}}[\s:=-]*{OPEN}([A-J]){END}"
    behind_signs = rf"{_any(SIGNS)}[是为為应應選选項项はがも은는이가:\s]*{OPEN}([A-J])(?![A-Za-z0-9])"
    before_signs = r"(?<![a-zA-Z0-9_])([A-J])[)项項]?[是为為がは가이]? ?最?(?:正确|正確|对的|對的|正解|정답|맞)"
    return _last(behind_words, read) or _last(behind_signs, read) or _last(before_signs, read)


def _any(phrases: str) -> str:
    return "(?:" + "|".join(phrase.replace(".", " ") for phrase in phrases.split()) + ")"


def _refuted(text: str) -> str:
    text = re.sub(rf"(?<![a-zA-Z0-9_])[A-J]\)? (?i:{_any(REFUTED)})", " ", text)
    return re.sub(r"(?<![a-zA-Z0-9_])[A-J](?:是错|不对|不正确|は違|は間違|는 틀)", " ", text)


def _last(pattern: str, text: str) -> str | None:
    found = [match.group(1) for start in range(len(text)) if (match := re.compile(pattern).match(text, start))]
    return found[-1] if found else None
