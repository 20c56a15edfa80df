"""One function a public benchmark: files in its owners' schema, with the odd rows that their data have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from leanvlm import plugins
from tests.benchmarks.public import IMG, TEXTS, img, picture, table, write

Files = dict[str, pa.Table]


def shards(stem: str, columns: dict[str, pa.DataType], rows: list[dict[str, Any]], n: int, *hashes: str) -> Files:
    """Cut rows into `n` files, named as the hub names shards."""
    size = -(-len(rows) // n)
    ends = [f"-{one}" for one in hashes] or [""] * n
    names = [f"{stem}-{index:05d}-of-{n:05d}{ends[index]}.parquet" for index in range(n)]
    return {name: table(columns, rows[index * size : (index + 1) * size]) for index, name in enumerate(names)}


def docvqa() -> Files:
    columns = {
        "questionId": pa.string(),
        "question": pa.string(),
        "question_types": TEXTS,
        "image": IMG,
        "docId": pa.int64(),
        "ucsf_document_id": pa.string(),
        "ucsf_document_page_no": pa.string(),
        "answers": TEXTS,
        "data_split": pa.string(),
    }
    rows = [
        {
            "questionId": str(500 + n),
            "question": f"What is the {n}. name?",
            "question_types": ["form", "layout"][: 1 + n % 2],
            "image": img(n // 2, mode="L"),
            "docId": n // 2,
            "ucsf_document_id": f"doc{n // 4}",
            "ucsf_document_page_no": str(n // 2 % 2),
            "answers": [f"name {n}", f"Name {n}"],
            "data_split": "val",
        }
        for n in range(9)
    ]
    return shards("DocVQA/validation", columns, rows, 3)


def chartqa() -> Files:
    columns = {"type": pa.string(), "question": pa.string(), "answer": pa.string(), "image": IMG}
    rows = [
        {"type": kind, "question": f"How much is {n}?", "answer": f"{n}.5", "image": img(n, mode="P")}
        for n, kind in enumerate(["human_test", "augmented_test", "human_test", "augmented_test"])
    ]
    return shards("data/test", columns, rows, 1)


def textvqa() -> Files:
    columns = {
        "image_id": pa.string(),
        "question_id": pa.int32(),
        "question": pa.string(),
        "question_tokens": TEXTS,
        "image": IMG,
        "image_width": pa.int32(),
        "answers": TEXTS,
        "ocr_tokens": TEXTS,
    }
    rows = [
        {
            "image_id": f"photo{n // 2}",
            "question_id": 34602 + n,
            "question": "what does the STOP sign of Rome say?",
            "question_tokens": ["what"],
            "image": img(n // 2, mode="RGB", kind="JPEG"),
            "image_width": 32,
            "answers": ["stop"] * 7 + ["STOP", "halt", "stop sign"],
            "ocr_tokens": ["STOP"],
        }
        for n in range(5)
    ]
    return shards("data/validation", columns, rows, 3)


def ocrbench() -> Files:
    columns = {
        "dataset": pa.string(),
        "question": pa.string(),
        "question_type": pa.string(),
        "answer": TEXTS,
        "image": IMG,
    }
    formula = "Handwritten Mathematical Expression Recognition"
    rows = [
        {"dataset": "IIIT5K", "question": " what is written? ", "question_type": "Regular Text Recognition",
         "answer": ["CENTRE"], "image": img(0, kind="JPEG")},
        {"dataset": "HME100k", "question": "Write out the formula.", "question_type": formula,
         "answer": ["\\Delta x"], "image": img(1, mode="LA", size=(20, 20))},
        {"dataset": "docVQA", "question": "When?", "question_type": "Doc-oriented VQA", "answer": ["4/12/88", "1988"],
         "image": img(2)},
    ]  # fmt: skip
    return shards("data/test", columns, rows, 1)


def ai2d() -> Files:
    columns = {"question": pa.string(), "options": TEXTS, "answer": pa.string(), "image": pa.binary()}
    options = ["larva", "pupa", "adult frog", "egg mass"]
    rows = [
        {"question": f"Which is stage {n}?", "options": options, "answer": str(n), "image": picture(n)}
        for n in range(4)
    ]
    return {"test.parquet": table(columns, rows)}


def gqa() -> Files:
    groups = pa.struct([("global", pa.string()), ("local", pa.string())])
    columns = {
        "id": pa.string(),
        "imageId": pa.string(),
        "question": pa.string(),
        "answer": pa.string(),
        "fullAnswer": pa.string(),
        "isBalanced": pa.bool_(),
        "groups": groups,
    }
    rows = [
        {"id": f"2013{n}", "imageId": f"n{n % 2}", "question": f"Is the {n}. cup to the left?", "answer": "yes",
         "fullAnswer": "Yes, it is.", "isBalanced": True, "groups": {"global": None, "local": "10c-cup"}}
        for n in range(5)
    ]  # fmt: skip
    photos = [{"id": f"n{n}", "image": img(n, kind="JPEG")} for n in (1, 0)]
    return {
        **shards("testdev_balanced_instructions/testdev", columns, rows, 1),
        **shards("testdev_balanced_images/testdev", {"id": pa.string(), "image": IMG}, photos, 1),
    }


def mmmu() -> Files:
    columns = {name: pa.string() for name in ("id", "question", "options", "explanation")}
    columns |= {f"image_{n}": IMG for n in range(1, 8)}
    columns |= {name: pa.string() for name in ("img_type", "answer", "topic_difficulty", "question_type", "subfield")}
    choice = {"question_type": "multiple-choice", "image_1": img(1), "image_2": img(2, mode="CMYK", kind="TIFF")}
    rows = [
        {"id": "validation_Art_Theory_12", "question": "Which <image 1> is \"Babel\"?",
         "options": "['cubism', '<image 2>', 'dada']", "answer": "B", **choice},
        {"id": "validation_Geography_15", "question": "<image 2> How many lakes?", "options": "['two', 'None']",
         "answer": "B", **choice},
        {"id": "validation_Math_3", "question": "How long is x in <image 1>?", "options": "[]", "answer": "24/7",
         "question_type": "open", "image_1": img(3)},
        {"id": "validation_Math_4", "question": "How far in <image 1>?", "options": "[]",
         "answer": "['2.75', '$2.75$']", "question_type": "open", "image_1": img(4)},
    ]  # fmt: skip
    return shards("data/validation", columns, rows, 1)


def mme() -> Files:
    columns = {
        "question_id": pa.string(),
        "image": IMG,
        "question": pa.string(),
        "answer": pa.string(),
        "category": pa.string(),
    }
    pictures = ["code_reasoning/0020.png", "existence/1.png", "existence/2.png", "posters/a.png"]
    rows = [
        {"question_id": name, "image": img(n), "question": f"Is it {said}? Please answer yes or no.", "answer": said,
         "category": name.partition("/")[0]}
        for n, name in enumerate(pictures) for said in ("Yes", "No")
    ]  # fmt: skip
    ends = ("a25dbe3b44c4fda6", "7d22c7f1aba6fca4", "594798fd3f5b029c", "53ae1794f93b1e35")
    return shards("data/test", columns, rows[:-1], 4, *ends)  # of the last picture one question is there


def pope() -> Files:
    columns = {
        "id": pa.string(),
        "question_id": pa.string(),
        "question": pa.string(),
        "answer": pa.string(),
        "image_source": pa.string(),
        "image": IMG,
        "category": pa.string(),
    }
    rows = [
        {"id": str(n), "question_id": str(n // 3 + 1), "question": f"Is there a {thing} in the image?", "answer": said,
         "image_source": f"COCO_val2014_{n % 2:012d}", "image": img(n % 2, kind="JPEG"), "category": way}
        for n, (way, thing, said) in enumerate((way, thing, said) for way in ("adversarial", "popular", "random")
                                               for thing, said in (("snowboard", "yes"), ("car", "no")))
    ]  # fmt: skip
    return shards("data/test", columns, rows, 3, "cca66e2cf6ea6a48", "9d37ab6c3e0b1b6c", "7d2d6f4b33a5f1a8")


def realworldqa() -> Files:
    columns = {"image": IMG, "question": pa.string(), "answer": pa.string(), "image_path": pa.string()}
    letter = "Please answer directly with only the letter of the correct option and nothing else."
    questions = [
        (f"Which way?\nA. Left.\nB. Right.\nC. Straight on.\n{letter}", "C"),
        ("How many cars?\nPlease answer directly with a single word or number.", "3"),
        (f"Which is nearer?\nA. The bus\nB The van\nC. Neither\n{letter}", "C"),
    ]
    rows = [
        {"image": img(n, mode="RGBA"), "question": question, "answer": answer, "image_path": f"{n}.webp"}
        for n, (question, answer) in enumerate(questions)
    ]
    return shards("data/test", columns, rows, 2)


def mmstar() -> Files:
    columns = {
        "index": pa.int64(),
        "question": pa.string(),
        "image": pa.binary(),
        "answer": pa.string(),
        "category": pa.string(),
        "l2_category": pa.string(),
        "meta_info": pa.struct([("source", pa.string())]),
    }
    kinds = ["image emotion", "image emotion", "localization", "geometry"]
    rows = [
        {"index": n, "question": f"Which {n}?\nOptions: A: a cat, on a mat, B: a dog, C: none, D: 1:2\n",
         "image": picture(n, kind="JPEG"), "answer": "ABCD"[n], "category": "c", "l2_category": kind,
         "meta_info": {"source": "s"}}
        for n, kind in enumerate(kinds)
    ]  # fmt: skip
    return {"mmstar.parquet": table(columns, rows)}


def mathvista() -> Files:
    columns = {
        "pid": pa.string(),
        "question": pa.string(),
        "image": pa.string(),
        "decoded_image": IMG,
        "choices": TEXTS,
        "unit": pa.string(),
        "precision": pa.float64(),
        "answer": pa.string(),
        "question_type": pa.string(),
        "answer_type": pa.string(),
        "metadata": pa.struct([("category", pa.string()), ("skills", TEXTS), ("task", pa.string())]),
        "query": pa.string(),
    }
    asked = [
        ("Find m∠H.", ["97", "102"], None, None, "97", "multi_choice", "text"),
        ("How many gaps?", None, None, None, "4", "free_form", "integer"),
        ("How much?", None, "$", 1.0, "1.2", "free_form", "float"),
        ("How much exactly?", None, "", 2.0, "2.54", "free_form", "float"),
        ("Between which years?", None, None, None, "[2007, 2008]", "free_form", "list"),
    ]
    names = ("question", "choices", "unit", "precision", "answer", "question_type", "answer_type")
    rows = [
        {"pid": str(n + 1), "image": f"images/{n}.jpg", "decoded_image": img(n), "query": "Hint: ...",
         "metadata": {"category": "c", "skills": ["s"], "task": f"task {n}"}, **dict(zip(names, row, strict=True))}
        for n, row in enumerate(asked)
    ]  # fmt: skip
    return shards("data/testmini", columns, rows, 1, "725687bf7a18d64b")


def llava_wilder() -> Files:
    columns = {"question_id": pa.string(), "Question": pa.string(), "Answer": pa.string(), "image": IMG}
    rows = [
        {"question_id": str(n), "Question": f"What is {n}?", "Answer": "A sign.", "image": img(n)} for n in range(3)
    ]
    return shards("small/test", columns, rows, 1)


def mmbench() -> Files:
    columns = {"index": pa.int64()} | {
        name: pa.string() for name in ("question", "hint", "answer", "A", "B", "C", "D", "category")
    }
    columns |= {"image": IMG, "source": pa.string(), "L2-category": pa.string(), "split": pa.string()}
    own = {"category": "ocr", "image": img(1), "split": "dev"}
    pair = {"question": "Indoors?", "hint": "nan", "C": "nan", "D": "nan", **own}
    four = {"question": "Which?", "hint": "Look.", "answer": "D", **own}
    rows = [
        {"index": 241, "answer": "A", "A": "yes", "B": "no", **pair},
        {"index": 252, "A": "1", "B": "2", "C": "3", "D": "banana", **four},
        {"index": 1_000_241, "answer": "B", "A": "no", "B": "yes", **pair},
        {"index": 1_000_252, "A": "banana", "B": "1", "C": "2", "D": "3", **four, "answer": "A"},
        {"index": 2_000_252, "A": "3", "B": "banana", "C": "1", "D": "2", **four, "answer": "B"},
        {"index": 300, "answer": "A", "A": "up", "B": "down", **pair, "hint": None, "C": None, "D": None},
    ]
    return shards("en/dev", columns, rows, 1)


def mmvet() -> Files:
    columns = {
        "question_id": pa.string(),
        "image": IMG,
        "question": pa.string(),
        "answer": pa.string(),
        "capability": pa.string(),
    }
    rows = [
        {"question_id": f"v1_{n}", "image": None if n == 1 else img(n), "question": "What is x?",
         "answer": "-1 <AND> -5 <OR> both", "capability": "ocr,math"}
        for n in range(3)
    ]  # fmt: skip
    return shards("data/test", columns, rows, 1)


def imagedc() -> Files:
    columns = {"question_id": pa.int64(), "question": pa.string(), "answer": pa.string(), "image": IMG}
    rows = [
        {"question_id": n, "question": "Describe this image.", "answer": "A room.", "image": img(n)} for n in range(2)
    ]
    return shards("data/test", columns, rows, 1)


def mp_docvqa() -> Files:
    texts = ("questionId", "question", "doc_id", "page_ids", "answers", "answer_page_idx", "data_split")
    columns = {name: pa.string() for name in texts} | {f"image_{n}": IMG for n in range(1, 21)}
    rows = [
        {"questionId": str(n), "question": "What is the total?", "doc_id": f"d{n}", "answer_page_idx": "0",
         "page_ids": str([f"d{n}_p{page}" for page in range(pages)]), "answers": '["$5", "5 dollars"]',
         "data_split": "val", **{f"image_{page + 1}": img(10 * n + page) for page in range(pages)}}
        for n, pages in enumerate((1, 20, 3))
    ]  # fmt: skip
    return shards("data/val", columns, rows, 2)


def video_mme() -> Files:
    names = ("video_id", "duration", "domain", "videoID", "question_id", "task_type", "question", "answer")
    columns = {name: pa.string() for name in names} | {"options": TEXTS}
    rows = [
        {"video_id": f"{video:03d}", "duration": duration, "domain": "Knowledge", "videoID": f"v-{video}",
         "question_id": f"{video:03d}-{n}", "task_type": "Counting", "question": f"How many {n}?", "answer": "B",
         "options": ["A. One.", "B. Two.", "C. Three.", "D. Four."]}
        for video, duration in enumerate(("short", "medium", "long")) for n in range(1, 4)
    ]  # fmt: skip
    return shards("videomme/test", columns, rows, 1)


ALL = (
    *(docvqa, chartqa, textvqa, ocrbench, ai2d, gqa, mmmu, mme, realworldqa, mmstar, mathvista, llava_wilder),
    *(mmbench, mmvet, imagedc, mp_docvqa, video_mme, pope),
)


def write_all(hub: Path) -> None:
    """Write every set into a cache under the name that the hub has today."""
    for one in ALL:
        write(hub, plugins.load("benchmarks", one.__name__).ids[0], one())
