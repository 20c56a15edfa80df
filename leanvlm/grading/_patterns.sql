-- _patterns: how a letter that stands for an option is written, and where in a text it is looked for.

-- what is no part of a word
create or replace macro sign() as '[^[:alnum:][:^ascii:]'']';

-- what may stand before a letter: (B), **B**, $\boxed{\text{B}}$
create or replace macro opening() as '(?:\\(?:text|math)[a-z]*|[\s(\[{*"`$_<>\\])*';

-- a capital that is no part of a word; a small one closes its line too
create or replace macro letter() as
    '([A-J](?:[^[:alnum:][:^ascii:]''-]|$)|[a-j][.)\]}*"`$_>]*[ \t]*(?:\n|$))';

-- null where the pattern is nowhere
create or replace macro first_of(said, pattern) as nullif(regexp_extract(said, pattern, 1), '');

create or replace macro last_of(said, pattern) as first_of(said, '(?s:.*)' || pattern);
