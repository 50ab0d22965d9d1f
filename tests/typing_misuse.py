"""Wrong uses of the public functions.  Never run: `test_typing` asks mypy, which must find the errors that stand here, and no other."""

from pathlib import Path

from corpus_builder import Document, Drop, Quality, Recipe, Rule, Serial, Source, Threshold, build, judge


def keeps_by_truth(doc: Document) -> bool:
    return "猫" in doc.text


def right(doc: Document) -> Drop | None:
    return Drop("cat", value=1.0, threshold=0) if "猫" in doc.text else None


judge(right, "猫である。")
judge(keeps_by_truth, "猫である。")  # error: arg-type
judge(Threshold("hiragana_fraction", minimum=0.2), "猫である。")  # error: call-arg
build("pipelines/sample.toml", "out")  # error: arg-type
build(Recipe.load("pipelines/sample.toml"), "out", "ray")  # error: arg-type
built = build(Recipe.load("pipelines/sample.toml"), "out", Serial())
built.why(7)  # error: arg-type
built.out = built.out  # error: misc
Drop(reason=None)  # error: arg-type
Document("猫").text.nothing()  # error: attr-defined
web = Source(name="web", kind="warc", paths=["a.warc.gz", Path("b.warc.gz")], extra=["license"])
Recipe(
    name="mine", sources=[web], quality=Quality(measures={"cats": lambda doc: doc.text.count("猫")}, rules=[Rule(filter=right)])
)
Source(name="web", kind="wrac", paths=["a.warc.gz"])  # error: arg-type
Rule(filter=keeps_by_truth)  # error: arg-type
Recipe(name="mine", source=[web])  # error: call-arg
