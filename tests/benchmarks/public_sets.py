"""One function a public benchmark: files in its owners' schema, with the odd rows that their data have."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tests.benchmarks.public import IMG, TEXTS, img, table

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
