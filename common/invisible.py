"""Characters that show nothing: spaces, fillers, marks of direction and width, what only shows on another character."""

Ranges = tuple[tuple[int, int], ...]

# Unicode's White_Space and Default_Ignorable_Code_Point (UAX 44, DerivedCoreProperties.txt), the marks of interlinear
# annotations, and the blank Braille pattern.
BLANK_RANGES: Ranges = (
    (0x20, 0x20),
    (0x85, 0x85),
    (0xA0, 0xA0),
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x1680, 0x1680),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2000, 0x200F),
    (0x2028, 0x202F),
    (0x205F, 0x206F),
    (0x2800, 0x2800),
    (0x3000, 0x3000),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
# The general blocks of combining marks: they show on another character, and nothing alone.
MARK_RANGES: Ranges = ((0x300, 0x36F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F))
INVISIBLE_RANGES: Ranges = BLANK_RANGES + MARK_RANGES


def character_class(ranges: Ranges = INVISIBLE_RANGES) -> str:
    """The ranges as the inside of a regular expression's […], in literal characters: for Python, Java and Rust."""
    return "".join(chr(first) if first == last else f"{chr(first)}-{chr(last)}" for first, last in ranges)
