-- _languages: which option's letter an answer chooses where it says so in another language than English.
--
-- Read:  "the answer is B", "I choose B" in Arabic, Chinese, Czech, Dutch, French, German, Greek, Hindi,
--        Indonesian, Italian, Japanese, Korean, Polish, Portuguese, Romanian, Russian, Scandinavian, Spanish,
--        Thai, Turkish, Ukrainian and Vietnamese.
-- Reads: _patterns.

-- answer, solution, alternative; I choose
create or replace macro words_for_answer() as
    '(?:antwort|lösung|wähle|réponse|reponse|choisis|respuesta|opción|elijo|risposta|opzione|scelgo|resposta'
    || '|opção|alternativa|escolho|antwoord|kies|svar|odpověď|odpowiedź|wybieram|ответ|вариант|выбираю'
    || '|відповідь|cevap|cevab|yanıt|đáp án|jawaban|răspuns|απάντηση|الإجابة|الجواب'
    || '|उत्तर|คำตอบ)';

-- of any script
create or replace macro small_letter() as '(?:[a-z]|[^\x00-\x7f])';

-- the same where no spaces stand between words
create or replace macro signs_for_answer() as
    '(?:答案|正解|答え|回答|解答|選択肢|选项|選項|选择|選擇|选|選|정답|답)';

-- "nicht A", "pas A", "不是A", "A ist falsch"
create or replace macro without_refuted_elsewhere(said) as
    regexp_replace(
        said,
        '(?i:nicht|niet|pas|non|não|не|inte|ikke|nie|değil) [(]?[A-J]\b[)]?|(?:不是|不选|不選|非)[A-J]'
        || '|\b[A-J][)]? (?i:ist falsch|ist nicht|est fausse?|n''est pas|no es|es incorrecta|è sbagliata'
        || '|non è|não é|está errada|is niet|неверно|неправильно)|\b[A-J](?:是错|不对|不正确|は違|は間違|는 틀)',
        ' ',
        'g'
    );

-- la réponse est (B); die richtige Antwort: B; ответ — B
create or replace macro letter_behind_words(said) as
    last_of(
        said,
        '(?i:' || words_for_answer() || ')' || small_letter() || '*'
        || '(?:[ ,]+[A-Z]?' || small_letter() || '+){0,4}[\s:=-]*' || opening()
        || '([A-J])(?:[^[:alnum:][:^ascii:]''-]|$)'
    );

-- 答案是B; 正解はBです; 정답은 B입니다
create or replace macro letter_behind_signs(said) as
    last_of(
        said,
        signs_for_answer() || '[是为為应應选選项項はがも은는이가:\s]*' || opening()
        || '([A-J])(?:[^A-Za-z0-9]|$)'
    );

-- B是正确的; Bが正解です; B가 정답입니다
create or replace macro letter_before_signs(said) as
    last_of(said, '\b([A-J])[)项項]?(?:是|为|為|が|は|가|이)? ?(?:最)?(?:正确|正確|对的|對的|正解|정답|맞)');

-- short texts in ASCII letters are most: one look tells them apart
create or replace macro letter_in_other_languages(said) as
    case
        when regexp_matches(said, '(?i)[^\x00-\x7f]|' || words_for_answer())
            then
                list_transform(
                    [without_refuted_elsewhere(said)],
                    lambda text: coalesce(
                        letter_behind_words(text), letter_behind_signs(text), letter_before_signs(text)
                    )
                )[1]
    end;
