"""What the reader says when it refuses: a whole file, a choice it may not make, or one cell."""

from dataclasses import dataclass


class FileRefused(Exception):
    """The whole file is refused; the text is a sentence for the person who sent it.

    `headers` are those of the file where it came that far, so that a person can map them.
    """

    headers: list[str] = []


@dataclass(frozen=True)
class Question:
    """Two readings fit and only a person may choose: `option` is how the answer is given."""

    option: str  # "number_style" or "date_order"
    column: str  # the header in the file
    example: str  # the first cell that can be read in two ways
    readings: tuple[tuple[str, str], ...]  # (answer, what the example then means)

    @property
    def sentence(self) -> str:
        """One sentence that names the column, the cell and the ways to answer."""
        flag = "--" + self.option.replace("_", "-")
        first, second = self.readings
        return (
            f"Column “{self.column}”: “{self.example}” can mean {first[1]} or {second[1]}. "
            f"Say which: {flag} {first[0]} or {flag} {second[0]}."
        )


class ChoiceNeeded(FileRefused):
    """The file can be read in two ways; nothing is guessed. `questions` lists what to answer."""

    def __init__(self, questions: list[Question]) -> None:
        self.questions = questions
        super().__init__(" ".join(question.sentence for question in questions))


class CellRefused(ValueError):
    """One cell is refused; the text is a sentence that says what would be accepted."""
